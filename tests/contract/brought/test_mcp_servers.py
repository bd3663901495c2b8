"""`mcp_servers` and `mcp_toolset` on Messages, with Anthropic's SDK: our own servers are ours to call."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic.types.beta import BetaMessage
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.messages.asking import ASK_USER, HELLO, client, offered, results_in
from tests.support.gateways import SECRET, InProcess, audited

from .conftest import ASKING, BARE, BOTH, FETCHER, PLAIN

BETAS = ["mcp-client-2025-11-20"]
TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})


def server(name: str, url: str, **more: Any) -> Any:
    return {"type": "url", "name": name, "url": url, **more}


def toolset(name: str, **more: Any) -> Any:
    return {"type": "mcp_toolset", "mcp_server_name": name, **more}


ONE = {"calculate": {"enabled": True}}
LISTED = {"enabled": True, "allowed_tools": ["calculate", "nope"]}
DEMO: dict[str, Any] = {"mcp_servers": [server("demo", "toolgate/demo")], "tools": [toolset("demo")]}


def asked(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 100, "messages": HELLO, "betas": BETAS, **DEMO, **more}


async def whole(gateway: InProcess, model: str, secret: str = ASKING, **more: Any) -> BetaMessage:
    async with client(gateway, secret) as sdk:
        answer = await sdk.beta.messages.create(**asked(model, **more))
    return BetaMessage.model_validate(answer.model_dump(mode="json"))


async def accumulated(gateway: InProcess, model: str, secret: str = ASKING, **more: Any) -> BetaMessage:
    async with client(gateway, secret) as sdk, sdk.beta.messages.stream(**asked(model, **more)) as stream:
        answer = await stream.get_final_message()
    return BetaMessage.model_validate(answer.model_dump(mode="json"))


ASKS = pytest.mark.parametrize("ask", [whole, accumulated])


def without_spaces(value: Any) -> str:
    """Arguments that a client kept as an object are the same JSON, not the same text."""
    return json.dumps(value).replace(" ", "")


def shape(answer: Any) -> list[str]:
    return [block.type for block in answer.content]


@ASKS
async def test_calls_and_results_are_shown_in_their_places(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me count.", calls=(SUM,)), Turn(text="It is 42."))
    answer = await ask(gateway, model)
    assert shape(answer) == ["text", "mcp_tool_use", "mcp_tool_result", "text"]
    first, use, result, last = answer.content
    assert (first.text, last.text) == ("Let me count.", "It is 42.")
    assert (use.name, use.server_name, use.input) == ("calculate", "demo", {"expression": "6 * 7"})
    assert (result.tool_use_id, result.is_error) == (use.id, False)
    assert [block.text for block in result.content] == ["42"]
    assert answer.stop_reason == "end_turn"
    assert use.id.startswith("mcptoolu_")
    assert "mcp_servers" not in upstream.requests[0].body
    assert all("mcp_toolset" not in str(tool) for tool in upstream.requests[0].body["tools"])


async def test_a_stream_shows_each_call_in_blocks_that_follow_each_other(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(TIME, SUM)), Turn(text="Done."))
    async with client(gateway, ASKING) as sdk:
        stream = await sdk.beta.messages.create(**asked(model), stream=True)
        events: list[Any] = [event async for event in stream]
    started = [event.content_block.type for event in events if event.type == "content_block_start"]
    assert sorted(started) == ["mcp_tool_result"] * 2 + ["mcp_tool_use"] * 2 + ["text"]
    assert started[-1] == "text"
    opened: list[int] = []
    for event in events:
        if event.type == "content_block_start":
            assert event.index == len(opened)
            opened.append(event.index)
        elif event.type in ("content_block_delta", "content_block_stop"):
            assert event.index == opened[-1]


@ASKS
async def test_what_the_client_sends_back_is_put_to_the_model_as_its_own_calls(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me count.", calls=(SUM,)), Turn(text="It is 42."), Turn(text="As I said: 42."))
    answer = await ask(gateway, model)
    told = [block.model_dump(mode="json", exclude_none=True) for block in answer.content]
    again = [*HELLO, {"role": "assistant", "content": told}, {"role": "user", "content": "sure?"}]
    TypeAdapter(MessageCreateParamsNonStreaming).validate_python(asked(model, messages=again))
    await ask(gateway, model, messages=again)
    sent = upstream.requests[2].body["messages"]
    assert results_in(upstream.requests[2].body) == ["42"]
    assert "mcp_tool" not in str(sent)
    before = upstream.requests[1].body["messages"]
    if model == "tiny":
        assert without_spaces(sent[: len(before)]) == without_spaces(before)
    else:
        assert [message["role"] for message in sent] == ["user", "assistant", "user", "assistant", "user"]
        assert sent[1]["content"][1] == {**before[1]["content"][1], "id": sent[1]["content"][1]["id"]}
        assert sent[2]["content"][0]["tool_use_id"] == sent[1]["content"][1]["id"] == before[1]["content"][1]["id"]


async def test_such_a_history_never_goes_to_a_provider_as_it_is(gateway: InProcess, upstream: ScriptedUpstream):
    """Not even for a key without tools, whose bytes pass otherwise."""
    use = {"type": "mcp_tool_use", "id": "mcptoolu_toolgate_t1", "name": "calculate", "server_name": "demo"}
    result = {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_toolgate_t1", "is_error": False, "content": "42"}
    history = [*HELLO, {"role": "assistant", "content": [{**use, "input": {}}, result]}, *HELLO]
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "claude", PLAIN, messages=history, mcp_servers=[], tools=[])
    sent = upstream.requests[0].body["messages"]
    assert sent[1]["content"] == [{"type": "tool_use", "id": "t1", "name": "demo__calculate", "input": {}}]
    assert sent[2]["content"][0] == {"type": "tool_result", "tool_use_id": "t1", "content": "42"}


async def test_the_clients_own_tools_end_the_turn_and_nothing_is_told_twice(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    ask = Call("ask_user", {"question": "Sure?"})
    upstream.add(Turn(calls=(SUM, ask)), Turn(text="Fine."))
    tools = [*DEMO["tools"], ASK_USER]
    answer = await accumulated(gateway, model, tools=tools)
    assert sorted(shape(answer)) == ["mcp_tool_result", "mcp_tool_use", "tool_use"]
    assert answer.stop_reason == "tool_use"
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    told = [block.model_dump(mode="json", exclude_none=True) for block in answer.content]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "yes"}
    again = [*HELLO, {"role": "assistant", "content": told}, {"role": "user", "content": [result]}]
    await whole(gateway, model, tools=tools, messages=again)
    assert sorted(results_in(upstream.requests[1].body)) == ["42", "yes"]


@pytest.mark.parametrize(
    ("narrowing", "names"),
    [
        ({"tools": [toolset("demo", default_config={"enabled": False}, configs=ONE)]}, {"demo__calculate"}),
        (
            {"tools": [], "mcp_servers": [server("demo", "toolgate", tool_configuration=LISTED)]},
            {"demo__calculate"},
        ),
        ({"tools": [toolset("demo")], "mcp_servers": []}, None),
        ({"tools": [], "mcp_servers": [server("x", "litellm_proxy/mcp/demo")]}, None),
        ({"tools": [toolset("demo", tools=[{"name": "calculate", "input_schema": {}}])]}, {"demo__calculate"}),
    ],
)
@pytest.mark.parametrize("secret", [ASKING, SECRET])
async def test_a_request_narrows_which_tools_are_attached(
    gateway: InProcess, upstream: ScriptedUpstream, narrowing: dict[str, Any], names: set[str] | None, secret: str
):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "claude", secret, **narrowing)
    if names is None:
        assert {"demo__calculate", "demo__write_note"} < offered(upstream)
    else:
        assert offered(upstream) == names


async def test_what_was_left_out_cannot_be_called(gateway: InProcess, upstream: ScriptedUpstream):
    narrowed = toolset("demo", configs={"current_time": {"enabled": False}})
    upstream.add(Turn(calls=(TIME,)), Turn(text="I see."))
    answer = await whole(gateway, "claude", SECRET, tools=[narrowed])
    assert shape(answer) == ["text"]
    assert "no tool called" in results_in(upstream.requests[1].body)[0]


@pytest.mark.parametrize(
    "url", ["toolgate", "litellm_proxy", "{origin}/mcp", "{origin}/mcp/", "https://tools.example.com/mcp"]
)
async def test_without_a_server_all_servers_of_the_key_are_meant(
    gateway: InProcess, upstream: ScriptedUpstream, url: str
):
    upstream.add(Turn(calls=(Call("second__calculate", {"expression": "1 + 1"}),)), Turn(text="Two."))
    servers = [server("everything", url.format(origin=gateway.origin))]
    answer = await whole(gateway, "claude", BOTH, mcp_servers=servers, tools=[toolset("everything")])
    assert {"demo__calculate", "second__calculate", "demo__write_note"} <= offered(upstream)
    assert "second__write_note" not in offered(upstream)
    use: Any = answer.content[0]
    assert (use.name, use.server_name) == ("second__calculate", "everything")


@pytest.mark.parametrize(
    "url",
    [
        "toolgate/second",
        "{origin}/mcp/second",
        "https://Tools.example.com/mcp/second",
        "https://elsewhere.example/mcp",
    ],
)
async def test_a_server_is_found_by_its_url_or_by_its_label(
    gateway: InProcess, upstream: ScriptedUpstream, url: str
):
    upstream.add(Turn(text="Hi."))
    servers = [server("second", url.format(origin=gateway.origin))]
    await whole(gateway, "claude", BOTH, mcp_servers=servers, tools=[toolset("second")])
    assert {name.partition("__")[0] for name in offered(upstream)} == {"second"}


async def test_a_hidden_server_is_answered_like_a_missing_one(gateway: InProcess, upstream: ScriptedUpstream):
    refusals: list[str] = []
    for name in ("second", "absent"):
        for url in (f"toolgate/{name}", "https://elsewhere.example/mcp", "toolgate/a/b"):
            servers = [server(name, url)]
            with pytest.raises(anthropic.APIStatusError) as caught:
                await whole(gateway, "claude", ASKING, mcp_servers=servers, tools=[toolset(name)])
            refusals.append(f"{caught.value.status_code} {caught.value.message}".replace(name, "NAME"))
    for secret in (BARE, PLAIN):
        with pytest.raises(anthropic.APIStatusError):
            await whole(gateway, "claude", secret)
    assert [text.partition("req_")[0] for text in refusals[:3]] == [
        text.partition("req_")[0] for text in refusals[3:]
    ]
    assert upstream.requests == []


async def test_a_foreign_server_is_the_policys_and_goes_to_the_provider_untouched(
    gateway: InProcess, upstream: ScriptedUpstream
):
    foreign: Any = {
        "mcp_servers": [server("x", "https://elsewhere.example/mcp", authorization_token="secret-of-x")],
        "tools": [toolset("x")],
    }
    with pytest.raises(anthropic.PermissionDeniedError, match="provider/mcp"):
        await whole(gateway, "claude", ASKING, **foreign)
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "claude", FETCHER, **foreign)
    assert upstream.requests[0].body["mcp_servers"] == foreign["mcp_servers"]


async def test_ours_beside_a_foreign_one(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    foreign = server("x", "https://elsewhere.example/mcp")
    servers = [server("demo", "toolgate"), foreign]
    await whole(gateway, "claude", FETCHER, mcp_servers=servers, tools=[toolset("x"), toolset("demo")])
    sent = upstream.requests[0].body
    assert sent["mcp_servers"] == [foreign]
    assert [tool.get("type", tool.get("name", "")) for tool in sent["tools"]] == [
        "mcp_toolset",
        "demo__read_note",
    ]


async def test_credentials_beside_our_own_servers_go_nowhere(
    gateway: InProcess, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="42."))
    servers = [server("demo", "toolgate/demo", authorization_token="very-secret-token")]
    async with client(gateway, ASKING) as sdk:
        raw = await sdk.beta.messages.with_raw_response.create(**asked("claude", mcp_servers=servers))
    assert all(b"very-secret-token" not in request.raw for request in upstream.requests)
    run, calls = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert "very-secret-token" not in f"{run!r} {calls!r} {caplog.text} {raw.text}"
    assert [(call.tool, call.verdict) for call in calls] == [("calculate", "allow")]


@ASKS
async def test_a_refusal_and_a_failure_are_shown_as_results_that_are_errors(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    refused = Call("demo__read_note", {"name": "welcome"})
    upstream.add(Turn(calls=(refused, Call("demo__fail", {"message": "on purpose"}))), Turn(text="I see."))
    answer = await ask(gateway, "claude")
    results = [block for block in answer.content if block.type == "mcp_tool_result"]
    texts = sorted(result.content[0].text for result in results)
    assert [result.is_error for result in results] == [True, True]
    assert "all/no-welcome" in texts[0] + texts[1]
    assert any("on purpose" in text for text in texts)


@ASKS
async def test_a_call_that_a_limit_forbids_is_shown_as_well(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(calls=(SUM, TIME)), Turn(text="That is all."))
    answer = await ask(gateway, "claude", extra_body={"toolgate": {"limits": {"calls": 1}}})
    results = [block for block in answer.content if block.type == "mcp_tool_result"]
    assert sorted(result.is_error for result in results) == [False, True]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (
            {"mcp_servers": [server("demo", "toolgate", tool_configuration={"allowed_tools": "all"})]},
            "allowed_tools",
        ),
        ({"mcp_servers": [server("demo", "toolgate", tool_configuration=[])]}, "tool_configuration"),
        ({"tools": [toolset("demo", configs={"calculate": 5})]}, "configs"),
        ({"tools": [toolset("demo", default_config={"enabled": "no"})]}, "default_config.enabled"),
    ],
)
async def test_what_is_malformed_is_refused_by_name(
    gateway: InProcess, upstream: ScriptedUpstream, fields: dict[str, Any], param: str
):
    async with client(gateway, ASKING) as sdk:
        with pytest.raises(anthropic.BadRequestError, match=param):
            await sdk.beta.messages.create(**asked("claude", **fields))
    assert upstream.requests == []
