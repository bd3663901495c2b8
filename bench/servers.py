"""Starts servers as real processes, waits until they answer, and stops them.

Above: `measuring`. Below: asyncio's subprocesses. Each module of `peers` says how one server is started.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import wire
from bench.load import LoadFailed, ask_once

_STOPPING = 10.0
_POLL = 0.02
_LOG_LINE = 500  # characters of a log that are quoted
_ROOT = Path(__file__).resolve().parent.parent
PATH = "/v1/chat/completions"


class PeerMissing(Exception):
    """A peer cannot be had here; the message says why."""


class StartFailed(Exception):
    """A server did not come up; the message ends with the last line of its log."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is to be: its own folder, its port, and the upstream's port."""

    folder: Path
    port: int
    upstream: int
    with_tools: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """A command, and what it needs in its environment beside the bench's own."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that can be measured.

    `launch` writes its configuration and says how to start it; it raises PeerMissing. `key` is what clients send;
    `tool_key` is the key of those that get tools.
    """

    name: str
    launch: Callable[[Place], Launch]
    key: str = "bench-secret-0123456789"
    tool_key: str = "looper-secret-0123456789"
    ready_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. `started_in` is the seconds from its start to its first answer."""

    peer: Peer
    port: int
    pid: int
    started_in: float


@asynccontextmanager
async def running_upstream(folder: Path) -> AsyncGenerator[int]:
    """The mock upstream in a process of its own; its port."""
    port = free_port()
    command = (sys.executable, "-m", "bench.mock_upstream", str(port))
    log = folder / "upstream.log"
    async with running_process(Launch(command), log) as process:
        await _answers(port, wire.request(PATH, wire.CHAT, key="none"), process, log, seconds=20.0)
        yield port


@asynccontextmanager
async def running(peer: Peer, folder: Path, upstream: int, *, with_tools: bool = False) -> AsyncGenerator[Running]:
    """Start a peer in front of this upstream, and stop it at the end. Raises PeerMissing, StartFailed."""
    place = Place(folder / peer.name, free_port(), upstream, with_tools)
    place.folder.mkdir(parents=True, exist_ok=True)
    # In a thread, because a peer may have to be installed first.
    launch = await asyncio.to_thread(peer.launch, place)
    log = place.folder / "log.txt"
    started = time.perf_counter()
    async with running_process(launch, log) as process:
        probe = wire.request(PATH, wire.CHAT, key=peer.key)
        await _answers(place.port, probe, process, log, seconds=peer.ready_seconds)
        yield Running(peer, place.port, process.pid, time.perf_counter() - started)


@asynccontextmanager
async def running_process(launch: Launch, log: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start a process that writes to `log`, and stop it at the end."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), **launch.environment}
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *launch.command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
    try:
        yield process
    finally:
        await asyncio.shield(_stop(process))


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOPPING):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _answers(
    port: int, probe: bytes, process: asyncio.subprocess.Process, log: Path, *, seconds: float
) -> None:
    """Wait for a right answer to the probe."""
    last = "it did not answer"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.returncode is None:
        try:
            if wire.MARKER.encode() in await ask_once(port, probe):
                return
            last = "its answer is not the upstream's"
        except (LoadFailed, TimeoutError) as error:
            last = str(error)
        await asyncio.sleep(_POLL)
    if process.returncode is not None:
        raise StartFailed(f"ended with status {process.returncode}: {last_line(log)}")
    raise StartFailed(f"not ready within {seconds:.0f} seconds: {last}; its log ends with: {last_line(log)}")


def last_line(log: Path) -> str:
    """The last line of a log that says something, for messages."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip()[-_LOG_LINE:] for line in reversed(lines) if line.strip()), "(nothing)")


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
