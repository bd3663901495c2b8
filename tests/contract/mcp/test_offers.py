"""Resources, prompts and completions at `/mcp`, what changes of them, and requests that take several rounds."""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import weakref
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from gateway.config import Config, load_config
from tests.support.gateways import MCP_ERAS, OTHER_SECRET, SECRET, InProcess, gateway_in_process, write_files

from .raw import META, MODERN, Wire, error_of, message, modern_headers

both_eras = pytest.mark.parametrize("mode", MCP_ERAS)

EVERYTHING = {
    "command": sys.executable,
    "args": [str(Path(__file__).parent / "conformance" / "everything.py")],
    "sandbox": {"backend": "host"},
}
DOCUMENT: dict[str, Any] = {
    "mcpServers": {"one": EVERYTHING, "two": EVERYTHING},
    "keys": {
        "agent": {"secret": SECRET, "policies": ["all"]},
        "narrow": {"secret": OTHER_SECRET, "policies": ["narrow"]},
    },
    "limits": {"stream_heartbeat_seconds": 1},
}
POLICIES: dict[str, Any] = {
    "all": {
        "allow": ["one/*", "two/*"],
        "rules": [
            {
                "id": "no-pictures",
                "tools": ["one/@resources"],
                "require": {"properties": {"uri": {"not": {"const": "test://static-binary"}}}},
            },
            {
                "id": "no-hello",
                "tools": ["*/@prompts"],
                "require": {
                    "properties": {
                        "arguments": {"properties": {"arg1": {"not": {"const": "hello"}}}},
                    }
                },
            },
        ],
    },
    "narrow": {"allow": ["one/@resources", "one/test_*"]},
}


@pytest.fixture(scope="module")
async def shared_gateway() -> AsyncGenerator[InProcess]:
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), DOCUMENT, POLICIES) as gateway:
            yield gateway


@pytest.fixture
async def one(gateway: InProcess) -> AsyncGenerator[Wire]:
    async with httpx2.AsyncClient(timeout=60) as http:
        yield Wire(gateway, http, "/mcp/one")


@both_eras
async def test_a_resource_of_one_server_keeps_its_uri(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode, secret=OTHER_SECRET) as client:
        listed = [str(found.uri) for found in (await client.list_resources()).resources]
        assert "test://static-text" in listed
        contents = (await client.read_resource("test://static-text")).contents
        assert isinstance(contents[0], types.TextResourceContents)
        assert contents[0].text == "This is the content of the static text resource."
        templated = (await client.read_resource("test://template/7/data")).contents
        assert isinstance(templated[0], types.TextResourceContents)
        assert json.loads(templated[0].text)["id"] == "7"


