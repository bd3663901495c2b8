"""One request is one run: what a plain client sees of it, whatever the number of rounds."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.covering import CHAT, CHAT_SDK, covers
from tests.support.gateways import OTHER_SECRET, InProcess, audited

from .asking import HELLO, SUM, TIME, finish_reasons, streamed, text_of, whole

CLIENTS_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "ask_user",
        "parameters": {"type": "object", "properties": {"question": {"type": "string"}}},
    },
}


@covers(CHAT_SDK, CHAT, "streamed", "gateway tools")
async def test_several_rounds_leave_as_one_stream_with_one_id_and_one_end(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Let me look.", calls=(TIME, SUM)), Turn(calls=(SUM,)), Turn(text="It is 42."))
    chunks = await streamed(gateway)
    assert len({chunk.id for chunk in chunks}) == 1
    assert finish_reasons(chunks) == ["stop"]
    assert text_of(chunks) == "Let me look.\n\nIt is 42."


@covers(CHAT_SDK, CHAT, "whole", "gateway tools")
async def test_several_rounds_make_one_whole_answer(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Let me look.", calls=(TIME,)), Turn(text="Done."))
    answer = await whole(gateway)
    assert answer.choices[0].message.content == "Let me look.\n\nDone."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.tool_calls is None
    assert answer.id.startswith("chatcmpl-")


async def test_deltas_of_calls_to_our_tools_never_leave(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(TIME, SUM)), Turn(text="Done."))
    chunks = await streamed(gateway)
    assert all(not chunk.choices[0].delta.tool_calls for chunk in chunks if chunk.choices)
    assert "demo__" not in "".join(chunk.model_dump_json() for chunk in chunks)


@covers(CHAT_SDK, CHAT, "structured output", "gateway tools")
async def test_under_response_format_only_the_last_rounds_text_leaves(
    gateway: InProcess, upstream: ScriptedUpstream
):
    turns = [Turn(text="{thinking", calls=(TIME,)), Turn(text='{"a": 1}')]
    upstream.add(*turns, *turns)
    response_format: Any = {"type": "json_object"}
    assert text_of(await streamed(gateway, response_format=response_format)) == '{"a": 1}'
    assert (await whole(gateway, response_format=response_format)).choices[0].message.content == '{"a": 1}'


async def test_a_tool_choice_that_forces_a_call_holds_for_the_first_round_only(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    await whole(gateway, tool_choice="required")
    assert upstream.requests[0].body["tool_choice"] == "required"
    assert upstream.requests[1].body.get("tool_choice") in (None, "auto")


async def test_max_tokens_holds_for_each_model_call(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    await whole(gateway, max_completion_tokens=50)
    assert [request.body["max_completion_tokens"] for request in upstream.requests] == [50, 50]


async def test_more_than_one_choice_is_refused_while_tools_are_attached(
    gateway: InProcess, upstream: ScriptedUpstream
):
    with pytest.raises(openai.BadRequestError) as caught:
        await whole(gateway, n=2)
    assert caught.value.param == "n"
    assert upstream.requests == []


async def test_usage_is_the_sum_over_rounds(gateway: InProcess, upstream: ScriptedUpstream):
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    turns = [Turn(calls=(TIME,), usage=usage), Turn(text="Done.", usage=usage)]
    upstream.add(*turns, *turns)
    answer = await whole(gateway)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (20, 10, 30)
    chunks = await streamed(gateway, stream_options={"include_usage": True})
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [30]


async def test_a_stream_tells_no_usage_to_a_client_that_did_not_ask(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    assert all(chunk.usage is None for chunk in await streamed(gateway))


async def test_calls_run_and_the_model_is_given_their_results_in_its_own_order(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(TIME, SUM)), Turn(text="Done."))
    await whole(gateway)
    assistant, first, second = upstream.requests[1].body["messages"][-3:]
    assert [call["function"]["name"] for call in assistant["tool_calls"]] == [TIME.name, SUM.name]
    assert (first["role"], second["role"]) == ("tool", "tool")
    assert "Asia/Tokyo" in first["content"]
    assert second["content"] == "42"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (Call("demo__calculate", '{"expression": '), "not valid JSON"),
        (Call("demo__calculate", {"expr": "1"}), "'expression' is a required property"),
        (Call("demo__nothing", {}), "There is no tool called 'demo__nothing'"),
        (Call("demo__fail", {"message": "on purpose"}), "on purpose"),
        (Call("demo__read_note", {"name": "welcome"}), "no-welcome"),
    ],
)
async def test_what_is_wrong_with_a_call_goes_back_to_the_model(
    gateway: InProcess, upstream: ScriptedUpstream, call: Call, told: str
):
    upstream.add(Turn(calls=(call,)), Turn(text="I see."))
    answer = await whole(gateway)
    assert answer.choices[0].message.content == "I see."
    result = upstream.requests[1].body["messages"][-1]
    assert result["role"] == "tool"
    assert told in result["content"]


async def test_a_tool_that_a_key_may_not_use_is_neither_listed_nor_callable_by_any_path(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(Call("demo__write_note", {"name": "a", "text": "b"}),)), Turn(text="I see."))
    await whole(gateway, OTHER_SECRET)
    offered = {tool["function"]["name"] for tool in upstream.requests[0].body["tools"]}
    assert "demo__read_note" in offered
    assert "demo__write_note" not in offered
    assert "There is no tool called 'demo__write_note'" in upstream.requests[1].body["messages"][-1]["content"]
    async with gateway.http(OTHER_SECRET) as http:
        listed = (await http.get("/v1/tools")).json()["data"]
        hidden = await http.post("/v1/tools/demo/write_note", json={"arguments": {"name": "a", "text": "b"}})
        missing = await http.post("/v1/tools/demo/wrong_note", json={"arguments": {"name": "a", "text": "b"}})
    assert "demo/write_note" not in {tool["qualified_name"] for tool in listed}
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json()["error"]["message"].replace("write", "wrong") == missing.json()["error"]["message"]


async def test_limits_end_the_tools_and_the_model_is_told_to_answer(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(TIME,)), Turn(calls=(SUM,)), Turn(text="That is all I have."))
    answer = await whole(gateway, extra_body={"toolgate": {"limits": {"rounds": 2}}})
    assert answer.choices[0].message.content == "That is all I have."
    assert answer.toolgate["limit"] == "rounds"
    assert upstream.requests[2].body["tool_choice"] == "none"
    assert "answer now" in upstream.requests[2].body["messages"][-1]["content"]


async def test_the_same_call_repeated_is_broken_off(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(
        Turn(calls=(SUM,)), Turn(calls=(SUM,)), Turn(calls=(SUM,)), Turn(calls=(SUM,)), Turn(text="Enough.")
    )
    answer = await whole(gateway, extra_body={"toolgate": {}})
    assert answer.choices[0].message.content == "Enough."
    assert answer.toolgate["limit"] == "repeats"
    assert len(answer.toolgate["tool_calls"]) == 3


async def test_a_client_that_asks_is_told_what_its_run_did(gateway: InProcess, upstream: ScriptedUpstream):
    turns = [Turn(calls=(TIME, Call("demo__read_note", {"name": "welcome"}))), Turn(text="Done.")]
    upstream.add(*turns, *turns)
    answer = await whole(gateway, extra_body={"toolgate": {}})
    calls = {call["tool"]: call for call in answer.toolgate["tool_calls"]}
    assert calls["current_time"]["verdict"] == "allow"
    assert (calls["read_note"]["verdict"], calls["read_note"]["rule"]) == ("deny", "all/no-welcome")
    assert answer.toolgate["rounds"] == 2
    chunks = await streamed(gateway, extra_body={"toolgate": {}})
    told = [chunk.toolgate for chunk in chunks if getattr(chunk, "toolgate", None)]
    assert [summary["rounds"] for summary in told] == [2]


async def test_a_plain_client_is_told_nothing_extra(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    assert "toolgate" not in (await whole(gateway)).model_dump()


async def test_progress_events_are_extra_fields_that_the_sdk_ignores(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(Call("demo__slow", {"seconds": 0, "steps": 2}),)), Turn(text="Done."))
    chunks = await streamed(gateway, extra_body={"toolgate": {"events": True}})
    events = [chunk.toolgate["event"] for chunk in chunks if "event" in (getattr(chunk, "toolgate", None) or {})]
    assert events[0] == "round_started"
    assert {"tool_call_started", "tool_call_progress", "tool_call_ended"} <= set(events)
    assert text_of(chunks) == "Done."


async def test_a_silent_stream_is_kept_alive_by_comments(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(Call("demo__slow", {"seconds": 2.5}),)), Turn(text="Done."))
    async with gateway.http() as http:
        body = {"model": "tiny", "messages": HELLO, "stream": True}
        answer = await http.post("/v1/chat/completions", json=body)
    assert answer.text.count(": keep-alive\n\n") >= 2
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_the_runs_audit_shows_all_of_it(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(TIME, Call("demo__read_note", {"name": "welcome"}))), Turn(text="Done."))
    async with gateway.client() as client:
        raw = await client.chat.completions.with_raw_response.create(model="tiny", messages=HELLO)
    run, calls = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.key_id, run.model, run.outcome, run.rounds, run.calls) == ("agent", "tiny", "ok", 2, 2)
    by_tool = {call.tool: call for call in calls}
    assert (by_tool["current_time"].verdict, by_tool["current_time"].outcome) == ("allow", "ok")
    assert (by_tool["read_note"].verdict, by_tool["read_note"].rule) == ("deny", "all/no-welcome")
    assert {call.round for call in calls} == {1}


@covers(CHAT_SDK, CHAT, "own tools", "gateway tools", "mixed turn")
async def test_the_clients_own_tools_end_the_turn_and_ours_have_run_by_then(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="One moment.", calls=(SUM, Call("ask_user", {"question": "Which?"}))))
    chunks = await streamed(gateway, tools=[CLIENTS_TOOL])
    calls = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or []]
    assert finish_reasons(chunks) == ["tool_calls"]
    assert {call.function.name for call in calls if call.function.name} == {"ask_user"}
    assert {call.index for call in calls} == {0}
    ours_first, *_ = calls
    upstream.add(Turn(text="Thanks: the blue one, and 42."))
    history = [
        *HELLO,
        {
            "role": "assistant",
            "content": text_of(chunks),
            "tool_calls": [
                {
                    "id": ours_first.id,
                    "type": "function",
                    "function": {
                        "name": "ask_user",
                        "arguments": "".join(call.function.arguments or "" for call in calls),
                    },
                }
            ],
        },
        {"role": "tool", "tool_call_id": ours_first.id, "content": "the blue one"},
    ]
    answer = await whole(gateway, messages=history, tools=[CLIENTS_TOOL])
    assert answer.choices[0].message.content == "Thanks: the blue one, and 42."
    sent = upstream.requests[1].body["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]
    assert [call["function"]["name"] for call in sent[1]["tool_calls"]] == ["demo__calculate", "ask_user"]
    assert {message["content"] for message in sent[2:]} == {"42", "the blue one"}
    answered = [message["tool_call_id"] for message in sent[2:]]
    assert sorted(answered) == sorted(call["id"] for call in sent[1]["tool_calls"])


async def test_a_clients_tool_with_the_name_of_one_of_ours_is_refused(
    gateway: InProcess, upstream: ScriptedUpstream
):
    tool = json.loads(json.dumps(CLIENTS_TOOL).replace("ask_user", "demo__calculate"))
    with pytest.raises(openai.BadRequestError) as caught:
        await whole(gateway, tools=[tool])
    assert caught.value.param == "tools[0].function.name"
