"""Servers of 2026-07-28 that want input first, behind clients of older versions: these are asked at `/mcp`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client

from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, audited, gateway_in_process

from .raw import Wire, message
from .test_watching import server

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")

DOCUMENT: dict[str, Any] = {
    "mcpServers": {"one": server("conformance/everything.py")},
    "keys": {
        "agent": {"secret": SECRET, "policies": ["all"]},
        "other": {"secret": OTHER_SECRET, "policies": ["all"]},
    },
}
ROOT = "file:///home/me"


@pytest.fixture(scope="module")
async def shared_gateway() -> AsyncGenerator[InProcess]:
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), DOCUMENT, {"all": {"allow": ["one/*"]}}) as gateway:
            yield gateway


@asynccontextmanager
async def asked_client(gateway: InProcess, **callbacks: Any) -> AsyncGenerator[Client]:
    """The SDK's client of an older version, which answers what there are callbacks for."""
    with anyio.fail_after(60):
        async with gateway.mcp_client("legacy", path="/mcp/one", **callbacks) as client:
            yield client


async def called(client: Client, tool: str, **arguments: Any) -> str:
    (said,) = (await client.call_tool(tool, arguments)).content
    assert isinstance(said, types.TextContent)
    return said.text


async def agree(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    assert isinstance(params, types.ElicitRequestFormParams)
    values = {"string": "Ada", "boolean": True}
    fields = params.requested_schema["properties"]
    return types.ElicitResult(action="accept", content={name: values[one["type"]] for name, one in fields.items()})


async def say(context: Any, params: Any) -> types.CreateMessageResult:
    said = types.TextContent(type="text", text="Paris")
    return types.CreateMessageResult(role="assistant", content=said, model="m")


async def show_roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri=ROOT)])


ABLE = {"elicitation_callback": agree, "sampling_callback": say, "list_roots_callback": show_roots}


async def test_a_client_is_asked_for_all_three_and_its_answers_go_back(gateway: InProcess):
    async with asked_client(gateway, **ABLE) as client:
        assert await called(client, "test_input_required_result_elicitation") == "Hello, Ada!"
        assert await called(client, "test_sampling", prompt="Which city?") == "LLM response: Paris"
        assert await called(client, "test_input_required_result_list_roots") == ROOT
        assert await called(client, "test_input_required_result_multiple_inputs") == "All three were answered."


async def test_a_server_may_ask_again_and_its_state_comes_back_as_it_was(gateway: InProcess):
    async with asked_client(gateway, **ABLE) as client:
        assert await called(client, "test_input_required_result_multi_round") == "Both steps are done."
        assert await called(client, "test_input_required_result_request_state") == "state-ok"


async def test_a_server_that_asks_without_end_is_given_up(gateway: InProcess):
    async with asked_client(gateway, **ABLE) as client:
        result = await client.call_tool("test_without_end")
        assert result.is_error
        assert isinstance(result.content[0], types.TextContent)
        assert "more than 8 times" in result.content[0].text


async def test_prompts_that_want_input_get_it_too(gateway: InProcess):
    async with asked_client(gateway, **ABLE) as client:
        said = (await client.get_prompt("test_input_required_result_prompt")).messages[0].content
        assert isinstance(said, types.TextContent)
        assert said.text == "In the context of Ada."


async def test_only_what_the_client_has_said_that_it_answers_is_asked(gateway: InProcess):
    async with asked_client(gateway, sampling_callback=say) as client:
        assert await called(client, "test_sampling") == "LLM response: Paris"
        result = await client.call_tool("test_input_required_result_elicitation")
        assert result.is_error
        assert isinstance(result.content[0], types.TextContent)
        assert "What is your name?" in result.content[0].text


async def test_a_client_that_refuses_ends_the_call_with_its_reason(gateway: InProcess):
    async def refuse(context: Any, params: Any) -> types.ErrorData:
        return types.ErrorData(code=-1, message="the user said no")

    async with asked_client(gateway, sampling_callback=refuse) as client:
        result = await client.call_tool("test_sampling")
        assert result.is_error
        assert isinstance(result.content[0], types.TextContent)
        assert "the user said no" in result.content[0].text


async def test_a_client_that_leaves_while_it_is_asked_leaves_nothing_open(gateway: InProcess):
    asked = anyio.Event()

    async def think(context: Any, params: Any) -> types.ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with asked_client(gateway, elicitation_callback=think) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "test_elicitation")
            await asked.wait()
            tasks.cancel_scope.cancel()
        assert await called(client, "test_simple_text")


# On the wire: an answer counts for the session that was asked, and for no other.


async def begin(wire: Wire, secret: str = SECRET) -> dict[str, str]:
    about = {"capabilities": {"elicitation": {}}, "clientInfo": {"name": "t", "version": "1"}}
    params = {"protocolVersion": "2025-11-25", **about}
    answer = await wire.send(message("initialize", params), secret=secret)
    return {"mcp-session-id": answer.headers["mcp-session-id"]}


