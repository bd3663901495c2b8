"""The composition root: a `Config` becomes a running gateway, and another `Config` can take its place.

Above: `app` routes requests to the endpoints, `cli` opens and closes the gateway. Below: everything. What a
configuration decides (servers, models, keys, policies) is one *generation*, immutable, swapped whole on reload;
what must outlive it (the database, the audit trail, metrics, the runs that a retry may join, how providers are
doing) is shared by all.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType

import anyio
from anyio.abc import TaskGroup, TaskStatus

from gateway.api.services import Services
from gateway.building.server_locks import open_locks
from gateway.building.services import build_services, public_url
from gateway.building.shared import Shared
from gateway.config import Config, check_lock
from gateway.errors import ConfigError, Overloaded
from gateway.hub import (
    Credentials,
    HttpServerSpec,
    Hub,
    InProcessServerSpec,
    OpenApiServerSpec,
    PublicPlace,
    ServerStatus,
)
from gateway.telemetry import Metrics

_log = logging.getLogger(__name__)

_BEYOND_RUNS = 30.0  # seconds that a retired generation waits for its requests beyond the longest run
_SETTLING = 60.0  # seconds that a reload waits for the new generation's servers before it swaps all the same


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
        services = build_services(config, hub, shared, credentials.connecting)
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
