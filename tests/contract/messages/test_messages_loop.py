"""The loop's contract on `/v1/messages`, with Anthropic's SDK in front and models of both dialects behind."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.messages_wire import signature_of
from tests.support.covering import ANTHROPIC_SDK, ASKED, BY_MODEL, MESSAGES, covers
from tests.support.gateways import OTHER_SECRET, InProcess, audited

from .asking import (
    ASK_USER,
    HELLO,
    SUM,
    TIME,
    accumulated,
    asked,
    client,
    offered,
    results_in,
    streamed,
    text_of,
    whole,
)

ASKS = pytest.mark.parametrize("ask", [whole, accumulated])


@covers(ANTHROPIC_SDK, BY_MODEL, "gateway tools", ASKED)
@ASKS
async def test_several_rounds_make_one_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me look.", calls=(TIME, SUM)), Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await ask(gateway, model)
    assert text_of(answer) == "Let me look.\n\nIt is 42."
    assert answer.stop_reason == "end_turn"
    assert answer.id.startswith("msg_")
    assert {block.type for block in answer.content} == {"text"}
    assert results_in(upstream.requests[1].body)[1] == "42"


@covers(ANTHROPIC_SDK, BY_MODEL, "streamed", "gateway tools", "reasoning")
async def test_a_stream_has_one_start_and_one_end_and_its_blocks_follow_each_other(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(reasoning="Hm.", text="Let me look.", calls=(TIME,)), Turn(text="Done.", calls=()))
    events = await streamed(gateway, model)
    kinds = [event.type for event in events]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    assert (kinds.count("message_start"), kinds.count("message_stop")) == (1, 1)
    opened: list[int] = []
    for event in events:
        if event.type == "content_block_start":
            assert event.index == len(opened)
            opened.append(event.index)
        elif event.type in ("content_block_delta", "content_block_stop"):
            assert event.index == opened[-1]
    assert "demo__" not in "".join(event.model_dump_json() for event in events)


@covers(ANTHROPIC_SDK, BY_MODEL, "whole", "streamed", "gateway tools", "reasoning")
@pytest.mark.parametrize("tools", [[], [ASK_USER]], ids=["alone", "with the client's"])
async def test_a_whole_answer_has_the_blocks_of_a_streamed_one(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, tools: list[Any]
):
    calls = (Call("ask_user", {}, id="toolu_1"),) if tools else ()
    turns = [
        Turn(reasoning="Hm.", text="Let me look.", calls=(TIME,)),
        Turn(reasoning="And then?", calls=(SUM,)),
        Turn(text="So:", calls=(SUM,)),
        Turn(reasoning="There.", text="It is 42.", calls=calls),
    ]
    upstream.add(*turns, *turns)
    one, other = [
        [block.to_dict() for block in (await ask(gateway, model, tools=tools)).content]
        for ask in (whole, accumulated)
    ]
    assert one == other
    assert "".join(block.get("text", "") for block in one) == "Let me look.\n\nSo:\n\nIt is 42."


async def test_usage_is_that_of_the_last_round_and_the_sum_is_told_to_those_who_ask(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    rounds = [
        Turn(calls=(TIME,), usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}),
        Turn(text="Done.", usage={"prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 32}),
    ]
    upstream.add(*rounds, *rounds)
    answers = [
        await whole(gateway, model, extra_body={"toolgate": {}}),
        await accumulated(gateway, model, extra_body={"toolgate": {}}),
    ]
    for answer in answers:
        assert (answer.usage.input_tokens, answer.usage.output_tokens) == (30, 2)
    assert answers[0].toolgate["usage"]["input_tokens"] == 40
    assert answers[0].toolgate["usage"]["output_tokens"] == 7


async def test_a_forced_choice_holds_for_the_first_round_only(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    await whole(gateway, model, tool_choice={"type": "any"})
    forced = {"claude": {"type": "any"}, "tiny": "required"}
    assert upstream.requests[0].body["tool_choice"] == forced[model]
    assert "tool_choice" not in upstream.requests[1].body


async def test_max_tokens_holds_for_each_model_call(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    await whole(gateway, model, max_tokens=50)
    name = {"claude": "max_tokens", "tiny": "max_completion_tokens"}[model]
    assert [request.body[name] for request in upstream.requests] == [50, 50]


async def test_limits_end_the_tools_and_the_model_is_told_to_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(TIME,)), Turn(calls=(SUM,)), Turn(text="That is all I have."))
    answer = await whole(gateway, model, extra_body={"toolgate": {"limits": {"rounds": 2}}})
    assert (text_of(answer), answer.toolgate["limit"]) == ("That is all I have.", "rounds")
    none = {"claude": {"type": "none"}, "tiny": "none"}
    assert upstream.requests[2].body["tool_choice"] == none[model]
    assert "answer now" in results_in(upstream.requests[2].body)[-1]


@ASKS
async def test_what_is_wrong_with_a_call_goes_back_to_the_model(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(calls=(Call("demo__fail", {"message": "on purpose"}),)), Turn(text="I see."))
    assert text_of(await ask(gateway, model)) == "I see."
    assert "on purpose" in results_in(upstream.requests[1].body)[0]
    if model == "claude":
        (result,) = upstream.requests[1].body["messages"][-1]["content"]
        assert result["is_error"] is True


@covers(ANTHROPIC_SDK, BY_MODEL, "own tools", "gateway tools", "mixed turn", ASKED)
@ASKS
async def test_the_clients_own_tools_end_the_turn_and_ours_are_put_back_when_it_returns(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(reasoning="Hm.", text="One moment.", calls=(SUM, question)), Turn(text="Blue, and 42."))
    first = await ask(gateway, model, tools=[ASK_USER])
    assert first.stop_reason == "tool_use"
    (call,) = [block for block in first.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("ask_user", {"question": "Which?"})
    history = [
        *HELLO,
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "the blue one"}]},
    ]
    second = await ask(gateway, model, messages=history, tools=[ASK_USER])
    assert text_of(second) == "Blue, and 42."
    sent = upstream.requests[1].body["messages"]
    assert results_in(upstream.requests[1].body) == ["42", "the blue one"]
    if model == "claude":
        assert [message["role"] for message in sent] == ["user", "assistant", "user"]
        assert [block["type"] for block in sent[1]["content"]] == ["thinking", "text", "tool_use", "tool_use"]
        assert sent[1]["content"][0]["signature"] == signature_of("Hm.")
    else:
        assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]
        assert sent[1]["reasoning_content"] == "Hm."


@covers(ANTHROPIC_SDK, MESSAGES, "reasoning")
async def test_thoughts_are_replayed_with_their_proof_through_our_own_loop(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="First I add.", calls=(SUM,)), Turn(reasoning="Now I know.", text="42."))
    answer = await accumulated(gateway, "claude")
    (replayed,) = [message for message in upstream.requests[1].body["messages"] if message["role"] == "assistant"]
    thought = {"type": "thinking", "thinking": "First I add.", "signature": signature_of("First I add.")}
    assert replayed["content"][0] == thought
    thoughts = [block for block in answer.content if block.type == "thinking"]
    assert "".join(block.thinking for block in thoughts) == "First I add.Now I know."
    assert thoughts[0].signature == signature_of("First I add.")


async def test_thoughts_behind_calls_that_the_client_does_not_know_are_not_sent_on_when_they_come_back(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(reasoning="Now I know.", text="42."), Turn(text="Yes."))
    first = await accumulated(gateway, model)
    assert [block.type for block in first.content] == ["thinking", "text"]
    history = [
        *HELLO,
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": "Sure?"},
    ]
    await whole(gateway, model, "plain-secret-0123456789", messages=history)
    (sent,) = [message for message in upstream.requests[2].body["messages"] if message["role"] == "assistant"]
    assert "toolgate:unproven" not in upstream.requests[2].raw.decode()
    if model == "claude":
        assert sent["content"] == [{"type": "text", "text": "42."}]
    else:
        assert (sent["content"], sent["reasoning_content"]) == ("42.", "Now I know.")


@covers(ANTHROPIC_SDK, BY_MODEL, "own tools", ASKED)
@ASKS
async def test_parallel_calls_to_the_clients_tools_all_arrive(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    calls = tuple(Call("ask_user", {"question": f"Which of {number}?"}) for number in range(3))
    upstream.add(Turn(text="Well:", calls=calls))
    answer = await ask(gateway, model, tools=[ASK_USER])
    assert [block.input["question"] for block in answer.content[1:]] == [f"Which of {n}?" for n in range(3)]
    assert len({block.id for block in answer.content[1:]}) == 3


async def test_a_tool_that_a_key_may_not_use_is_not_offered(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "tiny", OTHER_SECRET)
    assert "demo__read_note" in offered(upstream)
    assert "demo__write_note" not in offered(upstream)


async def test_a_clients_tool_with_the_name_of_one_of_ours_is_refused(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    with pytest.raises(anthropic.BadRequestError, match=r"tools\[0\]\.name"):
        await whole(gateway, model, tools=[{**ASK_USER, "name": "demo__calculate"}])
    assert upstream.requests == []


async def test_a_silent_stream_is_kept_alive_by_pings(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    upstream.add(Turn(calls=(Call("demo__slow", {"seconds": 2.5}),)), Turn(text="Done."))
    async with gateway.http() as http:
        answer = await http.post("/v1/messages", json=asked(model, stream=True))
    assert answer.text.count('event: ping\ndata: {"type":"ping"}\n\n') >= 2
    assert answer.text.endswith('event: message_stop\ndata: {"type":"message_stop"}\n\n')


async def test_progress_is_told_in_pings_that_the_sdk_leaves_out(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    turns = [Turn(calls=(Call("demo__slow", {"seconds": 0, "steps": 2}),)), Turn(text="Done.")]
    upstream.add(*turns, *turns)
    request = {"toolgate": {"events": True}}
    assert text_of(await accumulated(gateway, model, extra_body=request)) == "Done."
    async with gateway.http() as http:
        answer = await http.post("/v1/messages", json=asked(model, stream=True, **request))
    assert '"event":"tool_call_ended"' in answer.text


@covers(ANTHROPIC_SDK, BY_MODEL, "structured output", "whole", "streamed")
async def test_under_a_form_of_the_answer_only_the_last_rounds_text_leaves(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    turns = [Turn(text="{thinking", calls=(TIME,)), Turn(text='{"a": 1}')]
    upstream.add(*turns, *turns)
    form = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    for ask in (whole, accumulated):
        assert text_of(await ask(gateway, model, extra_body=form)) == '{"a": 1}'
    body = upstream.requests[0].body
    sent = body["output_config"]["format"] if model == "claude" else body["response_format"]["json_schema"]
    assert sent["schema"] == schema


async def test_a_retry_of_the_sdk_joins_the_run_whose_answer_was_lost(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(status=503), Turn(text="Done."))
    async with client(gateway, max_retries=1) as sdk:
        raw = await sdk.messages.with_raw_response.create(**asked(model))
    assert text_of(await raw.parse()) == "Done."
    assert raw.headers["request-id"]
    run, calls = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.dialect, [call.tool for call in calls]) == ("anthropic_messages", ["calculate"])


async def test_a_route_falls_back_to_a_provider_of_another_dialect(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(status=529), Turn(text="Hi."))
    assert text_of(await whole(gateway, "either")) == "Hi."
    first, second = (request.body for request in upstream.requests)
    assert (first["model"], second["model"]) == ("claude-opus-9", "tiny")
