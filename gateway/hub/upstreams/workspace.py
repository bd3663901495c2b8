"""A server with a workspace, which is run once for each owner.

Above: `gateway.hub.upstreams.making`. Below: `gateway.hub.upstreams.instances`. Refuses to know: other servers.
"""

from __future__ import annotations

import anyio
from anyio.abc import TaskGroup

from gateway.auth import User
from gateway.hub.catalogue import Listing
from gateway.hub.connection import Connection
from gateway.hub.launcher import StdioLauncher
from gateway.hub.lister import Lister
from gateway.hub.locking import Verifier
from gateway.hub.peer import JsonObject
from gateway.hub.requests import Request
from gateway.hub.specs import HubSettings, StdioServerSpec
from gateway.hub.status import ServerState, ServerStatus
from gateway.hub.transports.transport import StdioTransport
from gateway.hub.upstreams.instances import Instances, watch_instance
from gateway.hub.upstreams.reporting import status_of
from gateway.hub.upstreams.upstream import ListingListener
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener


class WorkspaceUpstream:
    """A server with a workspace: listed from an empty one, then run once for each owner."""

    def __init__(
        self,
        spec: StdioServerSpec,
        launcher: StdioLauncher,
        settings: HubSettings,
        tasks: TaskGroup,
        on_change: ListingListener,
        verifier: Verifier,
    ) -> None:
        self._spec = spec
        self._launcher = launcher
        self._settings = settings
        self._on_change = on_change
        self._listed = anyio.Event()
        self.listing = Listing()
        transport = StdioTransport(spec, launcher)
        lister = Lister(spec.name, settings, self._take_listing, verifier)
        self._lister = Connection(spec.name, transport, settings, lister=lister)
        self._instances = Instances(
            spec.name, self._connect, tasks, most=settings.instances_per_server, idle=settings.instance_idle
        )

    async def run(self) -> None:
        """List the tools once, however many attempts it takes; instances run on their own."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._lister.run)
            await self._listed.wait()
            await self._lister.settled.wait()
            tasks.cancel_scope.cancel()

    async def settled(self) -> None:
        """Wait for the end of the first attempt to list."""
        await self._lister.settled.wait()

    @property
    def state(self) -> ServerState:
        """Ready once listed, because an instance can then be started for anybody."""
        return "ready" if self._listed.is_set() else self._lister.state

    def status(self) -> ServerStatus:
        """How the listing went, and how many instances there are."""
        return status_of("stdio", self.state, self._lister, self.listing, instances=len(self._instances))

    async def request(self, request: Request, *, owner: str, user: User | None) -> JsonObject:
        """A request to the owner's own instance, which is started if need be. Raises ToolServerError."""
        with self._instances.use(owner) as connection:
            return await connection.request(request)

    async def watch(
        self,
        uri: str,
        listener: UpdateListener,
        *,
        owner: str,
        user: User | None,
        timeout: float,  # noqa: ASYNC109 - as in `Connection.watch`
    ) -> Watch:
        """A watch at the owner's own instance, which runs for as long. Raises ToolServerError."""
        return await watch_instance(self._instances, owner, uri, listener, timeout)

    def lacks_network(self, complaint: str) -> bool:
        """See `Connection.lacks_network`."""
        return self._lister.lacks_network([complaint])

    def _connect(self, owner: str) -> Connection:
        transport = StdioTransport(self._spec, self._launcher, owner)
        return Connection(self._spec.name, transport, self._settings, era=self._lister.era)

    def _take_listing(self, listing: Listing) -> None:
        self.listing = listing
        self._listed.set()
        self._on_change(self._spec.name, listing)
