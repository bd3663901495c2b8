"""The composition root: a `Config` becomes a running gateway, and another `Config` can take its place.

Above: `app` routes requests to the endpoints, `cli` opens and closes the gateway. Below: everything. What a
configuration decides (servers, models, keys, policies) is one *generation*, immutable, swapped whole on reload;
what must outlive it (the database, the audit trail, metrics, the runs that a retry may join, how providers are
doing) is shared by all.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskGroup, TaskStatus
from sqlalchemy.exc import SQLAlchemyError

from gateway.api.hosts import HostGuard
from gateway.api.protected_resource import ProtectedResource
from gateway.api.provider_tools import read_substitutes
from gateway.api.services import HttpLimits, Services
from gateway.api.stored_responses import StoredResponses
from gateway.audit import AuditTrail, open_trail
from gateway.auth import KeyId
from gateway.config import (
    Config,
    StdioServerConfig,
    check_lock,
    is_loopback,
)
from gateway.errors import ConfigError, Overloaded, StoreError
from gateway.exposure import Exposer
from gateway.hub import (
    Connecting,
    Credentials,
    HttpServerSpec,
    Hub,
    InProcessServerSpec,
    OpenApiServerSpec,
    PublicPlace,
    ServerStatus,
    UpstreamPool,
)
from gateway.identity_building import build_callers
from gateway.providers import HttpClients
from gateway.router_building import build_router
from gateway.routing import Conditions
from gateway.server_locks import open_locks
from gateway.store import FirstSightings, ProviderObjects, SealedCredentials, SealedPayloads, open_database
from gateway.telemetry import Metrics
from gateway.telemetry.logs import Redactor
from gateway.tool_calls import ToolCaller
from gateway.tool_loop import Attempts, LoopLimits, Memory
from sandbox import open_sandbox

_log = logging.getLogger(__name__)

_BEYOND_RUNS = 30.0  # seconds that a retired generation waits for its requests beyond the longest run
_HOUSEKEEPING = 3600.0  # seconds
_SETTLING = 60.0  # seconds that a reload waits for the new generation's servers before it swaps all the same


@dataclass(frozen=True, slots=True)
class Shared:
    """What all generations have in common."""

    pool: UpstreamPool
    clients: HttpClients
    audit: AuditTrail
    payloads: SealedPayloads
    objects: ProviderObjects
    sightings: FirstSightings
    credentials: SealedCredentials
    metrics: Metrics
    attempts: Attempts = field(default_factory=Attempts)
    conditions: Conditions = field(default_factory=Conditions)


@dataclass(slots=True)
class _Generation:
    """One configuration at work, and how many requests are within it: as a context, it takes one in."""

    services: Services
    most_in_flight: int
    in_flight: int = 0
    retired: anyio.Event = field(default_factory=anyio.Event)
    idle: anyio.Event = field(default_factory=anyio.Event)

    def __enter__(self) -> Services:
        if self.in_flight >= self.most_in_flight:
            raise Overloaded("too many requests are in flight", code="too_many_requests_in_flight", retry_after=1)
        self.in_flight += 1
        return self.services

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.in_flight -= 1
        if self.retired.is_set() and self.in_flight == 0:
            self.idle.set()

    def retire(self) -> None:
        self.retired.set()
        self.services.ending.set()
        if self.in_flight == 0:
            self.idle.set()


class Gateway:
    """A running gateway. Made by `open_gateway`."""

    def __init__(self, shared: Shared, tasks: TaskGroup, registered: Sequence[InProcessServerSpec] = ()) -> None:
        self._shared = shared
        self._tasks = tasks
        self._registered = tuple(registered)
        self._current: _Generation | None = None
        self._reloading = anyio.Lock()

    @property
    def metrics(self) -> Metrics:
        """The metrics of all generations."""
        return self._shared.metrics

    @property
    def services(self) -> Services:
        """The services of the present generation, for commands that serve nobody."""
        return self._generation.services

    def admit(self) -> _Generation:
        """Take one request in, for as long as the context is open. Raises Overloaded on entering it."""
        return self._generation

    def observe(self) -> AbstractContextManager[Services]:
        """Let an observer in: not counted, and not kept out when the gateway is full."""
        return nullcontext(self.services)

    async def load(self, config: Config) -> None:
        """Begin with this configuration, or put it in the place of the present one.

        Requests under way end with the configuration that they began with. On a reload the new servers are
        given some time to be listed first, so that no request meets an empty catalogue. Raises ConfigError, and
        then nothing has changed.
        """
        async with self._reloading:
            generation: _Generation = await self._tasks.start(self._run_generation, config)
            previous = self._current
            if previous is not None:
                await _settle(generation)
            self._current = generation
            if previous is not None:
                previous.retire()

    def drain(self) -> None:
        """End what would go on for ever: the gateway is about to stop."""
        if self._current is not None:
            self._current.services.ending.set()

    async def settled(self) -> tuple[ServerStatus, ...]:
        """Wait until every server has been listed or has failed its first start; how they are."""
        hub = self._generation.services.hub
        await hub.settled()
        return hub.statuses()

    @property
    def _generation(self) -> _Generation:
        if self._current is None:
            raise Overloaded("the gateway is still starting", retry_after=1)
        return self._current

    async def _run_generation(
        self, config: Config, *, task_status: TaskStatus[_Generation] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Own one generation's servers, from its start until its last request has ended."""
        check_lock(config)
        _check_names(config, self._registered)
        shared = self._shared
        locks = await open_locks(config, shared.sightings, shared.metrics, shared.audit, self._registered)
        specs = [*(locks.spec(server) for server in config.servers), *self._registered]
        at_urls = [spec for spec in specs if isinstance(spec, HttpServerSpec | OpenApiServerSpec)]
        place = PublicPlace(public_url(config))
        credentials = Credentials(at_urls, shared.credentials, place, locks.issuers(config))
        hub = Hub(specs, None, verifier=locks.verifier, credentials=credentials, pool=shared.pool)
        services = _build_services(config, hub, shared, credentials.connecting)
        async with hub, anyio.create_task_group() as tasks:
            tasks.start_soon(services.callers.run)
            generation = _Generation(services, config.limits.requests_in_flight)
            task_status.started(generation)
            await generation.retired.wait()
            with anyio.move_on_after(config.limits.wall_clock_seconds + _BEYOND_RUNS):
                await generation.idle.wait()
            if generation.in_flight:
                _log.warning(
                    "%d requests outlived their configuration, whose own servers stop", generation.in_flight
                )
            tasks.cancel_scope.cancel()


