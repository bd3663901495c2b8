"""The seam between the hub and whoever knows what its servers should offer."""

from __future__ import annotations

from typing import Protocol

from gateway.hub.catalogue import Listing
from tool_policies.lockfile import Source


class Verifier(Protocol):
    """Judges listings. It is asked for each listing, and never for a call."""

    def basis(self, server: str) -> object:
        """What a server is held to: of two verifiers with equal ones, either may judge it."""
        ...

    async def verify_source(self, server: str, source: Source | None) -> Listing | None:
        """What is left of a server that comes from elsewhere, known before it was listed; None of any other."""
        ...

    async def verify(self, server: str, source: Source | None, listing: Listing) -> Listing:
        """What of the listing is on offer, and why the rest is not. `source` is None where it is not known."""
        ...


class Unverified:
    """Takes every listing as it is."""

    def basis(self, server: str) -> object:
        """Nothing."""
        return None

    async def verify_source(self, server: str, source: Source | None) -> Listing | None:
        """It may come from anywhere."""
        return None

    async def verify(self, server: str, source: Source | None, listing: Listing) -> Listing:
        """The listing."""
        return listing
