"""A launcher for tests that confines nothing: plain child processes behind the `Box` protocol."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio.abc import Process

from gateway.hub import StdioServerSpec
from sandbox.spec import Availability, Box, BoxSpec, Exit, Origin, StdioServer
from sandbox.store import Prepared

PYTHON = Origin("command", "python3")
SCRIPTED = Path(__file__).parent / "servers" / "scripted.py"
OFFERING = Path(__file__).parent / "servers" / "offering.py"


class PlainBox:
    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self.tail: deque[str] = deque(maxlen=200)

    async def send(self, data: bytes) -> None:
        await self._stdin.send(data)

    async def receive(self) -> bytes:
        return await self._stdout.receive()

    def stderr_tail(self) -> tuple[str, ...]:
        return tuple(self.tail)

    async def wait(self) -> Exit:
        code = await self.process.wait()
        return Exit(code, f"exit code {code}")

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()

    async def keep_stderr(self) -> None:
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.tail.extend(chunk.decode().splitlines())


class PlainBackend:
    name = "host"

    async def probe(self) -> Availability:
        return Availability(ok=True, detail="plain processes")

    def start(self, spec: BoxSpec):
        raise AssertionError(f"the launcher starts {spec.name}")


@dataclass
class PlainLauncher:
    """`started` has every process ever started, with the owner it was started for."""

    started: list[tuple[Process, str | None]] = field(default_factory=list)
    origin: Origin = PYTHON

    async def choose(self, server: StdioServer) -> PlainBackend:
        return PlainBackend()

    async def prepare(self, server: StdioServer, on_progress: Callable[[str], None]) -> Prepared:
        on_progress(f"preparing {server.name}")
        return Prepared((server.command, *server.args), "python", self.origin)

    @asynccontextmanager
    async def launch(self, server: StdioServer, *, workspace_owner: str | None) -> AsyncGenerator[Box]:
        environment = {**server.env, "WORKSPACE_OWNER": workspace_owner or ""}
        async with await anyio.open_process([server.command, *server.args], env=environment) as process:
            box = PlainBox(process)
            self.started.append((process, workspace_owner))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(box.keep_stderr)
                try:
                    yield box
                finally:
                    await box.kill()
                    tasks.cancel_scope.cancel()

    def running(self) -> list[int]:
        return [process.pid for process, _ in self.started if process.returncode is None]


def scripted(
    *manners: str, name: str = "scripted", era: str = "modern", workspace: str | None = None, **more
) -> StdioServerSpec:
    """A spec for the scripted server with these manners."""
    words: Sequence[str] = [word for manner in manners for word in ("--manner", manner)]
    arguments = ("-S", "-E", str(SCRIPTED), "--era", era, *words)
    server = StdioServer(name, sys.executable, arguments, workspace=workspace)
    return StdioServerSpec(name, server, **more)


def offering(*, name: str = "offering") -> StdioServerSpec:
    """A spec for the SDK's server in `servers/offering.py`."""
    return StdioServerSpec(name, StdioServer(name, sys.executable, (str(OFFERING),)))