@asynccontextmanager
async def asked_on_the_wire(
    gateway: InProcess, session: dict[str, str]
) -> AsyncGenerator[tuple[dict[str, Any], Any]]:
    """A call whose client was asked: the question, and the lines that follow it."""
    headers = {"authorization": f"Bearer {SECRET}", "accept": "application/json, text/event-stream", **session}
    body = message("tools/call", {"name": "test_elicitation", "arguments": {}}, id="call-1")
    url = f"{gateway.origin}/mcp/one"
    with anyio.fail_after(60):
        async with (
            httpx2.AsyncClient(timeout=60) as http,
            http.stream("POST", url, json=body, headers=headers) as stream,
        ):
            lines = (json.loads(line[6:]) async for line in stream.aiter_lines() if line.startswith("data: "))
            yield await anext(lines), lines


ANSWER = {"action": "accept", "content": {"username": "ada", "email": "a@b.c"}}


async def test_an_answer_counts_for_the_session_that_was_asked_alone(gateway: InProcess):
    async with httpx2.AsyncClient(timeout=60) as http:
        wire = Wire(gateway, http, "/mcp/one")
        session, same_key, other_key = await begin(wire), await begin(wire), await begin(wire, OTHER_SECRET)
        async with asked_on_the_wire(gateway, session) as (question, lines):
            assert question["method"] == "elicitation/create"
            forged = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "decline"}}
            assert (await wire.send(forged, same_key)).status_code == 202
            assert (await wire.send(forged, other_key, secret=OTHER_SECRET)).status_code == 202
            assert (await wire.send(forged, session, secret=OTHER_SECRET)).status_code == 404
            assert (await wire.send({**forged, "id": "toolgate-other"}, session)).status_code == 202
            answer = {"jsonrpc": "2.0", "id": question["id"], "result": ANSWER}
            assert (await wire.send(answer, session)).status_code == 202
            assert (await wire.send(forged, session)).status_code == 202
            said = await anext(lines)
            assert said["id"] == "call-1"
            assert "ada" in said["result"]["content"][0]["text"]


async def test_who_cancels_is_asked_no_more_and_each_round_is_recorded(gateway: InProcess):
    async with httpx2.AsyncClient(timeout=60) as http:
        wire = Wire(gateway, http, "/mcp/one")
        session = await begin(wire)
        async with asked_on_the_wire(gateway, session) as (question, lines):
            taken_back = message("notifications/cancelled", {"requestId": "call-1"}, id=None)
            await wire.send(taken_back, session)
            withdrawn = await anext(lines)
            assert withdrawn["method"] == "notifications/cancelled"
            assert withdrawn["params"] == {"requestId": question["id"]}
            assert (await anext(lines))["error"]["code"] == -32800


async def test_who_takes_no_events_cannot_be_asked(gateway: InProcess):
    async with httpx2.AsyncClient(timeout=60) as http:
        wire = Wire(gateway, http, "/mcp/one")
        session = await begin(wire)
        call = message("tools/call", {"name": "test_elicitation", "arguments": {}})
        answer = await wire.send(call, {**session, "accept": "application/json"})
        assert answer.json()["result"]["isError"] is True
        run, calls = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
        assert (run.calls, [one.tool for one in calls]) == (1, ["test_elicitation"])


async def test_a_gateway_that_is_full_takes_the_answers_that_its_calls_wait_for(tmp_path: Path):
    document = {**DOCUMENT, "limits": {"requests_in_flight": 1}}
    async with (
        gateway_in_process(tmp_path, document, {"all": {"allow": ["one/*"]}}) as gateway,
        httpx2.AsyncClient(timeout=60) as http,
    ):
        wire = Wire(gateway, http, "/mcp/one")
        session, idle = await begin(wire), await begin(wire)
        async with asked_on_the_wire(gateway, session) as (question, lines):
            answer = {"jsonrpc": "2.0", "id": question["id"], "result": ANSWER}
            for refused, headers, secret in (
                (message("ping"), session, SECRET),
                (answer, idle, SECRET),
                (answer, session, OTHER_SECRET),
                (answer, {}, SECRET),
            ):
                assert (await wire.send(refused, headers, secret=secret)).status_code in (404, 503)
            large = {**answer, "result": {"x": "x" * 100_000}}
            assert (await wire.send(large, session)).status_code == 413
            assert (await wire.send(answer, session)).status_code == 202
            assert "ada" in (await anext(lines))["result"]["content"][0]["text"]
        async with asked_on_the_wire(gateway, session) as (_question, lines):
            taken_back = message("notifications/cancelled", {"requestId": "call-1"}, id=None)
            assert (await wire.send(taken_back, session)).status_code == 202
            assert (await anext(lines))["method"] == "notifications/cancelled"
            assert (await anext(lines))["error"]["code"] == -32800
