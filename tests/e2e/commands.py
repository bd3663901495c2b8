"""Runs `toolgate` as people do: a process of its own, its words, its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import ByteReceiveStream, Process

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds for what takes two, on a machine that is busy and starts boxes for the first time


class Running:
    """A command that runs. `out` and `err` are what it has said so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.out = ""
        self.err = ""
        self._said_more = anyio.Event()
        self._open = 2  # streams

    async def listen(self, stream: ByteReceiveStream, name: str) -> None:
        async for piece in stream:
            setattr(self, name, getattr(self, name) + piece.decode())
            self._tell()
        self._open -= 1
        self._tell()

    def _tell(self) -> None:
        self._said_more.set()
        self._said_more = anyio.Event()

    async def until(self, condition: Callable[[Running], bool]) -> None:
        """Wait until what it has said is as wanted."""
        try:
            with anyio.fail_after(PATIENCE):
                while not condition(self):
                    assert self._open, f"it ended, having said:\n{self.out}\n{self.err}"
                    await self._said_more.wait()
        except TimeoutError:
            raise AssertionError(f"it said:\n{self.out}\n{self.err}") from None

    async def end(self, number: signal.Signals) -> int:
        """Send a signal; the exit status."""
        self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        with anyio.fail_after(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def toolgate(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, in_background: bool = False
) -> AsyncGenerator[Running]:
    """Start a command in a session of its own; killed at the end if it is still there. With `in_background` it
    does not mind SIGINT, as what a shell runs so.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})}
    argv = [sys.executable, "-m", "gateway.cli", *arguments]
    if in_background:
        argv = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *argv]
    process = await anyio.open_process(argv, stdin=subprocess.DEVNULL, cwd=cwd, env=env, start_new_session=True)
    running = Running(process)
    assert process.stdout is not None
    assert process.stderr is not None
    async with process.stdout, process.stderr, anyio.create_task_group() as tasks:
        tasks.start_soon(running.listen, process.stdout, "out")
        tasks.start_soon(running.listen, process.stderr, "err")
        try:
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True), anyio.fail_after(PATIENCE):
                await process.wait()


def session_of(leader: int) -> list[int]:
    """The processes of a session that are still there, zombies apart."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, _, session, *_ = (entry / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            if int(session) == leader and state != "Z":
                found.append(int(entry.name))
    return found
