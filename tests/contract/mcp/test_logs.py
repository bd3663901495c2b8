"""Log messages of servers, as MCP's own client hears of them at `/mcp`: its own calls', and no others."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client

from tests.support.conditions import eventually
from tests.support.gateways import MCP_ERAS, OTHER_SECRET, SECRET, InProcess, gateway_in_process

from .raw import META, Wire, error_of, message
from .test_watching import server

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
both_eras = pytest.mark.parametrize("mode", MCP_ERAS)

DOCUMENT: dict[str, Any] = {
    "mcpServers": {
        "new": server("conformance/everything.py"),
        "old": server("old_server.py"),
        "own": server("old_server.py", workspace="/workspace"),
    },
    "keys": {
        "agent": {"secret": SECRET, "policies": ["all"]},
        "other": {"secret": OTHER_SECRET, "policies": ["all"]},
    },
}
STEPS = ["Tool execution started", "Tool processing data", "Tool execution completed"]


@pytest.fixture(scope="module")
async def shared_gateway() -> AsyncGenerator[InProcess]:
    policies = {"all": {"allow": ["new/*", "old/*", "own/*"]}}
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), DOCUMENT, policies) as gateway:
            yield gateway


@dataclass
class Listener:
    """A client, and what was logged to it: loggers and data."""

    client: Client
    heard: list[tuple[str | None, Any]] = field(default_factory=list)


@asynccontextmanager
async def listener(
    gateway: InProcess, mode: str, path: str, level: Any = "debug", secret: str = SECRET
) -> AsyncGenerator[Listener]:
    heard: list[tuple[str | None, Any]] = []

    async def hear(params: types.LoggingMessageNotificationParams) -> None:
        heard.append((params.logger, params.data))

    more: dict[str, Any] = {} if mode == "legacy" else {"log_level": level}
    with anyio.fail_after(60):
        async with gateway.mcp_client(mode, path=path, secret=secret, logging_callback=hear, **more) as client:
            if mode == "legacy" and level is not None:
                await client.set_logging_level(level)
            yield Listener(client, heard)


@both_eras
async def test_a_call_is_told_what_it_logs_at_the_level_that_its_client_wants(gateway: InProcess, mode: str):
    async with listener(gateway, mode, "/mcp/new") as listening:
        await listening.client.call_tool("test_tool_with_logging")
        await eventually(lambda: [data for _, data in listening.heard] == STEPS)
    async with listener(gateway, mode, "/mcp/new", "warning") as listening:
        await listening.client.call_tool("test_tool_with_logging")
        assert listening.heard == []


@both_eras
async def test_where_all_servers_stand_side_by_side_it_is_told_which_one_logs(gateway: InProcess, mode: str):
    async with listener(gateway, mode, "/mcp") as listening:
        await listening.client.call_tool("new__test_tool_with_logging")
        await eventually(lambda: listening.heard == [("new", step) for step in STEPS])


async def test_who_says_nothing_of_a_level_is_told_what_is_important_in_a_session_and_else_nothing(
    gateway: InProcess,
):
    async with listener(gateway, "legacy", "/mcp/own", None) as listening:
        await listening.client.call_tool("log")
        await eventually(lambda: listening.heard == [("old", "warning")])
    async with listener(gateway, "2026-07-28", "/mcp/own", None) as listening:
        await listening.client.call_tool("log")
        assert listening.heard == []


@both_eras
async def test_nobody_is_told_what_the_calls_of_another_log(gateway: InProcess, mode: str):
    async with (
        listener(gateway, mode, "/mcp/new") as one,
        listener(gateway, mode, "/mcp/new", secret=OTHER_SECRET) as two,
    ):
        await two.client.call_tool("test_simple_text")
        await one.client.call_tool("test_tool_with_logging")
        await two.client.call_tool("test_simple_text")
        await eventually(lambda: len(one.heard) == 3)
        assert two.heard == []


@both_eras
async def test_what_an_older_server_logs_to_all_goes_to_the_operator_alone(gateway: InProcess, mode: str):
    def said() -> str:
        statuses = {status.name: status for status in gateway.gateway.services.hub.statuses()}
        return "".join(statuses["old"].said)

    async with listener(gateway, mode, "/mcp/old") as listening:
        await listening.client.call_tool("log")
        await listening.client.call_tool("watched")
        assert listening.heard == []
        assert "warning: warning" in said()


async def test_a_level_that_there_is_not_is_refused(gateway: InProcess):
    async with httpx2.AsyncClient(timeout=60) as http:
        wire = Wire(gateway, http, "/mcp/new")
        meta = {**META, "io.modelcontextprotocol/logLevel": "loud"}
        call = {"name": "test_simple_text", "_meta": meta}
        assert error_of(await wire.ask("tools/call", call)) == (400, -32602, 1)
        call["_meta"] = {**META, "io.modelcontextprotocol/logLevel": "debug"}
        answer = await wire.ask("tools/call", call)
        assert answer.headers["content-type"] == "application/json"  # nothing was logged
        session = {"mcp-session-id": await wire.begin()}
        assert error_of(await wire.send(message("logging/setLevel", {"level": "loud"}), session))[1] == -32602
