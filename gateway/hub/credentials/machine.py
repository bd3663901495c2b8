"""The gateway's own credentials for a server: one token for everybody, had when the server first asks for one.

Above: the connection to the server. Below: discovery and the token endpoint. Many who wait cause one request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import anyio

from gateway.config.server_auth import ClientCredentialsAuth
from gateway.errors import StoreError
from gateway.hub.credentials.authorizer import Refusal
from gateway.hub.credentials.challenges import Challenge
from gateway.hub.credentials.clients import Client
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.fetching import Fetcher
from gateway.hub.credentials.grants import ask_for_tokens
from gateway.hub.credentials.issuers import TokenIssuer
from gateway.hub.credentials.metadata import ServerMetadata
from gateway.hub.credentials.tokens import Tokens
from gateway.hub.peer import RequestFault, Unreachable

_PAUSE = 5.0  # seconds after a failure before anybody asks again


class ClientCredentials:
    """See `gateway.hub.credentials.authorizer.Authorizer`. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        auth: ClientCredentialsAuth,
        server_url: str,
        fetcher: Fetcher,
        issuer: TokenIssuer,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._auth = auth
        self._server_url = server_url
        self._fetcher = fetcher
        self._issuer = issuer
        self._clock = clock
        self._client = Client(auth.client_id, auth.client_secret, auth.private_key)
        self._lock = anyio.Lock()
        self._challenge = Challenge()
        self._scopes = auth.scopes
        self._tokens: Tokens | None = None
        self._failed: tuple[float, OAuthFault] | None = None

    async def headers(self) -> Mapping[str, str]:
        """The token; nothing while it is not known where one is had. Raises PeerError."""
        if self._tokens is None and self._auth.token_url is None:
            return {}  # the server's refusal says where
        if self._tokens is None or not self._tokens.is_fresh(self._clock()):
            await self._fetch(instead_of=self._tokens)
        return self._tokens.headers if self._tokens else {}

    async def renew(self, refusal: Refusal) -> Mapping[str, str]:
        """Another token than the one that was refused. Raises PeerError."""
        refused = self._tokens if self._tokens and self._tokens.headers == refusal.sent else None
        if refusal.status == 403:
            wanted = tuple(dict.fromkeys((*self._scopes, *refusal.challenge.scopes)))
            if refused is not None and set(wanted) <= set(self._scopes):
                raise RequestFault("the server wants scopes that it was given")
            self._scopes = wanted
        elif refused is not None or self._tokens is None:
            self._challenge = refusal.challenge
        await self._fetch(instead_of=refused)
        return self._tokens.headers if self._tokens else {}

    async def _fetch(self, *, instead_of: Tokens | None) -> None:
        async with self._lock:
            if self._tokens is not instead_of:
                return  # whoever held the lock has fetched another
            if self._failed is not None and self._clock() < self._failed[0]:
                raise _as_peer_error(self._failed[1])
            try:
                self._tokens = await self._asked()
                self._failed = None
            except StoreError as error:
                raise Unreachable("the gateway cannot read its credentials for it at the moment") from error
            except OAuthFault as fault:
                self._failed = self._clock() + _PAUSE, fault
                raise _as_peer_error(fault) from fault

    async def _asked(self) -> Tokens:
        server, resource = await self._place()
        scopes = self._scopes
        grant = {"grant_type": "client_credentials", **({"scope": " ".join(scopes)} if scopes else {})}
        return await ask_for_tokens(self._fetcher, server, self._client, grant, resource=resource, scopes=scopes)

    async def _place(self) -> tuple[ServerMetadata, str]:
        """Where tokens are had, and what they are for."""
        if self._auth.token_url is not None:
            return self._issuer.named(self._auth.token_url), self._server_url
        authority = await self._issuer.authority(self._challenge)
        await self._issuer.keep(authority.server.issuer)
        self._scopes = self._scopes or self._challenge.scopes or authority.resource.scopes
        return authority.server, authority.resource.resource


def _as_peer_error(fault: OAuthFault) -> Unreachable:
    return Unreachable(f"the gateway could get no token: {fault.message}")
