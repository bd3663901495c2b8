"""The loop's contract on `/v2/chat`, with Cohere's own SDK in front and models of both dialects behind; and that
upstream behind OpenAI's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cohere
import openai
import pytest
from cohere.errors import BadRequestError, NotFoundError, UnauthorizedError
from cohere.types import ChatMessageV2, ResponseFormatV2, Thinking, ToolV2
from cohere.v2.types.v2chat_stream_response import V2ChatStreamResponse
from pydantic import TypeAdapter, ValidationError

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.covering import ASKED, BY_MODEL, CHAT_SDK, COHERE, COHERE_SDK, covers
from tests.support.gateways import SECRET, InProcess, audited

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
ASK_USER: Any = {
    "type": "function",
    "function": {
        "name": "ask_user",
        "description": "asks",
        "parameters": {"type": "object", "properties": {"question": {"type": "string"}}},
    },
}
PLAIN = "plain-secret-0123456789"
COUNTED = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
FIELDS: Mapping[str, Any] = {
    "messages": TypeAdapter(list[ChatMessageV2]),
    "tools": TypeAdapter(list[ToolV2]),
    "response_format": TypeAdapter(ResponseFormatV2),
    "thinking": TypeAdapter(Thinking),
}
"""What the SDK's types say of a request's fields."""
EVENT: TypeAdapter[Any] = TypeAdapter(V2ChatStreamResponse)


def client(gateway: InProcess, secret: str = SECRET) -> cohere.AsyncClientV2:
    return cohere.AsyncClientV2(api_key=secret, base_url=gateway.origin)


NO_RETRIES: Any = {"max_retries": 0}


async def whole(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    asked = {"messages": HELLO, "request_options": NO_RETRIES, **request}
    async with client(gateway, secret) as sdk:
        return await sdk.chat(model=model, **asked)


async def events(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> list[Any]:
    asked = {"messages": HELLO, "request_options": NO_RETRIES, **request}
    async with client(gateway, secret) as sdk:
        return [event async for event in sdk.chat_stream(model=model, **asked)]


async def streamed(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    """What a stream tells, put together as a whole answer."""
    told = await events(gateway, model, secret, **request)
    for event in told:
        EVENT.validate_python(event.model_dump())
    kinds = [event.type for event in told]
    assert (kinds[0], kinds[-1]) == ("message-start", "message-end")
    assert (kinds.count("message-start"), kinds.count("message-end")) == (1, 1)
    content: list[dict[str, str]] = []
    calls: list[dict[str, Any]] = []
    plan = ""
    for event in told:
        match event.type:
            case "content-start":
                assert event.index == len(content)
                content.append({"type": event.delta.message.content.type, event.delta.message.content.type: ""})
            case "content-delta":
                piece = event.delta.message.content
                content[event.index][content[event.index]["type"]] += piece.text or piece.thinking
            case "tool-plan-delta":
                plan += event.delta.message.tool_plan
            case "tool-call-start":
                assert event.index == len(calls)
                call = event.delta.message.tool_calls
                calls.append({"id": call.id, "type": "function", "function": call.function.model_dump()})
            case "tool-call-delta":
                piece = event.delta.message.tool_calls.function.arguments
                calls[event.index]["function"]["arguments"] += piece
            case _:
                pass
    end = told[-1].delta
    message = {
        "role": "assistant",
        "content": content or None,
        "tool_calls": calls or None,
        "tool_plan": plan or None,
    }
    return cohere.V2ChatResponse.model_validate(
        {"id": told[0].id, "finish_reason": end.finish_reason, "usage": end.usage, "message": message}
    )


ASKS = pytest.mark.parametrize("ask", [whole, streamed])


def text_of(answer: Any) -> str:
    return "".join(part.text for part in answer.message.content or () if part.type == "text")


def results_in(body: Mapping[str, Any]) -> list[str]:
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def check_requests(upstream: ScriptedUpstream) -> None:
    """What Cohere's own types say of the requests to a model that speaks its dialect."""
    for request in upstream.requests:
        if request.body["model"] == "command-z-2026":
            assert request.headers["authorization"] == "Bearer the-operators-own"
            for name, kind in FIELDS.items():
                if name in request.body:
                    kind.validate_python(request.body[name])


