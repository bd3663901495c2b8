"""The instances of a server with a workspace: one connection for each owner, started when first used.

Above: `gateway.hub.upstreams`. Below: connections. Refuses to know: how a workspace is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

import anyio
from anyio.abc import TaskGroup

from gateway.errors import ToolServerDown
from gateway.hub.connection import Connection
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener

_log = logging.getLogger(__name__)


class _Instance:
    """A connection with its users counted. `idle_since` is on anyio's clock, and set while there are none."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.users = 0
        self.watches = 0
        self.idle_since = anyio.current_time()
        self.scope = anyio.CancelScope()


class Instances:
    """A bounded set of instances by owner, each stopped when nobody has used it for `idle` seconds.

    `connect` makes a connection for an owner. `tasks` owns what runs; it outlives this object's use.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[str], Connection],
        tasks: TaskGroup,
        *,
        most: int,
        idle: float,
    ) -> None:
        self._name = name
        self._connect = connect
        self._tasks = tasks
        self._most = most
        self._idle = idle
        self._by_owner: dict[str, _Instance] = {}

    def __len__(self) -> int:
        """How many are running."""
        return len(self._by_owner)

    def connections(self) -> tuple[Connection, ...]:
        """Those of all running instances."""
        return tuple(instance.connection for instance in self._by_owner.values())

    @contextmanager
    def use(self, owner: str) -> Generator[Connection]:
        """The owner's connection, kept from being stopped meanwhile. Raises ToolServerDown when all are busy."""
        instance = self._by_owner.get(owner) or self._start(owner)
        instance.users += 1
        try:
            yield instance.connection
        finally:
            instance.users -= 1
            instance.idle_since = anyio.current_time()

    @contextmanager
    def watch(self, owner: str) -> Generator[Connection]:
        """The same for as long as somebody watches something there: half of the instances are for calls alone.

        Raises ToolServerDown when the other half is taken.
        """
        known = self._by_owner.get(owner)
        watched = sum(instance.watches > 0 for instance in self._by_owner.values() if instance is not known)
        if watched >= self._most // 2:
            message = f"The tool server {self._name!r} is down: too many of its instances are watched."
            raise ToolServerDown(message, server=self._name)
        with self.use(owner) as connection:
            instance = self._by_owner[owner]
            instance.watches += 1
            try:
                yield connection
            finally:
                instance.watches -= 1

    def _start(self, owner: str) -> _Instance:
        if len(self._by_owner) >= self._most:
            self._stop_the_longest_idle()
        instance = self._by_owner[owner] = _Instance(self._connect(owner))
        self._tasks.start_soon(self._run, owner, instance)
        return instance

    def _stop_the_longest_idle(self) -> None:
        idle = [(instance.idle_since, owner) for owner, instance in self._by_owner.items() if not instance.users]
        if not idle:
            message = f"The tool server {self._name!r} is down: all of its {self._most} instances are busy."
            raise ToolServerDown(message, server=self._name)
        self._by_owner.pop(min(idle)[1]).scope.cancel()

    async def _run(self, owner: str, instance: _Instance) -> None:
        with instance.scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(instance.connection.run)
                await self._until_idle(instance)
                if self._by_owner.get(owner) is instance:
                    del self._by_owner[owner]
                tasks.cancel_scope.cancel()
        _log.info("%s: an instance was stopped", self._name)

    async def _until_idle(self, instance: _Instance) -> None:
        while True:
            now = anyio.current_time()
            ends = (now if instance.users else instance.idle_since) + self._idle
            if ends <= now:
                return
            await anyio.sleep(ends - now)


async def watch_instance(
    instances: Instances,
    owner: str,
    uri: str,
    listener: UpdateListener,
    timeout: float,  # noqa: ASYNC109 - as in `Connection.watch`
) -> Watch:
    """Watch a resource of an owner's instance, which is kept running until the watch is closed.

    Raises ToolServerError.
    """
    with ExitStack() as held:
        connection = held.enter_context(instances.watch(owner))
        watch = await connection.watch(uri, listener, timeout=timeout)
        watch.on_close(held.pop_all().close)
        return watch
