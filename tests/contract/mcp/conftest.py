"""A gateway whose tools MCP clients use: the official SDK in front of it, real servers behind it."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, gateway_in_process

from .raw import Wire

POLICIES: dict[str, Any] = {
    "all": {
        "allow": ["demo/*", "down/*"],
        "rules": [
            {
                "id": "no-secrets",
                "tools": ["demo/read_note"],
                "require": {"properties": {"name": {"not": {"const": "secret"}}}},
            }
        ],
    },
    "readers": {"allow": ["demo/read_note", "demo/current_time"]},
}
DOCUMENT: dict[str, Any] = {
    "mcpServers": {
        "demo": {
            "command": sys.executable,
            "args": ["-m", "mcp_servers.demo", "--test-tools"],
            "sandbox": {"backend": "host"},
        },
        "down": {"command": "toolgate-no-such-command", "sandbox": {"backend": "host"}},
        "off": {"command": "toolgate-no-such-command", "disabled": True},
    },
    "keys": {
        "agent": {"secret": SECRET, "policies": ["all"]},
        "reader": {"secret": OTHER_SECRET, "policies": ["readers"], "tools": "on_request"},
        "nobody": {"secret": "nobody-secret-0123456789", "tools": "off"},
    },
    "limits": {"stream_heartbeat_seconds": 3, "tool_call_seconds": 20},
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_gateway() -> AsyncGenerator[InProcess]:
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), DOCUMENT, POLICIES) as gateway:
            yield gateway


@pytest.fixture
def cancelled(gateway: InProcess) -> Callable[[], int]:
    """How many calls were cancelled so far."""

    def count() -> int:
        text = gateway.gateway.metrics.exposition({}, ()).decode()
        found = re.findall(r'toolgate_tool_calls_total\{outcome="cancelled",[^}]*\} (\d+)', text)
        return sum(map(int, found))

    return count


@pytest.fixture
async def wire(gateway: InProcess) -> AsyncGenerator[Wire]:
    async with httpx2.AsyncClient(timeout=60) as http:
        yield Wire(gateway, http)


@pytest.fixture
async def demo(gateway: InProcess) -> AsyncGenerator[Wire]:
    """The same, at the path of one server."""
    async with httpx2.AsyncClient(timeout=60) as http:
        yield Wire(gateway, http, "/mcp/demo")
