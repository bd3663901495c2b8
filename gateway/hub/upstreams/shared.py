"""A server with one connection for everybody.

Above: `gateway.hub.upstreams.making`. Below: a `Connection` and a `Lister`. Refuses to know: other servers.
"""

from __future__ import annotations

from gateway.auth import User
from gateway.hub.catalogue import Listing
from gateway.hub.connection import Connection
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.lister import Lister
from gateway.hub.locking import Verifier
from gateway.hub.peer import JsonObject
from gateway.hub.requests import Request
from gateway.hub.specs import HubSettings, ServerSpec
from gateway.hub.status import ServerState, ServerStatus, TransportName
from gateway.hub.transports.transport import Transport
from gateway.hub.upstreams.reporting import status_of, transport_name
from gateway.hub.upstreams.upstream import ListingListener
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener


class SharedUpstream:
    """A server with one connection for everybody."""

    def __init__(
        self,
        spec: ServerSpec,
        transport: Transport,
        settings: HubSettings,
        on_change: ListingListener,
        verifier: Verifier,
    ) -> None:
        self._name = spec.name
        self._transport_name: TransportName = transport_name(spec)
        self._on_change = on_change
        self.listing = Listing()
        self._lister = Lister(spec.name, settings, self._take_listing, verifier)
        self._connection = Connection(spec.name, transport, settings, lister=self._lister)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        await self._connection.run()

    def relist(self) -> None:
        """Read what the server offers again, soon."""
        self._lister.doubt()

    async def settled(self) -> None:
        """Wait for the end of the first attempt."""
        await self._connection.settled.wait()

    @property
    def state(self) -> ServerState:
        """The connection's."""
        return self._connection.state

    def status(self) -> ServerStatus:
        """How the connection is doing."""
        return status_of(self._transport_name, self.state, self._connection, self.listing)

    async def request(self, request: Request, *, owner: str, user: User | None) -> JsonObject:
        """A request over the one connection. Raises ToolServerError."""
        return await self._connection.request(request)

    async def watch(
        self,
        uri: str,
        listener: UpdateListener,
        *,
        owner: str,
        user: User | None,
        timeout: float,  # noqa: ASYNC109 - as in `Connection.watch`
    ) -> Watch:
        """A watch over the one connection. Raises ToolServerError."""
        return await self._connection.watch(uri, listener, timeout=timeout)

    async def watch_with(
        self,
        uri: str,
        listener: UpdateListener,
        whose: str,
        authorizer: Authorizer,
        timeout: float,  # noqa: ASYNC109 - as in `Connection.watch`
    ) -> Watch:
        """The same with somebody's own credentials. Raises ToolServerError."""
        return await self._connection.watch(uri, listener, timeout=timeout, whose=whose, authorizer=authorizer)

    def lacks_network(self, complaint: str) -> bool:
        """See `Connection.lacks_network`."""
        return self._connection.lacks_network([complaint])

    def _take_listing(self, listing: Listing) -> None:
        self.listing = listing
        self._on_change(self._name, listing)
