"""The loop's contract on `/v1/responses`, with OpenAI's SDK in front and models of three dialects behind."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.messages_wire import signature_of
from gateway.providers.scripted.responses_wire import proof_of
from tests.support.covering import ASKED, BY_MODEL, RESPONSES, RESPONSES_SDK, covers
from tests.support.gateways import OTHER_SECRET, InProcess, audited

from .asking import (
    ASK_USER,
    HELLO,
    SUM,
    TIME,
    accumulated,
    asked,
    offered,
    results_in,
    said,
    streamed,
    whole,
    without_made_up_ids,
)

ASKS = pytest.mark.parametrize("ask", [whole, accumulated])
PROOFS = {"include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"}}
PATCH: Any = {
    "type": "custom",
    "name": "patch",
    "description": "Takes a patch.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
CRM: Any = {
    "type": "namespace",
    "name": "crm",
    "description": "Customers.",
    "tools": [{"type": "function", "name": "find", "parameters": {"type": "object"}, "strict": False}],
}


@covers(RESPONSES_SDK, BY_MODEL, "gateway tools", ASKED)
@ASKS
async def test_several_rounds_make_one_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me look.", calls=(TIME, SUM)), Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await ask(gateway, model)
    assert answer.output_text == "Let me look.\n\nIt is 42."
    assert (answer.status, answer.id[:5], answer.error) == ("completed", "resp_", None)
    assert [item.type for item in answer.output] == ["message", "message"]
    assert answer.output[-1].content[0].text == "It is 42."
    assert results_in(upstream.requests[1].body)[1] == "42"


@covers(RESPONSES_SDK, BY_MODEL, "streamed", "gateway tools")
async def test_a_stream_has_one_id_and_one_end_and_its_items_follow_each_other(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(reasoning="Hm.", text="Let me look.", calls=(TIME,)), Turn(text="Done.", calls=()))
    events = await streamed(gateway, model)
    kinds = [event.type for event in events]
    assert (kinds[:2], kinds[-1]) == (["response.created", "response.in_progress"], "response.completed")
    assert (kinds.count("response.created"), kinds.count("response.completed")) == (1, 1)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert len({event.response.id for event in events if hasattr(event, "response")}) == 1
    begun = [event.output_index for event in events if event.type == "response.output_item.added"]
    ended = [event.item for event in events if event.type == "response.output_item.done"]
    assert begun == list(range(len(ended)))
    assert [item.to_dict() for item in ended] == [item.to_dict() for item in events[-1].response.output]
    assert "demo__" not in "".join(event.model_dump_json() for event in events)


@covers(RESPONSES_SDK, BY_MODEL, "whole", "streamed", "gateway tools", "reasoning")
@pytest.mark.parametrize("more", [{}, PROOFS, {"tools": [ASK_USER]}])
async def test_a_whole_answer_has_the_items_of_a_streamed_one(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, more: dict[str, Any]
):
    turns = [
        Turn(reasoning="Hm.", text="Let me look.", calls=(TIME,)),
        Turn(reasoning="And then?", calls=(SUM,)),
        Turn(reasoning="So.", text="It is", calls=(Call("ask_user", {}),)),
    ]
    if "tools" not in more:
        turns[-1] = Turn(reasoning="So.", text="It is 42.")
    upstream.add(*turns, *turns)
    answers = (await whole(gateway, model, **more), (await streamed(gateway, model, **more))[-1].response)
    one, other = ([without_made_up_ids(item) for item in said(answer)] for answer in answers)
    assert one == other
    kinds = ["reasoning", "message", "reasoning", "reasoning", "message"]
    assert [item["type"] for item in one] == (kinds if "tools" not in more else [*kinds, "function_call"])


async def test_an_answer_that_is_cut_short_in_its_second_round_has_whole_items_before(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    turns = [Turn(text="Let me look.", calls=(TIME,)), Turn(text="It is", finish_reason="length")]
    upstream.add(*turns, *turns)
    for answer in (await whole(gateway, model), (await streamed(gateway, model))[-1].response):
        assert [item.status for item in answer.output] == ["completed", "incomplete"]


@ASKS
async def test_what_was_said_in_several_rounds_is_known_again(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me look.", calls=(SUM,)), Turn(text="It is 42."), Turn(text="Yes."))
    first = await ask(gateway, model)
    await ask(gateway, model, input=[*HELLO, *said(first), {"role": "user", "content": "Sure?"}])
    assert results_in(upstream.requests[2].body) == ["42"]


async def test_usage_is_the_sum_over_rounds(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    rounds = [
        Turn(calls=(TIME,), usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}),
        Turn(text="Done.", usage={"prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 32}),
    ]
    upstream.add(*rounds, *rounds)
    for ask in (whole, accumulated):
        answer = await ask(gateway, model)
        usage = answer.usage
        assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (40, 7, 47)


async def test_a_forced_choice_holds_for_the_first_round_only(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    answer = await whole(gateway, model, tool_choice="required")
    forced = {"claude": {"type": "any"}, "tiny": "required", "gpt": "required"}
    assert upstream.requests[0].body["tool_choice"] == forced[model]
    assert "tool_choice" not in upstream.requests[1].body
    assert answer.tool_choice == "required"


async def test_max_output_tokens_holds_for_each_model_call(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    await whole(gateway, model, max_output_tokens=50)
    name = {"claude": "max_tokens", "tiny": "max_completion_tokens", "gpt": "max_output_tokens"}[model]
    assert [request.body[name] for request in upstream.requests] == [50, 50]


async def test_limits_end_the_tools_and_the_model_is_told_to_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    turns = [Turn(calls=(TIME,)), Turn(calls=(SUM,)), Turn(text="That is all I have.")]
    upstream.add(*turns, *turns)
    for ask in (whole, accumulated):
        answer = await ask(gateway, model, extra_body={"toolgate": {"limits": {"rounds": 2}}})
        assert (answer.output_text, answer.toolgate["limit"]) == ("That is all I have.", "rounds")
    none = {"claude": {"type": "none"}, "tiny": "none", "gpt": "none"}
    assert upstream.requests[2].body["tool_choice"] == none[model]
    assert "answer now" in results_in(upstream.requests[2].body)[-1]


async def test_an_answer_that_was_cut_short_is_incomplete(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    turn = Turn(text="one two", finish_reason="length")
    upstream.add(turn, turn)
    answer = await whole(gateway, model)
    last = (await streamed(gateway, model))[-1]
    assert last.type == "response.incomplete"
    for response in (answer, last.response):
        assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
        assert response.output[-1].status == "incomplete"


@ASKS
async def test_what_is_wrong_with_a_call_goes_back_to_the_model(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(calls=(Call("demo__fail", {"message": "on purpose"}),)), Turn(text="I see."))
    assert (await ask(gateway, model)).output_text == "I see."
    assert "on purpose" in results_in(upstream.requests[1].body)[0]


@covers(RESPONSES_SDK, BY_MODEL, "own tools", "gateway tools", "mixed turn", ASKED)
@ASKS
async def test_the_clients_own_tools_end_the_turn_and_ours_are_put_back_when_it_returns(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(reasoning="Hm.", text="One moment.", calls=(SUM, question)), Turn(text="Blue, and 42."))
    first = await ask(gateway, model, tools=[ASK_USER], **PROOFS)
    assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
    call = first.output[-1]
    assert (call.name, call.arguments) in (
        ("ask_user", '{"question": "Which?"}'),
        ("ask_user", '{"question":"Which?"}'),
    )
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "the blue one"}
    history = [*HELLO, *said(first), result]
    second = await ask(gateway, model, input=history, tools=[ASK_USER], **PROOFS)
    assert second.output_text == "Blue, and 42."
    body = upstream.requests[1].body
    assert results_in(body) == ["42", "the blue one"]
    if model == "gpt":
        kinds = [item.get("type") for item in body["input"][1:]]
        assert kinds == ["reasoning", "message", *["function_call"] * 2, *["function_call_output"] * 2]
        assert body["input"][1]["encrypted_content"] == proof_of("Hm.")
    elif model == "claude":
        assert body["messages"][1]["content"][0]["signature"] == signature_of("Hm.")
    else:
        assert body["messages"][1]["reasoning_content"] == "Hm."


@covers(RESPONSES_SDK, RESPONSES, "reasoning")
async def test_thoughts_are_replayed_with_their_proof_through_our_own_loop(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="First I add.", calls=(SUM,)), Turn(reasoning="Now I know.", text="42."))
    answer = await accumulated(gateway, "gpt", **PROOFS)
    replayed = upstream.requests[1].body["input"][1]
    assert replayed["summary"] == [{"type": "summary_text", "text": "First I add."}]
    assert replayed["encrypted_content"] == proof_of("First I add.")
    thoughts = [item for item in answer.output if item.type == "reasoning"]
    assert [item.summary[0].text for item in thoughts] == ["First I add.", "Now I know."]
    assert thoughts[0].encrypted_content == proof_of("First I add.")


@ASKS
async def test_a_client_that_did_not_ask_for_proofs_gets_none(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(reasoning="Hm.", text="Yes."))
    answer = await ask(gateway, "gpt", reasoning={"effort": "low"})
    assert upstream.requests[0].body["include"] == ["reasoning.encrypted_content"]
    assert answer.output[0].encrypted_content is None


@pytest.mark.parametrize("asked_for", ["gpt", "claude", "tiny"])
async def test_thoughts_of_one_family_are_never_shown_to_another_as_its_own(
    gateway: InProcess, upstream: ScriptedUpstream, asked_for: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(reasoning="Now I know.", text="42."), Turn(text="Yes."))
    first = await accumulated(gateway, asked_for)
    assert [item.type for item in first.output] == ["reasoning", "message"]
    history = [*HELLO, *said(first), {"role": "user", "content": "Sure?"}]
    await whole(gateway, "gpt", "plain-secret-0123456789", input=history)
    assert "toolgate:" not in upstream.requests[2].raw.decode()
    assert [item.get("role") for item in upstream.requests[2].body["input"]] == ["user", "assistant", "user"]


@ASKS
async def test_a_custom_tool_is_a_function_to_models_that_know_no_other_and_a_text_to_the_client(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    text = '*** Begin "Patch"\n+ é \\ 😀'
    argument: Any = text if model == "gpt" else {"input": text}
    upstream.add(Turn(calls=(SUM, Call("patch", argument))), Turn(text="Done."))
    first = await ask(gateway, model, tools=[PATCH])
    (call,) = first.output
    assert (call.type, call.name, call.input) == ("custom_tool_call", "patch", text)
    result = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "applied"}
    second = await ask(gateway, model, input=[*HELLO, *said(first), result], tools=[PATCH])
    assert second.output_text == "Done."
    asked_tools, body = upstream.requests[0].body["tools"], upstream.requests[1].body
    assert results_in(body) == ["42", "applied"]
    if model == "gpt":
        assert asked_tools[0] == PATCH
        assert [item["input"] for item in body["input"] if item.get("type") == "custom_tool_call"] == [text]
    elif model == "tiny":
        described = asked_tools[0]["function"]["parameters"]["properties"]["input"]
        assert "lark grammar:\nstart: /.+/" in described["description"]


@ASKS
async def test_a_namespace_is_flattened_for_models_that_know_none_and_is_there_for_the_client(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(calls=(SUM, Call("crm__find", {"name": "x"}))), Turn(text="Done."))
    first = await ask(gateway, model, tools=[CRM])
    (call,) = first.output
    assert (call.type, call.namespace, call.name) == ("function_call", "crm", "find")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "found"}
    await ask(gateway, model, input=[*HELLO, *said(first), result], tools=[CRM])
    assert results_in(upstream.requests[1].body) == ["42", "found"]
    if model == "gpt":
        assert upstream.requests[0].body["tools"][0] == CRM
        back = [item for item in upstream.requests[1].body["input"] if item.get("namespace")]
        assert [(item["namespace"], item["name"]) for item in back] == [("crm", "find")]
    else:
        assert "crm__find" in offered(upstream)


async def test_tools_within_the_input_are_the_clients_own(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM, Call("ask_user", {"question": "Which?"}))))
    brought = {"type": "additional_tools", "role": "developer", "tools": [ASK_USER]}
    answer = await whole(gateway, model, input=[*HELLO, brought])
    assert [item.name for item in answer.output] == ["ask_user"]
    if model == "gpt":
        assert brought in upstream.requests[0].body["input"]
        assert "ask_user" not in offered(upstream)
    else:
        assert "ask_user" in offered(upstream)


@ASKS
async def test_calls_that_only_openai_knows_reach_the_client_that_runs_them(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(calls=(SUM, Call("local_shell", "ls"))), Turn(text="Done."))
    tools: Any = [{"type": "local_shell"}]
    first = await ask(gateway, "gpt", tools=tools)
    (call,) = first.output
    assert (call.type, call.action.command) == ("local_shell_call", ["sh", "-c", "ls"])
    result = {"type": "local_shell_call_output", "id": call.call_id, "output": "a b"}
    await ask(gateway, "gpt", input=[*HELLO, *said(first), result], tools=tools)
    kinds = [item["type"] for item in upstream.requests[1].body["input"][1:]]
    assert kinds == ["function_call", "local_shell_call", "function_call_output", "local_shell_call_output"]


@covers(RESPONSES_SDK, BY_MODEL, "own tools", ASKED)
@ASKS
async def test_parallel_calls_to_the_clients_tools_all_arrive(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    calls = tuple(Call("ask_user", {"question": f"Which of {number}?"}) for number in range(3))
    upstream.add(Turn(text="Well:", calls=calls))
    answer = await ask(gateway, model, tools=[ASK_USER])
    assert [f"Which of {n}?" in item.arguments for n, item in enumerate(answer.output[1:])] == [True] * 3
    assert len({item.call_id for item in answer.output[1:]}) == 3


async def test_a_tool_that_a_key_may_not_use_is_not_offered(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    answer = await whole(gateway, "tiny", OTHER_SECRET)
    assert "demo__read_note" in offered(upstream)
    assert "demo__write_note" not in offered(upstream)
    assert answer.tools == []


async def test_a_clients_tool_with_the_name_of_one_of_ours_is_refused(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    with pytest.raises(openai.BadRequestError, match=r"tools\[0\]\.name"):
        await whole(gateway, model, tools=[{**ASK_USER, "name": "demo__calculate"}])
    assert upstream.requests == []


async def test_a_silent_stream_is_kept_alive_by_events_that_say_nothing(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    turns = [Turn(calls=(Call("demo__slow", {"seconds": 2.5}),)), Turn(text="Done.")]
    upstream.add(*turns)
    kinds = [event.type for event in await streamed(gateway, model)]
    assert kinds.count("response.in_progress") >= 3
    assert kinds[-1] == "response.completed"


async def test_progress_is_told_in_events_that_the_sdk_leaves_out(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    turns = [Turn(calls=(Call("demo__slow", {"seconds": 0, "steps": 2}),)), Turn(text="Done.")]
    upstream.add(*turns, *turns)
    request = {"toolgate": {"events": True}}
    assert (await accumulated(gateway, model, extra_body=request)).output_text == "Done."
    told = [event for event in await streamed(gateway, model, extra_body=request) if hasattr(event, "toolgate")]
    assert "tool_call_ended" in [event.toolgate["event"] for event in told]


@covers(RESPONSES_SDK, BY_MODEL, "structured output")
async def test_under_a_form_of_the_answer_only_the_last_rounds_text_leaves(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    turns = [Turn(text="{thinking", calls=(TIME,)), Turn(text='{"a": 1}')]
    upstream.add(*turns, *turns)
    form = {"text": {"format": {"type": "json_schema", "name": "a", "schema": schema}}}
    for ask in (whole, accumulated):
        assert (await ask(gateway, model, extra_body=form)).output_text == '{"a": 1}'
    body = upstream.requests[0].body
    sent = {
        "gpt": lambda: body["text"]["format"],
        "claude": lambda: body["output_config"]["format"],
        "tiny": lambda: body["response_format"]["json_schema"],
    }[model]()
    assert sent["schema"] == schema


async def test_a_retry_of_the_sdk_joins_the_run_whose_answer_was_lost(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(status=503), Turn(text="Done."))
    async with gateway.client(max_retries=1) as sdk:
        raw = await sdk.responses.with_raw_response.create(**asked(model))
    assert (raw.parse()).output_text == "Done."
    run, calls = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.dialect, [call.tool for call in calls]) == ("openai_responses", ["calculate"])


async def test_a_route_falls_back_to_a_provider_of_another_dialect_in_the_middle_of_a_run(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="Hm.", calls=(SUM,)), Turn(status=503), Turn(text="Hi."))
    assert (await whole(gateway, "either")).output_text == "Hi."
    assert [request.body["model"] for request in upstream.requests] == ["gpt-9", "gpt-9", "tiny"]
    assert results_in(upstream.requests[2].body) == ["42"]


async def test_what_the_run_did_is_told_to_those_who_ask(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="42."), Turn(calls=(SUM,)), Turn(text="42."))
    for ask in (whole, accumulated):
        answer: Any = await ask(gateway, model, extra_body={"toolgate": {}})
        assert [call["tool"] for call in answer.toolgate["tool_calls"]] == ["calculate"]
        assert answer.id.removeprefix("resp_") in answer.toolgate["run_id"]
