"""Who issues the tokens for one server: whom the server names, as long as that is one who may.

Above: whoever gets tokens for it, and the transport, which tells the lock. Below: discovery. Where a server comes
to name another one than was locked, nobody is sent to sign in, and no secret goes there.
"""

from __future__ import annotations

import logging

import anyio

from gateway.config.server_auth import ClientCredentialsAuth, ServerAuth
from gateway.errors import StoreError
from gateway.hub.credentials.challenges import Challenge
from gateway.hub.credentials.discovery import Authority, find_resource, find_server
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.fetching import Fetcher
from gateway.hub.credentials.metadata import ServerMetadata
from gateway.hub.credentials.pins import IssuerPin
from gateway.hub.sources import source_of_url

_log = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds to look who it is: whoever connects waits for that


class TokenIssuer:
    """The issuer for the server at `server_url`. `locked` is the only one that will do, unless None.

    `pin` remembers who first got a secret of the operator's, where there is one.
    """

    def __init__(
        self, fetcher: Fetcher, server_url: str, auth: ServerAuth, pin: IssuerPin | None, locked: str | None
    ) -> None:
        self._fetcher = fetcher
        self._server_url = server_url
        self._auth = auth
        self._pin = pin
        self._locked = locked
        self.found: str | None = None
        """Whom the server was last found to name, or the configuration with its `token_url`."""

    def will_do(self, issuer: str) -> bool:
        """Whether its tokens may be used."""
        return self._locked in (None, issuer)

    async def authority(self, challenge: Challenge) -> Authority:
        """Where tokens are had, as it is to be found out now. Raises OAuthFault and StoreError."""
        only = await self._only()
        resource = await find_resource(self._fetcher, self._server_url, challenge, issuer=only)
        chosen = only if only is not None and only in resource.issuers else resource.issuers[0]
        self._see(chosen)
        if only not in (None, chosen):
            raise OAuthFault("its authorization server is not the one for which the gateway has credentials")
        server = await find_server(self._fetcher, chosen)
        self.found = chosen
        return Authority(resource, server)

    def named(self, token_url: str) -> ServerMetadata:
        """Where tokens are had, as the configuration says. Raises OAuthFault."""
        issuer = self._auth.issuer
        self._see(issuer or source_of_url(token_url).asked)
        self.found = issuer or source_of_url(token_url).asked
        return ServerMetadata(issuer or token_url, token_url)

    async def keep(self, issuer: str) -> None:
        """Let it be this one that gets the operator's secret. Raises OAuthFault and StoreError."""
        if self._pin is not None:
            await self._pin.keep(issuer)

    async def look(self) -> str | None:
        """Who it is now; None while that cannot be found out."""
        with anyio.move_on_after(_PATIENCE):
            try:
                if isinstance(self._auth, ClientCredentialsAuth) and self._auth.token_url is not None:
                    self.named(self._auth.token_url)
                else:
                    await self.authority(await self._fetcher.challenge())
            except (OAuthFault, StoreError) as fault:
                _log.debug("it cannot be found out who issues tokens: %s", fault)
        return self.found

    async def _only(self) -> str | None:
        if self._auth.issuer is not None or self._pin is None:
            return self._auth.issuer or self._locked
        return await self._pin.issuer()

    def _see(self, issuer: str) -> None:
        if not self.will_do(issuer):
            self.found = issuer
            raise OAuthFault("its authorization server is not the one that was locked")
