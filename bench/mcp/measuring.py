"""Starts the tool server and the hubs, and takes the figures.

Above: the command line. Below: `bench.load`, `bench.processes`, the hubs. Refuses to know: how it is shown. What
fails is part of the result, with its reason, and is never left out in silence.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.load import Load, LoadFailed, ask_once, run_load
from bench.mcp.hub import STDIO_SERVER, Hub, Place, Started, Way
from bench.measuring import Sample, median
from bench.measuring import sample as sample_of
from bench.processes import tree_usage
from bench.servers import Launch, PeerMissing, StartFailed, free_port, last_line, running_process, running_upstream

Tell = Callable[[str], None]

_READY_SECONDS = 120.0
_POLL = 0.1
_WARM_UP_SECONDS = 1.0
_FAILED = (LoadFailed, OSError, TimeoutError)


class Cell(NamedTuple):
    """One figure's place in the table. `surface` is `/mcp` or `loop`."""

    way: Way
    concurrency: int
    hub: str
    surface: str


@dataclass(slots=True)
class Figures:
    """The medians by place, and why a place or a hub has none."""

    taken: dict[Cell, Sample] = field(default_factory=dict[Cell, Sample])
    failures: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: calls and seconds at most for each figure and repetition."""

    concurrencies: Sequence[int] = (1, 32, 256)
    count: int = 3000
    seconds: float = 6.0
    repetitions: int = 3


@dataclass(frozen=True, slots=True)
class _Running:
    hub: Hub
    port: int
    pid: int
    started: Started


async def measure(hubs: Sequence[Hub], ways: Sequence[Way], extent: Extent, folder: Path, tell: Tell) -> Figures:
    """All hubs before one tool server, side by side; nothing of what is started is left running."""
    figures = Figures()
    async with running_upstream(folder) as upstream, _tool_server(folder) as tool_server:
        for way in ways:
            async with AsyncExitStack() as stack:
                running: list[_Running] = []
                for hub in [hub for hub in hubs if way in hub.ways]:
                    place = Place(folder / f"{hub.name}-{way}", free_port(), way, tool_server, upstream)
                    tell(f"starting {hub.name}, with the tool server over {way}")
                    try:
                        running.append(await stack.enter_async_context(_hub(hub, place)))
                    except (PeerMissing, StartFailed) as error:
                        figures.failures[f"{hub.name} over {way}"] = str(error)
                for concurrency in extent.concurrencies:
                    tell(f"{way}: {concurrency} in flight")
                    await _repeat(figures, running, way, concurrency, extent)
    return figures


@asynccontextmanager
async def _tool_server(folder: Path) -> AsyncGenerator[int]:
    port = free_port()
    launch = Launch((sys.executable, "-m", "bench.mcp.tool_server", str(port)))
    async with running_process(launch, folder / "tool_server.log") as process:
        await _port_open(port, process, folder / "tool_server.log")
        yield port


@asynccontextmanager
async def _hub(hub: Hub, place: Place) -> AsyncGenerator[_Running]:
    place.folder.mkdir(parents=True, exist_ok=True)
    launch = await asyncio.to_thread(hub.launch, place)  # a peer may have to be installed first
    log = place.folder / "log.txt"
    async with running_process(launch, log) as process:
        await _port_open(place.port, process, log)
        yield _Running(hub, place.port, process.pid, await _ready(hub, place))


async def _port_open(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(_POLL)
            continue
        writer.close()
        return
    raise StartFailed(f"its port was not opened; its log ends with: {last_line(log)}")


async def _ready(hub: Hub, place: Place) -> Started:
    """Wait until every surface has answered rightly: its tools may be listed a little later."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            started = await asyncio.to_thread(hub.prepare, place)
            for surface, request in started.requests.items():
                if started.marks[surface] not in await ask_once(place.port, request):
                    raise LoadFailed(f"the answer at {surface} is not the tool's")
        except _FAILED as error:
            if time.monotonic() > deadline:
                raise StartFailed(str(error)) from None
            await asyncio.sleep(_POLL)
        else:
            return started


async def _repeat(
    figures: Figures, running: Sequence[_Running], way: Way, concurrency: int, extent: Extent
) -> None:
    """Every hub in turn, there and back again, so that a change of the machine's mood meets all alike."""
    subjects = [(one, surface) for one in running for surface in one.started.requests]
    taken: dict[Cell, list[Sample]] = {}
    for repetition in range(extent.repetitions):
        for one, surface in subjects if repetition % 2 == 0 else reversed(subjects):
            cell = Cell(way, concurrency, one.hub.name, surface)
            where = f"{one.hub.name} at {surface} over {way}, {concurrency} in flight"
            if where in figures.failures:
                continue
            try:
                taken.setdefault(cell, []).append(await _sample(one, surface, concurrency, extent))
            except _FAILED as error:
                figures.failures[where] = str(error)
                taken.pop(cell, None)
    figures.taken |= {cell: median(samples) for cell, samples in taken.items()}


async def _sample(one: _Running, surface: str, concurrency: int, extent: Extent) -> Sample:
    request = one.started.requests[surface]
    warm_up = Load(request, concurrency, max(concurrency, extent.count // 10), _WARM_UP_SECONDS)
    await run_load(one.port, warm_up)
    before = tree_usage(one.pid, leaving_out=STDIO_SERVER)
    answers = await run_load(one.port, Load(request, concurrency, extent.count, extent.seconds))
    after = tree_usage(one.pid, leaving_out=STDIO_SERVER)
    return sample_of(answers, after.cpu_seconds - before.cpu_seconds, after.resident_bytes)
