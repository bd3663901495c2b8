"""One configured server as the hub sees it.

Above: `gateway.hub.hub`. Below: the kinds of them beside this module. Refuses to know: which kind it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.auth import User
from gateway.hub.catalogue import Listing
from gateway.hub.peer import JsonObject
from gateway.hub.requests import Request
from gateway.hub.status import ServerState, ServerStatus
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener

ListingListener = Callable[[str, Listing], None]
"""Told of a server's name and what it offers now."""


class Upstream(Protocol):
    """One configured server."""

    @property
    def listing(self) -> Listing:
        """What it offers, as it was last listed."""
        ...

    async def run(self) -> None:
        """Keep the server in use until cancelled."""
        ...

    async def settled(self) -> None:
        """Wait until it has been listed, or its first start has failed."""
        ...

    @property
    def state(self) -> ServerState:
        """The state of its status alone, for every request to look at."""
        ...

    def status(self) -> ServerStatus:
        """How it is doing."""
        ...

    async def request(self, request: Request, *, owner: str, user: User | None) -> JsonObject:
        """The raw result of a request for an owner, and the user behind it where one is known.

        Raises ToolServerError.
        """
        ...

    async def watch(
        self,
        uri: str,
        listener: UpdateListener,
        *,
        owner: str,
        user: User | None,
        timeout: float,  # noqa: ASYNC109 - as in `Connection.watch`
    ) -> Watch:
        """Be told when a resource may have changed, as it is for that owner and user.

        Raises ToolServerError. Whoever calls closes it.
        """
        ...

    def lacks_network(self, complaint: str) -> bool:
        """Whether this text of the server's complains of a lack of network, and it has none."""
        ...