@both_eras
async def test_a_uri_that_two_servers_have_is_told_apart(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        listed = [str(found.uri) for found in (await client.list_resources()).resources]
        assert "toolgate://one/test%3A%2F%2Fstatic-text" in listed
        assert "toolgate://two/test%3A%2F%2Fstatic-text" in listed
        assert "test://static-text" not in listed
        found = (await client.read_resource("toolgate://two/test%3A%2F%2Fstatic-text")).contents[0]
        assert str(found.uri) == "toolgate://two/test%3A%2F%2Fstatic-text"
        with pytest.raises(MCPError) as unknown:
            await client.read_resource("test://static-text")
        assert unknown.value.error.code == types.INVALID_PARAMS
        templates = [found.uri_template for found in (await client.list_resource_templates()).resource_templates]
        assert templates == [f"toolgate://{name}/test%3A%2F%2Ftemplate%2F{{id}}%2Fdata" for name in ("one", "two")]
        filled = templates[1].replace("{id}", "9")
        contents = (await client.read_resource(filled)).contents[0]
        assert isinstance(contents, types.TextResourceContents)
        assert json.loads(contents.text)["id"] == "9"


@both_eras
async def test_a_resource_that_a_key_may_not_see_is_not_there(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode, secret=OTHER_SECRET) as client:
        problems: list[tuple[int, str]] = []
        for uri in ("toolgate://two/test%3A%2F%2Fstatic-text", "toolgate://none/test%3A%2F%2Fstatic-text"):
            with pytest.raises(MCPError) as hidden:
                await client.read_resource(uri)
            problems.append((hidden.value.error.code, hidden.value.error.message))
        assert problems[0] == problems[1] == (types.INVALID_PARAMS, "Resource not found")
        assert (await client.list_prompts()).prompts == []
        with pytest.raises(MCPError):
            await client.get_prompt("one__test_simple_prompt")


@both_eras
async def test_rules_about_uris_and_about_arguments_of_prompts_hold(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode, path="/mcp/one") as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource("test://static-binary")
        assert "all/no-pictures" in refused.value.error.message
        with pytest.raises(MCPError) as refused:
            await client.get_prompt("test_prompt_with_arguments", {"arg1": "hello", "arg2": "world"})
        assert "all/no-hello" in refused.value.error.message
        said = await client.get_prompt("test_prompt_with_arguments", {"arg1": "hi", "arg2": "world"})
        assert isinstance(said.messages[0].content, types.TextContent)
        assert said.messages[0].content.text == "Prompt with arguments: arg1='hi', arg2='world'"


@both_eras
async def test_prompts_and_completions_are_asked_for_under_their_names_here(gateway: InProcess, mode: str):
    async with gateway.mcp_client(mode) as client:
        names = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert names == sorted(names)
        assert {"one__test_simple_prompt", "two__test_simple_prompt"} <= set(names)
        said = await client.get_prompt("two__test_simple_prompt")
        assert isinstance(said.messages[0].content, types.TextContent)
        reference = types.PromptReference(name="two__test_prompt_with_arguments")
        found = await client.complete(reference, {"name": "arg1", "value": "par"})
        assert found.completion.values == ["paris", "park", "party"]
        template = types.ResourceTemplateReference(uri="toolgate://one/test%3A%2F%2Ftemplate%2F{id}%2Fdata")
        assert (await client.complete(template, {"name": "id", "value": "part"})).completion.values == ["party"]


@both_eras
async def test_what_a_server_says_of_its_use_is_passed_on_where_it_stands_alone(gateway: InProcess, mode: str):
    async with gateway.mcp_client("auto" if mode != "legacy" else mode, path="/mcp/one") as client:
        assert client.instructions == "Try every tool."
    async with gateway.mcp_client("auto" if mode != "legacy" else mode) as client:
        assert client.instructions is None


async def test_what_is_asked_of_servers_is_in_the_trail(one: Wire, gateway: InProcess):
    run_id = (await one.ask("resources/read", {"uri": "test://static-text"})).headers["x-toolgate-run-id"]
    refused = (await one.ask("resources/read", {"uri": "test://static-binary"})).headers["x-toolgate-run-id"]
    await gateway.shared.audit.flush()
    found = await gateway.shared.audit.run(run_id)
    assert found is not None
    assert [(call.server, call.tool, call.outcome) for call in found[1]] == [("one", "@resources", "ok")]
    found = await gateway.shared.audit.run(refused)
    assert found is not None
    assert [(call.rule, call.outcome) for call in found[1]] == [("all/no-pictures", "denied")]


async def test_an_error_of_a_server_is_passed_on_with_its_data(one: Wire):
    answer = await one.ask("resources/read", {"uri": "test://template-of-nothing"})
    assert error_of(answer) == (400, -32602, 1)
    assert answer.json()["error"]["data"] == {"uri": "test://template-of-nothing"}
    answer = await one.ask("tools/call", {"name": "test_missing_capability"})
    assert error_of(answer) == (400, -32021, 1)
    assert answer.json()["error"]["data"] == {"requiredCapabilities": {"sampling": {}}}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {"uri": "x" * 5000}),
        ("resources/read", {"uri": "toolgate://"}),
        ("resources/read", {"uri": "toolgate://one/"}),
        ("prompts/get", {"name": "no such"}),
        ("completion/complete", {}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "none"}, "argument": {}}),
        ("completion/complete", {"ref": {"type": "other"}, "argument": {"name": "a", "value": "b"}}),
        ("resources/list", {"cursor": "c"}),
        ("resources/templates/list", {"cursor": "c"}),
        ("prompts/list", {"cursor": "c"}),
    ],
)
async def test_what_makes_no_sense_is_refused(wire: Wire, method: str, params: dict[str, Any]):
    assert error_of(await wire.ask(method, params)) == (400, -32602, 1)


