"""Lets a user connect to a server: a link of ours, a sign-in elsewhere, and tokens that are the user's alone.

Above: the HTTP surface shows what these methods give. Below: discovery, registration, the vault. A link alone does
not do it: the browser that comes back must be the one that went, and its user has been shown for whom it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

import anyio

from gateway.hub.credentials.clients import Client, PublicPlace
from gateway.hub.credentials.discovery import Authority
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.grants import ask_for_tokens, register, revoke
from gateway.hub.credentials.records import Flow, Record, read_client, read_flow, write
from gateway.hub.credentials.sign_in import (
    authorization_url,
    check_server,
    code_in,
    digest,
    new_secret,
    scopes_to_ask,
)
from gateway.hub.credentials.tickets import TICKET_LIFE, Ticket, Tickets
from gateway.hub.credentials.users import UserTokens
from gateway.hub.credentials.vault import CLIENT, FLOW, Vault
from gateway.store import Place

_log = logging.getLogger(__name__)

_DEADLINE = 60.0  # seconds for all that one page has to wait for


@contextmanager
def _deadline() -> Generator[None]:
    try:
        with anyio.fail_after(_DEADLINE):
            yield
    except TimeoutError as error:
        raise OAuthFault(f"its authorization took longer than {_DEADLINE:g} s", is_passing=True) from error


class Connecting:
    """The sign-ins of all servers whose users have credentials of their own."""

    def __init__(self, servers: Sequence[UserTokens], vault: Vault, place: PublicPlace) -> None:
        self._servers = {server.name: server for server in servers}
        self._vault = vault
        self._tickets = Tickets(vault.sealer)
        self.place = place

    @property
    def servers(self) -> Mapping[str, UserTokens]:
        """By name."""
        return self._servers

    def link(self, server: str, subject: str, label: str) -> str:
        """The URL at which a user can connect; it is good for ten minutes."""
        return f"{self.place.url}/connect/{server}?ticket={self._tickets.make(server, subject, label)}"

    @staticmethod
    def new_browser() -> str:
        """What a browser is given to be recognised by."""
        return new_secret()

    @staticmethod
    def proof(browser: str) -> str:
        """What a page may carry that only this browser could have been shown."""
        return digest(browser)

    def ticket(self, server: str, text: str) -> Ticket:
        """What a link says. Raises OAuthFault."""
        found = self._tickets.read(text, server) if server in self._servers else None
        if found is None:
            raise OAuthFault("this link is not good any more; ask for a new one")
        return found

    async def begin(self, ticket: Ticket, browser: str) -> str:
        """Where the user signs in. `browser` is what their browser was given. Raises OAuthFault and StoreError."""
        server = self._servers[ticket.server]
        with _deadline():
            flow = await self._flow(server, ticket, browser)
        place = Place(FLOW, "", ticket.id)
        await self._vault.put(place, write(flow), expires=int(time.time()) + TICKET_LIFE)
        return authorization_url(flow)

    async def _flow(self, server: UserTokens, ticket: Ticket, browser: str) -> Flow:
        challenge = await server.fetcher.challenge()
        authority = await server.issuer.authority(challenge)
        check_server(authority.server)
        client = await self._client(server, authority)
        before = await server.record(ticket.subject)
        known = () if before is None else (*before.asked, *before.wanted)
        given = server.auth.scopes or challenge.scopes or authority.resource.scopes
        return Flow(
            url=server.url,
            subject=ticket.subject,
            label=ticket.label,
            resource=authority.resource.resource,
            server=authority.server,
            client=client,
            asked=scopes_to_ask(authority.server, known, given),
            redirect_uri=self.place.redirect_uri,
            browser=digest(browser),
            state=f"{ticket.server}.{ticket.id}.{new_secret()}",
            verifier=new_secret(),
        )

    async def _client(self, server: UserTokens, authority: Authority) -> Client:
        auth, issuer = server.auth, authority.server.issuer
        if auth.client_id is not None:
            await server.issuer.keep(issuer)
            return Client(auth.client_id, auth.client_secret)
        document_url = self.place.document_url
        if document_url is not None and authority.server.takes_client_documents:
            return Client(document_url)
        # As one that comes back elsewhere, the gateway is another client.
        kept_at = Place(CLIENT, server.name, f"{issuer} {self.place.redirect_uri}")
        if (kept := await self._vault.get(kept_at)) is not None:
            return read_client(kept)
        client = await register(server.fetcher, authority.server, self.place)
        await self._vault.put(kept_at, write(client))
        return client

    async def finish(self, answer: Mapping[str, str], browser: str) -> str:
        """Take what a user came back with; the server to which they are connected.

        Raises OAuthFault and StoreError.
        """
        name, _, rest = answer.get("state", "").rpartition(".")[0].rpartition(".")
        kept = await self._vault.take(Place(FLOW, "", rest))
        flow = None if kept is None else read_flow(kept)
        code = code_in(flow, answer, browser)
        server = self._servers.get(name)
        if flow is None or server is None or server.url != flow.url:
            raise OAuthFault("this server is not there any more")
        grant = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
        }
        with _deadline():
            tokens = await ask_for_tokens(
                server.fetcher, flow.server, flow.client, grant, resource=flow.resource, scopes=flow.asked
            )
        record = Record(
            flow.url, flow.resource, flow.server, flow.client, tokens, flow.asked, time.time(), flow.label
        )
        await server.welcome(flow.subject, record)
        return name

    async def disconnect(self, server: UserTokens, subject: str) -> bool:
        """Forget a user's tokens, and take them back where that can be done; whether there were any.

        Raises StoreError.
        """
        record = await server.record(subject)
        await server.forget(subject)
        if record is None:
            return False
        try:
            with _deadline():
                await revoke(server.fetcher, record.server, server.client_of(record), record.tokens)
        except OAuthFault as fault:  # here they are gone; elsewhere they end by themselves
            _log.warning("%s: tokens were forgotten that could not be revoked: %s", server.name, fault)
        return True