async def _settle(generation: _Generation) -> None:
    """Give its servers time to come up. Left early, because the gateway stops, it is of no use any more."""
    try:
        with anyio.move_on_after(_SETTLING):
            await generation.services.hub.settled()
    except BaseException:
        generation.retire()
        raise


@asynccontextmanager
async def open_shared(config: Config) -> AsyncGenerator[Shared]:
    """What a gateway with this configuration stands on. Raises StoreError.

    A later configuration keeps it: where things are stored, only a restart can change.
    """
    storage = config.storage
    metrics = Metrics()
    clients = HttpClients()
    sandbox = open_sandbox(state_dir=storage.state_dir, cache_dir=storage.cache_dir)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(clients.aclose)
        database = await stack.enter_async_context(open_database(storage.database))
        payloads = await SealedPayloads.open(database, storage.state_dir, most_bytes=storage.memory_bytes)
        objects = ProviderObjects(database)
        credentials = await SealedCredentials.open(database, storage.state_dir)
        trail = await stack.enter_async_context(open_trail(database, metrics, storage.audit_jsonl))
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(_keep_house, trail, payloads, objects, credentials, storage.retention_days)
        if any(isinstance(server, StdioServerConfig) for server in config.servers):
            await sandbox.sweep()  # who runs nothing in boxes need not look for the engine
        sightings = FirstSightings(database)
        pool = await stack.enter_async_context(UpstreamPool(sandbox))
        yield Shared(pool, clients, trail, payloads, objects, sightings, credentials, metrics)


async def _keep_house(
    trail: AuditTrail,
    payloads: SealedPayloads,
    objects: ProviderObjects,
    credentials: SealedCredentials,
    retention_days: int,
) -> None:
    """Forget what is out of date, now and then."""
    while True:
        try:
            await trail.purge(older_than_days=retention_days)
            await payloads.purge()
            await objects.purge(older_than_days=retention_days)
            await credentials.purge()
        except (StoreError, SQLAlchemyError) as error:
            _log.warning("what is out of date could not be removed: %s", error)
        await anyio.sleep(_HOUSEKEEPING)


