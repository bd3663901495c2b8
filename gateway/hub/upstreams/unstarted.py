"""A server that is not in use, and why.

Above: `gateway.hub.upstreams.making`. Below: nothing.
"""

from __future__ import annotations

import time

from gateway.auth import User
from gateway.errors import ToolServerDown
from gateway.hub.catalogue import Listing
from gateway.hub.peer import JsonObject
from gateway.hub.requests import Request
from gateway.hub.specs import ServerSpec
from gateway.hub.status import ServerState, ServerStatus, TransportName
from gateway.hub.upstreams.reporting import transport_name
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener


class UnstartedUpstream:
    """A server that is disabled, or that nothing here could start."""

    def __init__(self, spec: ServerSpec, error: str | None = None) -> None:
        self._name = spec.name
        self._transport_name: TransportName = transport_name(spec)
        self._error = error
        self._since = time.time()
        self.listing = Listing()

    async def run(self) -> None:
        """Nothing to run."""

    async def settled(self) -> None:
        """Settled from the start."""

    @property
    def state(self) -> ServerState:
        """Disabled, or down."""
        return "down" if self._error else "disabled"

    def status(self) -> ServerStatus:
        """The state, with the reason of one that is down."""
        return ServerStatus(self._name, self._transport_name, self.state, self._since, error=self._error)

    def lacks_network(self, complaint: str) -> bool:
        """It says nothing."""
        return False

    async def request(self, request: Request, *, owner: str, user: User | None) -> JsonObject:
        """Raises ToolServerDown."""
        raise self._down()

    async def watch(
        self,
        uri: str,
        listener: UpdateListener,
        *,
        owner: str,
        user: User | None,
        timeout: float,  # noqa: ASYNC109 - as in `Connection.watch`
    ) -> Watch:
        """Raises ToolServerDown."""
        raise self._down()

    def _down(self) -> ToolServerDown:
        why = self._error or "it is disabled"
        return ToolServerDown(f"The tool server {self._name!r} is down: {why}.", server=self._name)