@pytest.mark.parametrize(
    ("kind", "trigger"), [("tools", "test_trigger_tool_change"), ("prompts", "test_trigger_prompt_change")]
)
async def test_who_listens_is_told_what_changes_for_its_key_and_of_nothing_else(
    gateway: InProcess, one: Wire, kind: str, trigger: str
):
    wishes = {f"{kind}ListChanged": True, "unknown": True}
    params = {"_meta": META, "notifications": wishes}
    headers = {
        **modern_headers("subscriptions/listen", {}),
        "authorization": f"Bearer {SECRET}",
        "accept": "application/json, text/event-stream",
    }
    body = message("subscriptions/listen", params, id="sub-1")
    said: list[Any] = []
    async with (
        httpx2.AsyncClient(timeout=60) as http,
        http.stream("POST", f"{gateway.origin}/mcp", json=body, headers=headers) as stream,
    ):
        assert stream.headers["content-type"] == "text/event-stream"
        async for line in stream.aiter_lines():
            if not line.startswith("data: "):
                continue
            said.append(json.loads(line[6:]))
            if len(said) == 2:
                break
            await one.ask("tools/call", {"name": trigger})
    meta = {"io.modelcontextprotocol/subscriptionId": "sub-1"}
    honoured = {f"{kind}ListChanged": True}
    acknowledged = {"notifications": honoured, "_meta": meta}
    assert said[0]["params"] == acknowledged
    assert said[0]["method"] == "notifications/subscriptions/acknowledged"
    assert (said[1]["method"], said[1]["params"]) == (f"notifications/{kind}/list_changed", {"_meta": meta})


async def test_a_session_is_told_of_changes_on_its_stream_and_has_one(gateway: InProcess, one: Wire):
    session = {
        "mcp-session-id": await one.begin(),
        "authorization": f"Bearer {SECRET}",
        "accept": "text/event-stream",
    }
    said: list[str] = []
    ended: list[str] = []

    async def follow(lines: list[str], until: str) -> None:
        async with (
            httpx2.AsyncClient(timeout=60) as http,
            http.stream("GET", f"{gateway.origin}/mcp/one", headers=session) as stream,
        ):
            assert stream.status_code == 200
            began.set()
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    lines.append(json.loads(line[6:])["method"])
                    if lines[-1] == until:
                        return

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            began = anyio.Event()
            tasks.start_soon(follow, ended, "never")
            await began.wait()
            began = anyio.Event()
            tasks.start_soon(follow, said, "notifications/tools/list_changed")
            await began.wait()
            await one.ask("tools/call", {"name": "test_trigger_tool_change"})
    assert said[-1] == "notifications/tools/list_changed"
    assert "notifications/tools/list_changed" not in ended


async def test_a_stream_ends_with_the_gateway_and_says_so(tmp_path: Path):
    async with gateway_in_process(tmp_path, DOCUMENT, POLICIES) as gateway, httpx2.AsyncClient(timeout=60) as http:
        body = message("subscriptions/listen", {"_meta": META, "notifications": {}}, id=7)
        headers = {**modern_headers("subscriptions/listen", {}), "authorization": f"Bearer {SECRET}"}
        async with http.stream("POST", f"{gateway.origin}/mcp", json=body, headers=headers) as stream:
            said: list[Any] = []
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    said.append(json.loads(line[6:]))
                    gateway.gateway.drain()
    assert [one.get("id") for one in said] == [None, 7]
    assert said[1]["result"]["resultType"] == "complete"


@pytest.mark.parametrize("era", ["modern", "sessions"])
async def test_a_stream_holds_on_to_no_configuration_that_is_over(tmp_path: Path, era: str):
    async with gateway_in_process(tmp_path, DOCUMENT, POLICIES) as gateway, httpx2.AsyncClient(timeout=60) as http:
        body, headers = (
            None,
            {"authorization": f"Bearer {SECRET}", "accept": "application/json, text/event-stream"},
        )
        if era == "modern":
            body = message("subscriptions/listen", {"_meta": META, "notifications": {}}, id=7)
            headers |= modern_headers("subscriptions/listen", {})
        else:
            headers |= {"mcp-session-id": await Wire(gateway, http).begin()}
        before = weakref.ref(gateway.gateway.services.exposer)
        method = "GET" if body is None else "POST"
        async with http.stream(method, f"{gateway.origin}/mcp", json=body, headers=headers) as stream:
            assert stream.status_code == 200
            await gateway.gateway.load(load_config(tmp_path / "gateway.yaml"))
            lines = stream.aiter_lines()
            with anyio.fail_after(60):
                while before() is not None:
                    await anext(lines)  # it lives
                    gc.collect()


