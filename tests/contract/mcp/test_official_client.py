"""What the official SDK's client gets from `/mcp`, in both eras of the protocol."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from gateway.hub import Hub
from tests.support.conditions import cancelled_once, eventually
from tests.support.gateways import MCP_ERAS, OTHER_SECRET, InProcess

both_eras = pytest.mark.parametrize("mode", MCP_ERAS)


def texts(result: types.CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, types.TextContent))


async def names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


@both_eras
async def test_all_tools_of_the_key_are_listed_under_names_with_their_server(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        listed = await client.list_tools()
    found = {tool.name: tool for tool in listed.tools}
    assert list(found) == sorted(found)
    assert {"demo__calculate", "demo__read_note", "demo__slow"} <= set(found)
    note = found["demo__read_note"]
    assert note.description == "Read a note."
    assert note.input_schema["required"] == ["name"]
    assert note.annotations is not None
    assert note.annotations.read_only_hint is True


@both_eras
async def test_a_server_alone_has_its_own_names(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode, path="/mcp/demo") as client:
        assert "calculate" in await names(client)
        assert texts(await client.call_tool("calculate", {"expression": "6*7"})) == "42"
        with pytest.raises(MCPError) as refused:
            await client.call_tool("demo__calculate", {"expression": "1"})
    assert refused.value.code == types.INVALID_PARAMS


@both_eras
async def test_a_tool_is_called(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        assert client.server_info is None or client.server_info.name == "toolgate"
        result = await client.call_tool("demo__calculate", {"expression": "2+3"})
    assert texts(result) == "5"
    assert not result.is_error


@both_eras
async def test_what_a_tool_says_of_its_failure_is_a_result(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        result = await client.call_tool("demo__fail", {"message": "no such luck"})
    assert result.is_error
    assert "no such luck" in texts(result)


@both_eras
async def test_a_rule_that_refuses_is_named_in_a_result(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        result = await client.call_tool("demo__read_note", {"name": "secret"})
    assert result.is_error
    assert "all/no-secrets" in texts(result)


@both_eras
async def test_arguments_that_do_not_fit_are_a_result_that_says_so(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        result = await client.call_tool("demo__read_note", {"name": 7})
    assert result.is_error
    assert "do not fit" in texts(result)


@both_eras
async def test_two_keys_at_once_see_and_use_what_is_theirs(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as one, gateway.mcp_client(mode, secret=OTHER_SECRET) as other:
        for _ in range(3):
            assert "demo__write_note" in await names(one)
            assert await names(other) == ["demo__current_time", "demo__read_note"]
            assert not (await one.call_tool("demo__write_note", {"name": "n", "text": "t"})).is_error
            with pytest.raises(MCPError) as hidden:
                await other.call_tool("demo__write_note", {"name": "n", "text": "t"})
            with pytest.raises(MCPError) as missing:
                await other.call_tool("demo__erase_note", {"name": "n", "text": "t"})
            assert hidden.value.error.code == missing.value.error.code
            assert hidden.value.error.message.replace("write", "erase") == missing.value.error.message
            assert hidden.value.error.data == missing.value.error.data


@both_eras
async def test_a_server_that_is_down_is_a_result_that_says_so_or_no_tool(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode, path="/mcp/down") as client:
        assert await names(client) == []


@both_eras
async def test_progress_reaches_whoever_asked_for_it(gateway: InProcess, mode: str):
    seen: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with gateway.mcp_client(mode) as client:
        call = client.call_tool("demo__slow", {"seconds": 0.3, "steps": 3}, progress_callback=on_progress)
        assert texts(await call) == "took 0.3 s"
        await eventually(lambda: len(seen) == 3)
    assert sorted(seen) == [(0.0, 3.0, "step 0 of 3"), (1.0, 3.0, "step 1 of 3"), (2.0, 3.0, "step 2 of 3")]


@both_eras
async def test_a_call_that_takes_longer_than_a_heartbeat_is_answered(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        assert texts(await client.call_tool("demo__slow", {"seconds": 4})) == "took 4.0 s"


@both_eras
async def test_a_client_that_gives_up_breaks_off_a_call_although_it_may_write(
    gateway: InProcess, mode: str, cancelled: Callable[[], int], monkeypatch: pytest.MonkeyPatch
):
    before, begun = cancelled(), anyio.Event()
    call_as_ever = Hub.call

    def watched(self: Hub, *given: Any, **more: Any) -> Any:
        begun.set()
        return call_as_ever(self, *given, **more)

    monkeypatch.setattr(Hub, "call", watched)
    async with gateway.mcp_client(mode) as client:
        await cancelled_once(begun.is_set, partial(client.call_tool, "demo__slow_write", {"seconds": 15}))
        await eventually(lambda: cancelled() == before + 1)
        assert texts(await client.call_tool("demo__calculate", {"expression": "1+1"})) == "2"


async def test_the_client_finds_the_newer_era_by_itself(gateway: InProcess):
    async with gateway.mcp_client() as client:
        assert client.protocol_version == "2026-07-28"
