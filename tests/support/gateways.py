"""Runs whole gateways for tests: in this process, over real HTTP, or as the command that people type."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import yaml
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from openai import AsyncOpenAI
from starlette.types import ASGIApp

from gateway.app import build_app
from gateway.audit import RunRecord, ToolCallRecord
from gateway.building.shared import Shared, open_shared
from gateway.config import load_config
from gateway.providers.scripted.serving import serve_app
from gateway.runtime import Gateway, open_gateway
from tests.support.conditions import PATIENCE

SECRET = "test-secret-0123456789"
OTHER_SECRET = "other-secret-0123456789"

MCP_ERAS = ("2026-07-28", "legacy")
"""How the official MCP SDK's client can be told to speak."""


@dataclass(frozen=True)
class InProcess:
    """A gateway in this process; `origin` is where it listens."""

    origin: str
    gateway: Gateway
    shared: Shared

    def is_ready(self, server: str) -> bool:
        """Whether a tool server is, of those in the configuration that is in use."""
        states = {status.name: status.state for status in self.gateway.services.hub.statuses()}
        return states[server] == "ready"

    def client(self, secret: str = SECRET, **more: Any) -> AsyncOpenAI:
        """The official SDK, pointed here."""
        return AsyncOpenAI(base_url=f"{self.origin}/v1", api_key=secret, **{"max_retries": 0, **more})

    def http(self, secret: str | None = SECRET) -> httpx2.AsyncClient:
        """A plain HTTP client with a key."""
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        return httpx2.AsyncClient(base_url=self.origin, headers=headers, timeout=60)

    @asynccontextmanager
    async def mcp_client(
        self, mode: str = "auto", *, secret: str = SECRET, path: str = "/mcp", **more: Any
    ) -> AsyncGenerator[Client]:
        """The official MCP SDK's client, pointed here; `mode` is one of `MCP_ERAS`, or for it to find out."""
        headers = {"authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=60)) as http:
            transport = streamable_http_client(f"{self.origin}{path}", http_client=http)
            async with Client(transport, mode=mode, cache=None, **more) as client:  # pyright: ignore[reportArgumentType]
                yield client


def write_files(folder: Path, document: Mapping[str, Any], policies: Mapping[str, Any]) -> Path:
    """Write `gateway.yaml` and `policies.yaml`; the path of the former."""
    (folder / "policies.yaml").write_text(yaml.safe_dump({"version": 1, "policies": dict(policies)}))
    path = folder / "gateway.yaml"
    whole = {
        "version": 1,
        "policy_files": ["policies.yaml"],
        "storage": {"state_dir": str(folder / "state")},
        "routing": {"retries": 0, "breaker": {"failures": 0}},  # so that what a model is asked is what a test says
        **document,
    }
    path.write_text(yaml.safe_dump(whole, sort_keys=False))
    return path


@asynccontextmanager
async def gateway_in_process(
    folder: Path,
    document: Mapping[str, Any],
    policies: Mapping[str, Any],
    *,
    settle: bool = True,
    settle_within: float = 60,
    in_front: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> AsyncGenerator[InProcess]:
    """A gateway with this configuration, whose servers have come up; `in_front` stands between it and clients.

    They may take `settle_within` seconds, which is too short where packages have to be installed first.
    """
    config = load_config(write_files(folder, document, policies))
    async with open_shared(config) as shared, open_gateway(config, shared) as gateway:
        if settle:
            with anyio.fail_after(settle_within):
                await gateway.settled()
        app = build_app(gateway.admit, gateway.metrics, observe=gateway.observe)
        async with serve_app(in_front(app)) as origin:
            yield InProcess(origin, gateway, shared)


class Command:
    """`toolgate serve` as a process of its own."""

    def __init__(self, process: subprocess.Popen[str], origin: str, lines: list[str]) -> None:
        self.process = process
        self.origin = origin
        self.lines = lines

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"


@asynccontextmanager
async def gateway_as_command(
    config: Path,
    *,
    arguments: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    ready_within: float = 300,
    python: str = sys.executable,
) -> AsyncGenerator[Command]:
    """Serve a configuration by the command that people type; gives it once it is ready."""
    argv = [python, "-m", "gateway.cli", "serve", "--config", str(config), "--port", "0", *arguments]
    process = subprocess.Popen(
        argv, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environ or {})}, cwd=config.parent
    )
    command = Command(process, "", [])
    listening, ready = anyio.Event(), anyio.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            command.lines.append(line)
            if found := re.search(r"(http://[^/\s]+)/v1", line):
                command.origin = found[1]
                anyio.from_thread.run_sync(listening.set)
            if line.startswith("ready"):
                anyio.from_thread.run_sync(ready.set)
        anyio.from_thread.run_sync(ready.set)
        anyio.from_thread.run_sync(listening.set)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, read)
        try:
            with anyio.fail_after(ready_within):
                await listening.wait()
                await ready.wait()
            assert command.origin, "".join(command.lines)
            yield command
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            await anyio.to_thread.run_sync(process.wait, 60)
    assert process.stderr is not None
    process.stderr.close()


async def audited(shared: Shared, run_id: str) -> tuple[RunRecord, list[ToolCallRecord]]:
    """What the trail says of a run that ends, once it does."""
    with anyio.move_on_after(PATIENCE):
        while (found := await find_run(shared, run_id)) is None:
            await anyio.sleep(0.005)
        return found
    raise AssertionError(f"the trail has no run {run_id}")


async def find_run(shared: Shared, run_id: str) -> tuple[RunRecord, list[ToolCallRecord]] | None:
    """The same, None when there is no such run yet."""
    await shared.audit.flush()
    return await shared.audit.run(run_id)
