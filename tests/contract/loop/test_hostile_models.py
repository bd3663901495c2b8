"""Models that do what no model should: the run ends well, and nothing runs that must not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import InProcess, audited

from .asking import HELLO, SUM, TIME, finish_reasons, streamed, text_of, whole

CLIENTS_TOOL: Any = {"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}
WRITE = Call("demo__write_note", {"name": "hostile", "text": "x"})
ASKS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def ask(gateway: InProcess, *, stream: bool, **request: Any) -> tuple[str, str, list[str]]:
    """The text, the reason for the end, and the names of the calls that reached the client."""
    if not stream:
        choice = (await whole(gateway, **request)).choices[0]
        names = [call.function.name for call in choice.message.tool_calls or []]
        return choice.message.content or "", choice.finish_reason, names
    chunks = await streamed(gateway, **request)
    calls = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
    (reason,) = finish_reasons(chunks)
    return text_of(chunks), reason, [call.function.name for call in calls if call.function.name]


@ASKS
async def test_two_hundred_calls_at_once_are_all_answered_and_few_of_them_run(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    calls = tuple(Call("demo__calculate", {"expression": f"{n} + 1"}) for n in range(200))
    upstream.add(Turn(calls=calls), Turn(text="Enough."))
    assert await ask(gateway, stream=stream) == ("Enough.", "stop", [])
    results = [message for message in upstream.requests[1].body["messages"] if message["role"] == "tool"]
    assert len(results) == 200
    assert sum(result["content"].startswith("not run") for result in results) == 192
    assert upstream.requests[1].body["tool_choice"] == "none"


@ASKS
@pytest.mark.parametrize("call_id", ["same", "", "x" * 100_000, "\0\u202e", "call_1_0"])
async def test_calls_of_client_and_gateway_with_one_id_are_told_apart(
    gateway: InProcess, upstream: ScriptedUpstream, call_id: str, *, stream: bool
):
    calls = (
        Call(SUM.name, SUM.arguments, call_id),
        Call("ask_user", "{}", call_id),
        Call(TIME.name, TIME.arguments, call_id),
    )
    upstream.add(Turn(calls=calls))
    assert await ask(gateway, stream=stream, tools=[CLIENTS_TOOL]) == ("", "tool_calls", ["ask_user"])


@ASKS
@pytest.mark.parametrize(
    "name",
    [
        "",
        "demo__calc\0ulate",
        "dеmo__calculate",
        "demo__" + "x" * 100_000,
        "../demo/calculate",
        "demo//calculate",
        " demo__calculate",
    ],
)
async def test_a_name_that_is_nearly_a_tools_is_no_tools(
    gateway: InProcess, upstream: ScriptedUpstream, name: str, *, stream: bool
):
    upstream.add(Turn(calls=(Call(name, SUM.arguments),)), Turn(text="I see."))
    assert await ask(gateway, stream=stream) == ("I see.", "stop", [])
    told = upstream.requests[1].body["messages"][-1]["content"]
    assert told.startswith("There is no tool called")
    assert len(told) < 400
    assert "\0" not in told


@ASKS
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (json.dumps({"expression": "1" * 1_100_000}), "larger than"),
        ('{"expression": ' * 5000 + "1" + "}" * 5000, "nested deeper"),
        ('{"expression": ' * 5000, "The call was not made"),
        ('{"expression": "\\ud800"}', "cannot be sent"),
        ('{"expression": "1", "expression": "2"}', "given twice"),
        ('{"expression": 1e400}', "too large"),
        ('{"expression": -1e400}', "too large"),
        ('{"expression": ' + "9" * 5000 + "}", "too long"),
        ("null", "must be a JSON object"),
    ],
)
async def test_arguments_that_cannot_be_judged_are_not_sent(
    gateway: InProcess, upstream: ScriptedUpstream, arguments: str, told: str, *, stream: bool
):
    upstream.add(Turn(calls=(Call("demo__calculate", arguments),)), Turn(text="I see."))
    assert await ask(gateway, stream=stream) == ("I see.", "stop", [])
    assert told in upstream.requests[1].body["messages"][-1]["content"]


@ASKS
async def test_calls_in_the_closing_round_neither_run_nor_leave(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    limits = {"toolgate": {"limits": {"rounds": 1}}}
    upstream.add(Turn(calls=(TIME,)), Turn(text="Well,", calls=(WRITE, Call("ask_user"))))
    answer = await ask(gateway, stream=stream, tools=[CLIENTS_TOOL], extra_body=limits)
    assert answer == ("Well,", "stop", [])


@ASKS
async def test_a_client_that_wants_no_tool_called_gets_none_of_ours_run(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    upstream.add(Turn(text="I will.", calls=(WRITE,)))
    answer = await ask(gateway, stream=stream, tool_choice="none", extra_body={"toolgate": {}})
    assert answer == ("I will.", "stop", [])
    upstream.add(Turn(calls=(WRITE, Call("ask_user"))))
    answer = await ask(gateway, stream=stream, tool_choice="none", tools=[CLIENTS_TOOL])
    assert answer == ("", "tool_calls", ["ask_user"])


async def test_what_a_client_forbade_is_not_put_back_into_its_history(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(WRITE, Call("ask_user", "{}", "c1"))), Turn(text="Thanks."))
    await whole(gateway, tool_choice="none", tools=[CLIENTS_TOOL])
    function = {"name": "ask_user", "arguments": "{}"}
    history = [
        *HELLO,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "yes"},
    ]
    await whole(gateway, messages=history, tools=[CLIENTS_TOOL])
    assert upstream.requests[1].body["messages"] == history


@ASKS
@pytest.mark.parametrize("reason", ["length", "content_filter", "error"])
async def test_calls_that_may_be_cut_short_do_not_run(
    gateway: InProcess, upstream: ScriptedUpstream, reason: str, *, stream: bool
):
    upstream.add(Turn(text="Now", calls=(Call("demo__write_note", ""),), finish_reason=reason))
    text, end, calls = await ask(gateway, stream=stream)
    assert (text, calls) == ("Now", [])
    assert reason in (end, "error")


@ASKS
@pytest.mark.parametrize("reason", ["stop", "function_call", "a word of its own"])
async def test_whole_calls_run_whatever_the_model_calls_their_end(
    gateway: InProcess, upstream: ScriptedUpstream, reason: str, *, stream: bool
):
    upstream.add(Turn(calls=(SUM,), finish_reason=reason), Turn(text="42."))
    assert await ask(gateway, stream=stream) == ("42.", "stop", [])


@pytest.mark.parametrize(
    "body", [b'{"choices": []}', b'{"choices": [null]}', b'{"choices": [{}]}', b"{}", b"[]", b"\xff", b""]
)
@ASKS
async def test_an_answer_without_a_message_is_a_fault_of_the_provider(
    gateway: InProcess, upstream: ScriptedUpstream, body: bytes, *, stream: bool
):
    upstream.add(Turn(body=body))
    request = {"model": "tiny", "messages": HELLO, "stream": stream}
    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", json=request)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_protocol_error")


@ASKS
async def test_nonsense_in_the_usage_breaks_neither_the_run_nor_the_audit(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    usage = {"prompt_tokens": 2**64 - 1, "completion_tokens": 1e300, "total_tokens": -5}
    upstream.add(Turn(calls=(SUM,), usage=usage), Turn(text="42.", usage=usage))
    request = {"model": "tiny", "messages": HELLO, "stream": stream}
    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", json=request)
    assert answer.status_code == 200
    run, calls = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert (run.outcome, len(calls)) == ("ok", 1)


async def test_a_forced_choice_of_one_of_our_tools_holds_for_one_round(
    gateway: InProcess, upstream: ScriptedUpstream
):
    choice: Any = {"type": "function", "function": {"name": SUM.name}}
    upstream.add(Turn(calls=(SUM,)), Turn(text="42."))
    assert (await whole(gateway, tool_choice=choice)).choices[0].message.content == "42."
    assert upstream.requests[0].body["tool_choice"] == choice
    assert "tool_choice" not in upstream.requests[1].body


async def test_a_choice_among_some_tools_stays_one_when_a_call_is_not_forced_any_more(
    gateway: InProcess, upstream: ScriptedUpstream
):
    some = [{"type": "function", "function": {"name": SUM.name}}]
    choice: Any = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": some}}
    upstream.add(Turn(calls=(SUM,)), Turn(text="42."))
    await whole(gateway, tool_choice=choice)
    assert upstream.requests[0].body["tool_choice"] == choice
    relaxed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": some}}
    assert upstream.requests[1].body["tool_choice"] == relaxed


@ASKS
async def test_calls_without_number_are_a_fault_of_the_provider(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    upstream.add(Turn(calls=(SUM,) * 1100))
    request = {"model": "tiny", "messages": HELLO, "stream": stream}
    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", json=request)
    assert "more than 1024 tool calls" in answer.text
    assert "upstream_protocol_error" in answer.text
