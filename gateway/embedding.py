"""toolgate within a program of your own, whose objects stand as tool servers beside those of the configuration.

Above: that program. Below: the composition root, and what the command line does to serve and to lock. Servers that
a program registers are held to policies and to what was reviewed of them, like all others. What they are is the
program's affair: nothing confines them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio.to_thread
from starlette.types import ASGIApp

from gateway.app import build_app
from gateway.building.shared import open_shared
from gateway.cli.locking.gathering import Gathered, known_so_far, lockfile_of
from gateway.cli.serving import Stopping, bind, until_stopped
from gateway.cli.setup.writing import Draft, write_all
from gateway.config import DEFAULT_FILE, LOCK_NAME, Config, load_config, name_fault
from gateway.errors import ConfigError, ToolServerDown
from gateway.hub import Hub, InProcessServerSpec, ServerStatus, functions_server
from gateway.runtime import Gateway, open_gateway
from gateway.telemetry.logs import configure_logging
from tool_policies.lockfile import write_lockfile

_log = logging.getLogger(__name__)

__all__ = ["EmbeddedGateway", "InProcessServerSpec", "configure_logging", "functions_server", "open_embedded"]


@asynccontextmanager
async def open_embedded(
    path: str | Path = DEFAULT_FILE, servers: Sequence[InProcessServerSpec] = ()
) -> AsyncGenerator[EmbeddedGateway]:
    """A gateway with the configuration in a file and these servers besides; leaving the context stops it.

    It does not wait for servers to come up: `settled` does. Raises ConfigError for what is wrong in the files, a
    server among them that has the name of one of these; ValueError for names that no server can have.
    """
    _check_names(servers)
    read = partial(load_config, Path(path), registered=[server.name for server in servers])
    config = await anyio.to_thread.run_sync(read)
    failure: Exception | None = None  # raised within these contexts, it would come out in groups
    async with open_shared(config) as shared:
        try:
            async with open_gateway(config, shared, servers) as gateway:
                try:
                    yield EmbeddedGateway(Path(path), config, servers, gateway)
                except Exception as error:  # noqa: BLE001 - raised again, as it was, once all is closed
                    failure = error
        except ConfigError as error:
            failure = error
    if failure is not None:
        raise failure


class EmbeddedGateway:
    """A running gateway. Made by `open_embedded`.

    `app` is the whole gateway as an ASGI application without a lifespan, to be served at the root of a host;
    `config` is the configuration in use.
    """

    def __init__(
        self, path: Path, config: Config, servers: Sequence[InProcessServerSpec], gateway: Gateway
    ) -> None:
        self._path = path
        self._servers = tuple(servers)
        self._gateway = gateway
        self.config = config
        self.app: ASGIApp = build_app(gateway.admit, gateway.metrics, observe=gateway.observe)

    async def settled(self) -> tuple[ServerStatus, ...]:
        """Wait until every server has been listed or has failed its first start; how they are."""
        return await self._gateway.settled()

    async def serve(self) -> None:
        """Listen where the configuration says, until SIGTERM or SIGINT; requests under way may end.

        In the main thread alone, as signals are. Raises Failure for an address that cannot be had.
        """
        listener = bind(self.config.listen.host, self.config.listen.port)

        async def serve(stopping: Stopping) -> None:
            await stopping.serve(self._gateway, listener)

        with listener:
            await until_stopped(serve)

    async def reload(self) -> None:
        """Read the files again and put what they say to use; the program's own servers go on as they are.

        Where it listens and where it stores things, only a restart changes. Raises ConfigError, and then nothing
        has changed.
        """
        config = await self._read()
        await self._gateway.load(config)
        self.config = replace(config, listen=self.config.listen, storage=self.config.storage)

    async def lock(self) -> Path:
        """Write down in `tools.lock` what the program's own servers offer now, and hold them to that.

        Of the others, the file keeps what it says by now; where there was none, they are written down as they were
        first seen. Raises OSError where the file cannot be written, ToolServerDown where a server cannot be listed
        and ConfigError like `reload`.
        """
        gathered = Gathered()
        async with Hub(self._servers, None, verifier=gathered) as hub:
            await hub.settled()
            down = [status for status in hub.statuses() if status.state == "down"]
        for status in down:
            raise ToolServerDown(f"{status.name} cannot be listed: {status.error}", server=status.name)
        for line in gathered.left_out:
            _log.warning("%s; it is left out of the lock", line)
        config = replace(await self._read(), storage=self.config.storage)
        known, _ = await known_so_far(config)
        path = config.lock.path or Path(LOCK_NAME)
        draft = Draft(path, write_lockfile(lockfile_of(gathered, known, config)))
        await anyio.to_thread.run_sync(write_all, [draft])
        await self.reload()
        return path

    async def _read(self) -> Config:
        names = [server.name for server in self._servers]
        return await anyio.to_thread.run_sync(partial(load_config, self._path, registered=names))


def _check_names(servers: Sequence[InProcessServerSpec]) -> None:
    for name, count in Counter(server.name for server in servers).items():
        if fault := name_fault(name) or ("two servers have it" if count > 1 else None):
            raise ValueError(f"{name[:64]!r} cannot be the name of a server: {fault}")
