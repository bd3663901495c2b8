"""The seam between a connection and the credentials for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.hub.credentials.challenges import Challenge


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server's refusal of what was `sent`: status 401, or 403 when a scope was missing."""

    status: int
    challenge: Challenge
    sent: Mapping[str, str] = field(repr=False)


class Authorizer(Protocol):
    """Gives the credentials for one server, on one user's behalf or on the gateway's own."""

    async def headers(self) -> Mapping[str, str]:
        """What goes with a message now. Raises PeerError when there are no credentials to be had."""
        ...

    async def renew(self, refusal: Refusal) -> Mapping[str, str]:
        """What the refused message is sent again with, once. Raises PeerError when there is nothing better."""
        ...