def test_the_check_is_strict_enough_to_notice():
    with pytest.raises(ValidationError):
        FIELDS["messages"].validate_python([{"role": "tool", "content": "x"}])


@covers(COHERE_SDK, BY_MODEL, "gateway tools", ASKED)
@ASKS
async def test_several_rounds_make_one_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me look.", calls=(TIME, SUM)), Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await ask(gateway, model)
    assert text_of(answer) == "Let me look.\n\nIt is 42."
    assert (answer.finish_reason, answer.message.tool_calls) == ("COMPLETE", None)
    assert answer.id.startswith("chat-")
    assert results_in(upstream.requests[1].body)[1] == "42"
    check_requests(upstream)


@ASKS
async def test_usage_is_the_sum_over_rounds(gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any):
    upstream.add(Turn(calls=(TIME,), usage=COUNTED), Turn(text="Done.", usage=COUNTED))
    usage = (await ask(gateway, model)).usage
    assert (usage.tokens.input_tokens, usage.tokens.output_tokens) == (20, 10)


@covers(COHERE_SDK, COHERE, "reasoning", ASKED)
@ASKS
async def test_a_plan_is_a_plan_and_goes_back_to_the_model(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(reasoning="I will add.", calls=(SUM,)), Turn(reasoning="Easy.", text="It is 42."))
    answer = await ask(gateway, "command")
    assert text_of(answer) == "It is 42."
    (sent,) = [message for message in upstream.requests[1].body["messages"] if message["role"] == "assistant"]
    assert sent["tool_plan"] == "I will add."
    assert [call["function"]["name"] for call in sent["tool_calls"]] == ["demo__calculate"]
    check_requests(upstream)


