"""The one authorization server that may get a secret which the operator wrote down.

Who gets it is told by the tool server. So the first that was told is remembered, unless the operator has named it:
a server that names another one later gets nothing (MCP 2026-07-28, "Authorization Server Binding").
"""

from __future__ import annotations

from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.vault import ISSUER, Vault
from gateway.store import Place


class IssuerPin:
    """The issuer for one client of the operator's at one server."""

    def __init__(self, vault: Vault, server: str, client_id: str, issuer: str | None) -> None:
        self._vault = vault
        self._place = Place(ISSUER, server, client_id)
        self._named = issuer

    async def issuer(self) -> str | None:
        """The only one that will do; None while any will. Raises StoreError."""
        if self._named is not None:
            return self._named
        kept = await self._vault.get(self._place)
        return None if kept is None else kept.decode()

    async def keep(self, issuer: str) -> None:
        """Let it be this one from now on. Raises OAuthFault when it is another one, and StoreError."""
        known = await self.issuer()
        if known is None:
            await self._vault.put(self._place, issuer.encode())
        elif known != issuer:
            raise OAuthFault("its authorization server is not the one for which the gateway has credentials")
