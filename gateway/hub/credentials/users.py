"""The tokens of the users of one server: kept, renewed by one for all who wait, and let go when they are void.

Above: `user_authorizers` sends them, `connecting` brings new ones. Below: the vault and the token endpoint.
Several gateways may share the vault: what another one renewed is taken over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import anyio

from gateway.config.server_auth import UserAuth
from gateway.hub.credentials.authorizer import Refusal
from gateway.hub.credentials.clients import Client
from gateway.hub.credentials.discovery import find_resource
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.fetching import Fetcher
from gateway.hub.credentials.grants import ask_for_tokens
from gateway.hub.credentials.issuers import TokenIssuer
from gateway.hub.credentials.records import Record, read_record, write
from gateway.hub.credentials.tokens import Tokens
from gateway.hub.credentials.vault import TOKENS, Vault
from gateway.hub.peer import RequestFault, Unreachable
from gateway.store import Place

_MOST_LOCKS = 1000  # users whose renewals are under way, or were


class UserTokens:
    """The users of the server `name` at `url`. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        name: str,
        url: str,
        auth: UserAuth,
        vault: Vault,
        fetcher: Fetcher,
        issuer: TokenIssuer,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.url = url
        self.auth = auth
        self.fetcher = fetcher
        self.issuer = issuer
        self._vault = vault
        self._clock = clock
        self._locks: dict[str, anyio.Lock] = {}
        self.arrivals = 0
        self._connected = anyio.Event()  # set, and replaced, each time a user has connected

    async def wait_beyond(self, arrivals: int) -> None:
        """Wait until more have connected through this gateway than `arrivals`."""
        while self.arrivals <= arrivals:
            await self._connected.wait()

    async def subjects(self, *, most: int) -> list[str]:
        """Who has connected, the last first. Raises StoreError."""
        return await self._vault.subjects(TOKENS, self.name, most=most)

    async def labels(self, *, most: int) -> dict[str, str]:
        """What people call those who have connected, by subject, the last first. Raises StoreError."""
        records = {subject: await self.record(subject) for subject in await self.subjects(most=most)}
        return {subject: record.label for subject, record in records.items() if record is not None}

    async def record(self, subject: str) -> Record | None:
        """The connection of a user; one that was made for another URL of the server is none. Raises StoreError."""
        kept = await self._vault.get(Place(TOKENS, self.name, subject))
        record = None if kept is None else read_record(kept)
        return record if record is not None and record.url == self.url else None

    async def keep(self, subject: str, record: Record) -> None:
        """Let this be the user's connection. Raises StoreError."""
        await self._vault.put(Place(TOKENS, self.name, subject), write(record))

    async def welcome(self, subject: str, record: Record) -> None:
        """The same for a new one, and let those know who wait. Raises StoreError."""
        await self.keep(subject, record)
        self.arrivals += 1
        self._connected.set()
        self._connected = anyio.Event()

    async def forget(self, subject: str) -> None:
        """The user has no connection any more. Raises StoreError."""
        await self._vault.remove(Place(TOKENS, self.name, subject))

    async def current(self, subject: str) -> Tokens | None:
        """A user's tokens, renewed if it is time; None without a connection that is live. Raises PeerError."""
        record = await self._live(subject)
        if record is None:
            return None
        if record.tokens.is_fresh(self._clock()):
            return record.tokens
        return await self._renewed(subject, instead_of=record.tokens)

    async def better(self, subject: str, refusal: Refusal) -> Tokens | None:
        """Other tokens than those that were refused; None when only a new sign-in helps. Raises PeerError."""
        record = await self._live(subject)
        if record is None:
            return None
        if record.tokens.headers != refusal.sent:
            return record.tokens  # somebody was quicker
        if refusal.status == 403:
            await self._want_more(subject, record, refusal.challenge.scopes)
            return None
        if await self._has_moved(record, refusal):
            await self._end(subject, record)
            return None
        return await self._renewed(subject, instead_of=record.tokens)

    async def _live(self, subject: str) -> Record | None:
        """The connection of a user, as long as its tokens are of use and their issuer will do."""
        record = await self.record(subject)
        if record is None or not record.is_live or not self.issuer.will_do(record.server.issuer):
            return None
        return record

    async def _want_more(self, subject: str, record: Record, scopes: tuple[str, ...]) -> None:
        """Let the next sign-in ask for these scopes as well. Raises RequestFault when it did already."""
        if set(scopes) <= set(record.asked):
            raise RequestFault("the server wants scopes that it was given")
        wanted = tuple(dict.fromkeys((*record.wanted, *scopes)))
        await self.keep(subject, replace(record, wanted=wanted, is_live=False))

    async def _has_moved(self, record: Record, refusal: Refusal) -> bool:
        """Whether another authorization server issues the tokens by now."""
        try:
            resource = await find_resource(self.fetcher, self.url, refusal.challenge, issuer=self.auth.issuer)
        except OAuthFault:
            return False
        return record.server.issuer not in resource.issuers

    async def _renewed(self, subject: str, *, instead_of: Tokens) -> Tokens | None:
        async with self._lock_of(subject):
            record = await self._live(subject)  # another task, or another gateway, may have renewed it
            if record is None:
                return None
            if record.tokens.access != instead_of.access:
                return record.tokens
            if record.tokens.refresh is None:
                await self._end(subject, record)
                return None
            return await self._refreshed(subject, record, record.tokens.refresh)

    async def _refreshed(self, subject: str, record: Record, refresh: str) -> Tokens | None:
        """Renew, and keep what came before it is used: the old refresh token may be void by then."""
        grant = {"grant_type": "refresh_token", "refresh_token": refresh}
        try:
            with anyio.CancelScope(shield=True):  # bounded by the fetcher; cut off, both tokens could be lost
                new = await ask_for_tokens(
                    self.fetcher,
                    record.server,
                    self.client_of(record),
                    grant,
                    resource=record.resource,
                    scopes=record.tokens.scopes,
                )
                new = new if new.refresh else replace(new, refresh=refresh)
                await self.keep(subject, replace(record, tokens=new))
                return new
        except OAuthFault as fault:
            if fault.is_passing:
                raise Unreachable(f"its token could not be renewed: {fault.message}") from fault
            return await self._taken_over(subject, record)

    async def _taken_over(self, subject: str, refused: Record) -> Tokens | None:
        """After a refusal: what another gateway renewed meanwhile; else the connection is over."""
        record = await self.record(subject)
        if record is not None and record.tokens.access != refused.tokens.access:
            return record.tokens
        await self._end(subject, refused)
        return None

    async def _end(self, subject: str, record: Record) -> None:
        await self.keep(subject, replace(record, is_live=False))

    def client_of(self, record: Record) -> Client:
        """The client that got the tokens; its secret is the configuration's, where it stands there."""
        if self.auth.client_id == record.client.client_id:
            return replace(record.client, secret=self.auth.client_secret)
        return record.client

    def _lock_of(self, subject: str) -> anyio.Lock:
        if len(self._locks) >= _MOST_LOCKS:
            self._locks = {name: lock for name, lock in self._locks.items() if lock.locked()}
        return self._locks.setdefault(subject, anyio.Lock())
