"""What credentials need of whoever stores them; `gateway.store.SealedCredentials` satisfies it."""

from __future__ import annotations

from typing import Literal, Protocol

from gateway.store import Place

TOKENS: Literal["tokens"] = "tokens"
"""Of a user, for a server."""
CLIENT: Literal["client"] = "client"
"""The gateway as a client for a server, by the issuer that registered it."""
ISSUER: Literal["issuer"] = "issuer"
"""The authorization server that first got a client's secret, by the client's id."""
FLOW: Literal["flow"] = "flow"
"""A sign-in that was begun, by the ticket that began it."""


class Sealer(Protocol):
    """Seals what leaves this process and comes back."""

    def seal(self, data: bytes, place: bytes) -> bytes:
        """`data`, to be opened for the same `place` alone."""
        ...

    def open(self, sealed: bytes, place: bytes) -> bytes | None:
        """What was sealed for this place; None for anything else."""
        ...


class Vault(Protocol):
    """Keeps secrets by their places. Every method raises StoreError."""

    @property
    def sealer(self) -> Sealer:
        """For what leaves this process and comes back."""
        ...

    async def put(self, place: Place, secret: bytes, *, expires: int | None = None) -> None:
        """Keep a secret, in the place of the one before."""
        ...

    async def get(self, place: Place) -> bytes | None:
        """The secret, if there is one."""
        ...

    async def take(self, place: Place) -> bytes | None:
        """The same, and it is there for nobody after that."""
        ...

    async def remove(self, place: Place) -> None:
        """Forget one."""
        ...

    async def subjects(self, kind: str, server: str, *, most: int) -> list[str]:
        """Whose there are for a server, those that were put last first."""
        ...