@asynccontextmanager
async def open_gateway(
    config: Config, shared: Shared, registered: Sequence[InProcessServerSpec] = ()
) -> AsyncGenerator[Gateway]:
    """A gateway with this configuration; leaving the context stops its servers. Raises ConfigError.

    `registered` are servers that are objects of this process: they stand beside those of every configuration.
    """
    refusal: ConfigError | None = None
    async with anyio.create_task_group() as tasks:
        gateway = Gateway(shared, tasks, registered)
        try:
            await gateway.load(config)
        except ConfigError as error:
            refusal = error  # raised in here, it would come out as a group
        else:
            yield gateway
        tasks.cancel_scope.cancel()
    if refusal is not None:
        raise refusal


def _check_names(config: Config, registered: Sequence[InProcessServerSpec]) -> None:
    """Raises ConfigError for servers of the configuration that the program has registered, too."""
    taken = {server.name for server in config.servers} & {server.name for server in registered}
    message = "the program that runs this gateway registers a server of this name"
    problems = [config.problem(("mcpServers", name), message, "rename one of them") for name in sorted(taken)]
    if problems:
        raise ConfigError(problems)


def _build_services(config: Config, hub: Hub, shared: Shared, connecting: Connecting) -> Services:
    """Everything that a configuration decides. Raises ConfigError."""
    limits = config.limits
    return Services(
        callers=build_callers(config, shared.clients),
        policies={KeyId(key.name): config.policies.policy_for(key.policies) for key in config.keys},
        router=build_router(config, shared.clients, metrics=shared.metrics, conditions=shared.conditions),
        hub=hub,
        exposer=Exposer(),
        tool_caller=ToolCaller(hub, shared.audit, shared.metrics),
        memory=Memory(
            shared.payloads,
            retention_days=config.storage.memory_days,
            put_back_bytes=limits.remembered_bytes,
        ),
        stored=StoredResponses(shared.payloads, retention_days=config.storage.memory_days),
        objects=shared.objects,
        connecting=connecting,
        attempts=shared.attempts,
        audit=shared.audit,
        metrics=shared.metrics,
        loop_limits=LoopLimits(
            rounds=limits.rounds,
            calls=limits.calls,
            concurrent_calls=limits.concurrent_calls,
            wall_clock_seconds=limits.wall_clock_seconds,
            tool_call_seconds=limits.tool_call_seconds,
            result_bytes=limits.result_bytes,
            repeats=limits.repeats,
            usd=limits.usd,
        ),
        http_limits=HttpLimits(limits.body_bytes, limits.stream_heartbeat_seconds, limits.upload_bytes),
        operator_token_digest=_digest(config.operator_token),
        provider_tools=read_substitutes(config),
        passthrough_provider=config.passthrough_provider,
        sealed_states=shared.payloads.states,
        public_host=_public_host(config),
        host_guard=HostGuard(own_hosts(config), config.mcp_endpoint.allowed_origins),
        protected_resource=_protected_resource(config),
        clean=Redactor(config.secrets).clean,
    )


def _protected_resource(config: Config) -> ProtectedResource:
    signing_in = [issuer for issuer in config.issuers if issuer.mcp_sign_in]
    scopes = dict.fromkeys(scope for issuer in signing_in for scope in issuer.scopes)
    public_url = config.mcp_endpoint.public_url or ""
    return ProtectedResource(public_url, tuple(issuer.issuer for issuer in signing_in), tuple(scopes))


def own_hosts(config: Config) -> Iterator[str]:
    """The names, beside this machine's own, by which the gateway lets itself be called."""
    host = config.listen.host
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - not to listen there, but because it is no name
        yield f"[{host}]" if ":" in host else host
    yield from config.mcp_endpoint.allowed_hosts
    yield _public_host(config)


def _public_host(config: Config) -> str:
    """The host, and the port if there is one, in the address that clients elsewhere know; empty for none."""
    return urlsplit(config.mcp_endpoint.public_url or "").netloc.lower()


def public_url(config: Config) -> str:
    """Where browsers reach the gateway; on this machine alone, unless the configuration says more."""
    if config.mcp_endpoint.public_url is not None:
        return config.mcp_endpoint.public_url
    host = config.listen.host if is_loopback(config.listen.host) else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{config.listen.port}"


def _digest(token: str | None) -> bytes | None:
    return None if token is None else hashlib.sha256(token.encode()).digest()