async def test_a_stream_outlives_a_configuration_but_not_its_key(tmp_path: Path):
    def config(**keys: Any) -> Config:
        return load_config(write_files(tmp_path, {**DOCUMENT, "keys": keys}, POLICIES))

    async with gateway_in_process(tmp_path, DOCUMENT, POLICIES) as gateway, httpx2.AsyncClient(timeout=60) as http:
        wishes = {"_meta": META, "notifications": {"toolsListChanged": True}}
        body = message("subscriptions/listen", wishes, id=7)
        headers = {**modern_headers("subscriptions/listen", {}), "authorization": f"Bearer {SECRET}"}
        said: list[str] = []
        async with http.stream("POST", f"{gateway.origin}/mcp", json=body, headers=headers) as stream:
            async for line in stream.aiter_lines():
                if not line.startswith("data: "):
                    continue
                said.append(json.loads(line[6:]).get("method", "the end"))
                if len(said) == 1:
                    await gateway.gateway.load(config(agent={"secret": SECRET, "policies": ["narrow"]}))
                elif len(said) == 2:
                    await gateway.gateway.load(config(other={"secret": OTHER_SECRET, "policies": ["all"]}))
    assert said == [
        "notifications/subscriptions/acknowledged",
        "notifications/tools/list_changed",
        "the end",
    ]


# Several rounds.

NAMED = {"name": "test_input_required_result_request_state", "arguments": {}}
CAPABLE = {**META, "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
ANSWERED = {"inputResponses": {"confirm": {"action": "accept", "content": {"ok": True}}}}


async def begun(wire: Wire, params: dict[str, Any] = NAMED, **more: Any) -> str:
    answer = await wire.ask("tools/call", {**params, "_meta": CAPABLE})
    result = answer.json()["result"]
    assert result["resultType"] == "input_required"
    assert "confirming" not in result["requestState"]
    return result["requestState"]


async def test_the_state_of_a_server_comes_back_to_it_as_it_was(one: Wire):
    state = await begun(one)
    answer = await one.ask("tools/call", {**NAMED, **ANSWERED, "requestState": state, "_meta": CAPABLE})
    assert answer.json()["result"]["content"] == [{"type": "text", "text": "state-ok"}]


async def test_a_state_is_good_for_its_request_and_its_key_alone(one: Wire):
    state = await begun(one)
    flipped = ("A" if state[0] != "A" else "B") + state[1:]
    others = [
        {**NAMED, **ANSWERED, "requestState": flipped},
        {**NAMED, **ANSWERED, "requestState": "never given out"},
        {**NAMED, **ANSWERED, "requestState": 7},
        {**NAMED, **ANSWERED, "requestState": state, "arguments": {"other": 1}},
        {**NAMED, **ANSWERED, "requestState": state, "name": "test_input_required_result_multi_round"},
    ]
    for params in others:
        answer = await one.ask("tools/call", {**params, "_meta": CAPABLE})
        assert error_of(answer) == (400, -32602, 1)
    whole = {**NAMED, **ANSWERED, "requestState": state, "_meta": CAPABLE}
    stolen = await one.send(message("tools/call", whole), modern_headers("tools/call", whole), secret=OTHER_SECRET)
    assert error_of(stolen) == (400, -32602, 1)


async def test_who_has_a_session_is_told_what_was_asked(one: Wire):
    session = {"mcp-session-id": await one.begin(), "mcp-protocol-version": "2025-11-25"}
    called = (await one.send(message("tools/call", NAMED), session)).json()["result"]
    assert called["isError"] is True
    assert "Please confirm" in called["content"][0]["text"]
    asked = message("prompts/get", {"name": "test_input_required_result_prompt"})
    assert (await one.send(asked, session)).json()["error"]["code"] == -32603


async def test_arguments_in_headers_must_be_those_of_the_message(one: Wire):
    call = {"name": "test_region", "arguments": {"region": "eu"}}
    assert (await one.ask("tools/call", call, mcp_param_region="eu")).json()["result"]["content"][0][
        "text"
    ] == "eu"
    for headers in ({}, {"mcp_param_region": "us"}):
        assert error_of(await one.ask("tools/call", call, **headers)) == (400, -32020, 1)
    assert MODERN in (await one.ask("server/discover")).text
