"""One configured server as the hub sees it: shared by everybody, or one instance for each owner.

Above: `gateway.hub.hub`. Below: connections and instances. Refuses to know: other servers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from gateway.auth import User
from gateway.errors import ToolServerDown
from gateway.hub.catalogue import Listing
from gateway.hub.connection import Connection
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.credentials.credentials import Credentials
from gateway.hub.credentials.issuers import TokenIssuer
from gateway.hub.credentials.user_authorizers import AnyUserAuthorizer
from gateway.hub.instances import Instances, watch_instance
from gateway.hub.launcher import StdioLauncher
from gateway.hub.lister import Lister
from gateway.hub.locking import Verifier
from gateway.hub.peer import JsonObject
from gateway.hub.per_user import PerUserUpstream
from gateway.hub.requests import Request
from gateway.hub.specs import (
    HttpServerSpec,
    HubSettings,
    InProcessServerSpec,
    OpenApiServerSpec,
    ServerSpec,
    StdioServerSpec,
)
from gateway.hub.status import ServerState, ServerStatus, TransportName
from gateway.hub.transports.transport import (
    HttpTransport,
    InProcessTransport,
    OpenApiTransport,
    StdioTransport,
    Transport,
)
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener

ListingListener = Callable[[str, Listing], None]


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
        self._transport_name: TransportName = _transport_name(spec)
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
        return _status(self._transport_name, self.state, self._connection, self.listing)

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
        return _status("stdio", self.state, self._lister, self.listing, instances=len(self._instances))

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


class UnstartedUpstream:
    """A server that is disabled, or that nothing here could start."""

    def __init__(self, spec: ServerSpec, error: str | None = None) -> None:
        self._name = spec.name
        self._transport_name: TransportName = _transport_name(spec)
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


def make_upstream(
    spec: ServerSpec,
    launcher: StdioLauncher | None,
    settings: HubSettings,
    tasks: TaskGroup,
    on_change: ListingListener,
    verifier: Verifier,
    credentials: Credentials | None = None,
) -> Upstream:
    """The kind of upstream that a spec asks for. `tasks` will own its instances, if it has any."""
    if spec.disabled:
        return UnstartedUpstream(spec)
    if isinstance(spec, HttpServerSpec | OpenApiServerSpec):
        return _make_upstream_at_url(spec, settings, tasks, on_change, verifier, credentials)
    if isinstance(spec, InProcessServerSpec):
        return SharedUpstream(spec, InProcessTransport(spec), settings, on_change, verifier)
    if launcher is None:
        return UnstartedUpstream(spec, "this gateway runs no processes")
    if spec.server.workspace is not None:
        return WorkspaceUpstream(spec, launcher, settings, tasks, on_change, verifier)
    return SharedUpstream(spec, StdioTransport(spec, launcher), settings, on_change, verifier)


def _make_upstream_at_url(
    spec: HttpServerSpec | OpenApiServerSpec,
    settings: HubSettings,
    tasks: TaskGroup,
    on_change: ListingListener,
    verifier: Verifier,
    credentials: Credentials | None,
) -> Upstream:
    """With no credentials but its headers, with those of the gateway, or with those of each user.

    An API is listed from its document, which takes no credentials.
    """
    if isinstance(spec, HttpServerSpec) and spec.auth is not None and credentials is None:
        return UnstartedUpstream(spec, "nothing here keeps credentials for it")
    users = credentials.users(spec.name) if credentials else None
    if credentials is None or users is None:
        own = credentials.own(spec.name) if credentials else None
        issuer = credentials.issuer(spec.name) if credentials else None
        return SharedUpstream(spec, _transport(spec, own, issuer), settings, on_change, verifier)
    lister = AnyUserAuthorizer(users)
    shared = SharedUpstream(spec, _transport(spec, lister, users.issuer), settings, on_change, verifier)

    def connect(authorizer: Authorizer) -> Connection:
        return Connection(spec.name, _transport(spec, authorizer), settings, era="legacy")

    return PerUserUpstream(spec.name, shared, lister, credentials, users, connect, tasks, settings)


def _transport(
    spec: HttpServerSpec | OpenApiServerSpec, authorizer: Authorizer | None, issuer: TokenIssuer | None = None
) -> Transport:
    is_mcp = isinstance(spec, HttpServerSpec)
    return HttpTransport(spec, authorizer, issuer) if is_mcp else OpenApiTransport(spec, authorizer, issuer)


def _transport_name(spec: ServerSpec) -> TransportName:
    if isinstance(spec, OpenApiServerSpec):
        return "openapi"
    if isinstance(spec, HttpServerSpec):
        return spec.transport
    return "in_process" if isinstance(spec, InProcessServerSpec) else "stdio"


def _status(
    transport: TransportName, state: ServerState, connection: Connection, listing: Listing, *, instances: int = 0
) -> ServerStatus:
    return ServerStatus(
        connection.name,
        transport,
        state,
        connection.since,
        era=connection.era,
        tools=len(listing.tools),
        resources=len(listing.resources) + len(listing.templates),
        prompts=len(listing.prompts),
        left_out=listing.bad,
        drift=listing.drift,
        error=connection.error,
        activity=connection.activity,
        stderr_tail=connection.stderr_tail,
        said=tuple(connection.said),
        sandbox=connection.transport.backend,
        instances=instances,
    )