@covers(COHERE_SDK, BY_MODEL, "own tools", "gateway tools", "mixed turn", ASKED)
@ASKS
async def test_the_clients_own_tools_end_the_turn_and_ours_are_put_back_when_it_returns(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(reasoning="Hm.", text="One moment.", calls=(SUM, question)), Turn(text="Blue, and 42."))
    first = await ask(gateway, model, tools=[ASK_USER])
    assert first.finish_reason == "TOOL_CALL"
    (call,) = first.message.tool_calls
    assert (call.function.name, call.function.arguments) == ("ask_user", '{"question": "Which?"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "blue"}
    said = {"role": "assistant", "tool_plan": "Hm.", "tool_calls": [call.model_dump()], "content": text_of(first)}
    second = await ask(gateway, model, tools=[ASK_USER], messages=[*HELLO, said, result])
    assert text_of(second) == "Blue, and 42."
    assert sorted(results_in(upstream.requests[1].body)) == ["42", "blue"]
    check_requests(upstream)


@ASKS
async def test_a_forced_choice_holds_for_the_first_round_only(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    await ask(gateway, model, tool_choice="REQUIRED")
    forced = {"command": "REQUIRED", "tiny": "required"}
    assert upstream.requests[0].body["tool_choice"] == forced[model]
    assert "tool_choice" not in upstream.requests[1].body


async def test_a_request_to_which_nothing_is_added_passes_as_it_is(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hello there.", usage=COUNTED), Turn(text="Hello again.", usage=COUNTED))
    documents = [{"id": "a", "data": {"text": "blue"}}]
    answer = await streamed(gateway, "command", PLAIN, documents=documents, safety_mode="OFF", k=3)
    assert text_of(answer) == "Hello there."
    assert answer.usage.billed_units.input_tokens == 10
    body = {"model": "command", "messages": HELLO, "documents": documents, "safety_mode": "OFF", "k": 3}
    assert upstream.requests[0].body == {**body, "model": "command-z-2026", "stream": True}
    async with gateway.http(PLAIN) as http:
        response = await http.post("/v2/chat", json={"model": "command", "messages": HELLO, "stream": True})
    run, _ = await audited(gateway.shared, response.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (10, 5)


async def test_what_only_cohere_has_is_refused_by_name_elsewhere(gateway: InProcess, upstream: ScriptedUpstream):
    with pytest.raises(BadRequestError) as refused:
        await whole(gateway, "tiny", documents=["blue"])
    assert "documents" in refused.value.body["message"]
    assert refused.value.body["id"]


@covers(COHERE_SDK, COHERE, "errors", ASKED)
@ASKS
async def test_an_error_of_the_providers_is_told_in_its_own_words(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(status=400, body=b'{"id": "x", "message": "invalid request: too many documents"}'))
    with pytest.raises(BadRequestError) as refused:
        await ask(gateway, "command")
    assert refused.value.body == {"id": "x", "message": "invalid request: too many documents"}


@pytest.mark.parametrize("secret", [SECRET, PLAIN])
async def test_an_error_within_a_stream_ends_it_as_cohere_does(
    gateway: InProcess, upstream: ScriptedUpstream, secret: str
):
    upstream.add(Turn(text="Hello there, you.", error_after=3))
    told = await events(gateway, "command", secret)
    assert told[-1].type == "message-end" or secret == PLAIN
    (end,) = [event for event in told if event.type == "message-end" and event.delta.finish_reason == "ERROR"]
    assert end.delta.error == "the script says error"


@pytest.mark.parametrize("secret", [SECRET, PLAIN])
async def test_a_cut_stream_ends_with_an_error(gateway: InProcess, upstream: ScriptedUpstream, secret: str):
    upstream.add(Turn(text="Hello there, you.", cut_after=3))
    told = await events(gateway, "command", secret)
    assert told[-1].delta.finish_reason == "ERROR"
    assert "cohere-native" in told[-1].delta.error


async def test_an_answer_that_failed_is_an_error(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hel", finish_reason="TIMEOUT"))
    async with gateway.client() as sdk:
        with pytest.raises(openai.APIStatusError) as refused:
            await sdk.chat.completions.create(model="command", messages=HELLO)
    assert refused.value.status_code == 504


async def test_bad_input_and_unknown_keys_are_told_in_coheres_form(gateway: InProcess, upstream: ScriptedUpstream):
    with pytest.raises(NotFoundError):
        await whole(gateway, "nobody")
    with pytest.raises(UnauthorizedError) as refused:
        await whole(gateway, "command", "wrong-secret-0123456789")
    assert refused.value.body["message"]
    with pytest.raises(BadRequestError) as refused:
        await whole(gateway, "command", max_tokens="many")
    assert "max_tokens" in refused.value.body["message"]


async def test_the_models_are_those_that_chat(gateway: InProcess, upstream: ScriptedUpstream):
    async with gateway.client() as sdk:
        assert {"command", "co/tiny"} <= {model.id async for model in sdk.models.list()}


@covers(CHAT_SDK, COHERE, "gateway tools")
async def test_openais_sdk_reaches_a_model_of_coheres_with_the_loop(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="Hm.", calls=(TIME, SUM)), Turn(text="It is 42.", usage=COUNTED))
    async with (
        gateway.client() as sdk,
        sdk.chat.completions.stream(
            model="command", messages=HELLO, seed=7, top_p=0.5, max_completion_tokens=50, reasoning_effort="low"
        ) as stream,
    ):
        answer = await stream.get_final_completion()
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("It is 42.", "stop")
    assert answer.model == "command-z-2026"
    sent = upstream.requests[0].body
    assert (sent["seed"], sent["p"], sent["max_tokens"]) == (7, 0.5, 50)
    assert sent["thinking"] == {"type": "enabled", "token_budget": 4096}
    assert results_in(upstream.requests[1].body)[1] == "42"
    check_requests(upstream)


async def test_openais_named_choice_shows_the_one_tool(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(SUM,)), Turn(text="42"))
    choice: Any = {"type": "function", "function": {"name": "demo__calculate"}}
    async with gateway.client() as sdk:
        await sdk.chat.completions.create(model="command", messages=HELLO, tool_choice=choice)
    offered = [[tool["function"]["name"] for tool in request.body["tools"]] for request in upstream.requests]
    assert offered[0] == ["demo__calculate"]
    assert len(offered[1]) > 1
    assert upstream.requests[0].body["tool_choice"] == "REQUIRED"
    check_requests(upstream)
