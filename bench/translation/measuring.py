"""Takes the figures: toolgate between each pair of dialects, and SDKs in processes of their own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bench import wire as chat
from bench.load import Load, LoadFailed, ask_once, run_load
from bench.peers import litellm
from bench.processes import tree_usage
from bench.servers import Launch, Peer, PeerMissing, Place, StartFailed, free_port, running, running_process
from bench.translation.sdk_calls import LITELLM_NAMES
from bench.translation.wire import CLIENTS, PROVIDERS, client_request

KEY = "bench-secret-0123456789"
SDKS = {"openai": ("openai_chat",), "litellm": tuple(name for name in LITELLM_NAMES if name in PROVIDERS)}
"""The peers, and the dialects of the providers that each calls."""

_SDK_CALLS = Path(__file__).with_name("sdk_calls.py")
_SECONDS = 20.0  # at most, for one figure
_PATIENCE = 600.0  # seconds for an SDK, its start included
_READY = 20.0  # seconds

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """CPU microseconds of one answer, whole, and of one that is streamed in `bench.wire.CHUNKS` pieces of text."""

    whole: float
    streamed: float


@dataclass(slots=True)
class Figures:
    """By who works, and by the client's and the provider's dialect; what failed has its reason."""

    taken: dict[tuple[str, str, str], Figure] = field(default_factory=dict[tuple[str, str, str], Figure])
    failures: dict[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])


async def measure(
    folder: Path, *, count: int, sdk_count: int, sdks: Collection[str] = tuple(SDKS), tell: Tell
) -> Figures:
    """All figures; nothing of what is started is left running."""
    figures = Figures()
    async with AsyncExitStack() as stack:
        upstream = free_port()
        command = (sys.executable, "-m", "bench.translation.mock_models", str(upstream))
        await stack.enter_async_context(running_process(Launch(command), folder / "models.log"))
        await _until_answered(upstream)
        server = await stack.enter_async_context(running(Peer("toolgate", _launch, key=KEY), folder, upstream))
        for client in CLIENTS:
            for provider in PROVIDERS:
                tell(f"toolgate: {client} to {provider}")
                await _take(figures, server.port, server.pid, client, provider, count)
        for sdk in sdks:
            for provider in SDKS[sdk]:
                tell(f"the SDK of {sdk}: openai_chat to {provider}")
                base_url = f"http://127.0.0.1:{upstream}/{provider}"
                await _call_with_sdk(figures, sdk, provider, base_url, sdk_count)
    return figures


async def _until_answered(port: int) -> None:
    probe = b"POST /openai_chat HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    async with asyncio.timeout(_READY):
        while True:
            try:
                await ask_once(port, probe)
            except LoadFailed:
                await asyncio.sleep(0.02)
            else:
                return


def _launch(place: Place) -> Launch:
    base = f"http://127.0.0.1:{place.upstream}"
    config: dict[str, Any] = {
        "version": 1,
        "listen": {"host": "127.0.0.1", "port": place.port},
        "providers": {name: {"dialect": name, "base_url": f"{base}/{name}"} for name in PROVIDERS},
        "models": {name: name for name in PROVIDERS} | {chat.CHAT: "openai_chat"},
        "keys": {"bench": {"secret": KEY, "tools": "off", "policies": []}},
        "storage": {"state_dir": str(place.folder / "state")},
    }
    path = place.folder / "gateway.yaml"
    path.write_bytes(orjson.dumps(config))
    return Launch((sys.executable, "-m", "gateway.cli", "serve", "--config", str(path), "--log-level", "error"))


async def _take(figures: Figures, port: int, pid: int, client: str, provider: str, count: int) -> None:
    place = ("toolgate", client, provider)
    try:
        whole = await _cpu(port, pid, client_request(client, provider, KEY, stream=False), count)
        streamed = await _cpu(port, pid, client_request(client, provider, KEY, stream=True), max(count // 10, 2))
    except LoadFailed as error:
        figures.failures[place] = str(error)
    else:
        figures.taken[place] = Figure(whole, streamed)


async def _cpu(port: int, pid: int, request: bytes, count: int) -> float:
    if chat.MARKER.encode() not in await ask_once(port, request):
        raise LoadFailed("the answer is not the provider's")
    await run_load(port, Load(request, 1, max(count // 10, 1), _SECONDS))
    before = tree_usage(pid).cpu_seconds
    answers = await run_load(port, Load(request, 1, count, _SECONDS))
    return (tree_usage(pid).cpu_seconds - before) / len(answers.latencies) * 1e6


async def _call_with_sdk(figures: Figures, sdk: str, provider: str, base_url: str, count: int) -> None:
    place = (sdk, "openai_chat", provider)
    try:
        python = await asyncio.to_thread(_python_of, sdk)
        printed = await _printed_by((python, str(_SDK_CALLS), sdk, provider, base_url, str(count)))
        spent = orjson.loads(printed)
    except (PeerMissing, StartFailed) as error:
        figures.failures[place] = str(error)
    else:
        figures.taken[place] = Figure(spent["whole"] * 1e6, spent["streamed"] * 1e6)


def _python_of(sdk: str) -> str:
    return sys.executable if sdk == "openai" else str(litellm.installed().with_name("python"))


async def _printed_by(command: tuple[str, ...]) -> bytes:
    """The last line that a program prints. Raises StartFailed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise StartFailed(f"no figures within {_PATIENCE:.0f} seconds") from None
    if process.returncode:
        raise StartFailed(err.decode(errors="replace").strip()[-300:] or f"status {process.returncode}")
    return out.strip().rpartition(b"\n")[2]
