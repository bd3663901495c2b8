"""The loop's contract on `/api/chat`, with Ollama's own client in front and models of both dialects behind; and
that upstream behind OpenAI's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ollama
import openai
import pytest
from ollama._types import ChatRequest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.covering import ASKED, BY_MODEL, CHAT_SDK, OLLAMA, OLLAMA_SDK, covers
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


def client(gateway: InProcess, secret: str = SECRET) -> ollama.AsyncClient:
    return ollama.AsyncClient(host=gateway.origin, headers={"Authorization": f"Bearer {secret}"})


async def whole(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    async with client(gateway, secret) as sdk:
        return await sdk.chat(model, **{"messages": HELLO, "stream": False, **request})


async def chunks(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> list[Any]:
    async with client(gateway, secret) as sdk:
        stream = await sdk.chat(model, **{"messages": HELLO, **request}, stream=True)
        return [chunk async for chunk in stream]


async def streamed(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    """What a stream tells, put together; the last line has all that is not in the message."""
    told = await chunks(gateway, model, secret, **request)
    assert [chunk.done for chunk in told] == [False] * (len(told) - 1) + [True]
    last = told[-1]
    last.message.content = "".join(chunk.message.content or "" for chunk in told)
    last.message.thinking = "".join(chunk.message.thinking or "" for chunk in told) or None
    calls = [call for chunk in told for call in chunk.message.tool_calls or ()]
    last.message.tool_calls = calls or None
    return last


ASKS = pytest.mark.parametrize("ask", [whole, streamed])


def results_in(body: Mapping[str, Any]) -> list[str]:
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def check_requests(upstream: ScriptedUpstream) -> None:
    """What Ollama's own types say of the requests to a model that speaks its dialect."""
    for request in upstream.requests:
        if request.body["model"] == "llama4:8b":
            ChatRequest.model_validate(request.body)
            assert isinstance(request.body["stream"], bool)


@covers(OLLAMA_SDK, BY_MODEL, "gateway tools", ASKED)
@ASKS
async def test_several_rounds_make_one_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me look.", calls=(TIME, SUM)), Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await ask(gateway, model)
    assert answer.message.content == "Let me look.\n\nIt is 42."
    assert (answer.done, answer.done_reason, answer.message.tool_calls) == (True, "stop", None)
    assert answer.model
    assert results_in(upstream.requests[1].body)[1] == "42"
    check_requests(upstream)


@ASKS
async def test_usage_is_the_sum_over_rounds(gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any):
    upstream.add(Turn(calls=(TIME,), usage=COUNTED), Turn(text="Done.", usage=COUNTED))
    answer = await ask(gateway, model)
    assert (answer.prompt_eval_count, answer.eval_count) == (20, 10)


@covers(OLLAMA_SDK, BY_MODEL, "own tools", ASKED)
@ASKS
async def test_the_clients_own_tools_end_the_turn_and_its_results_are_understood(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(reasoning="Hm.", text="One moment.", calls=(question, question)), Turn(text="Blue."))
    first = await ask(gateway, model, tools=[ASK_USER])
    assert first.message.thinking == "Hm."
    calls = first.message.tool_calls
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("ask_user", {"question": "Which?"})
    ] * 2
    results = [{"role": "tool", "tool_name": "ask_user", "content": text} for text in ("blue", "green")]
    second = await ask(gateway, model, tools=[ASK_USER], messages=[*HELLO, first.message, *results])
    assert second.message.content == "Blue."
    sent = upstream.requests[1].body["messages"]
    assert results_in(upstream.requests[1].body) == ["blue", "green"]
    if model == "tiny":
        asked_for = [call["id"] for message in sent for call in message.get("tool_calls", ())]
        assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == asked_for
        assert len(set(asked_for)) == 2
    check_requests(upstream)


@ASKS
async def test_what_ours_did_is_put_back_although_the_client_keeps_no_ids(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(text="One moment.", calls=(SUM, question, question)), Turn(text="Blue, and 42."))
    first = await ask(gateway, model, tools=[ASK_USER])
    assert [call.function.name for call in first.message.tool_calls] == ["ask_user", "ask_user"]
    results = [{"role": "tool", "tool_name": "ask_user", "content": text} for text in ("blue", "green")]
    second = await ask(gateway, model, tools=[ASK_USER], messages=[*HELLO, first.message, *results])
    assert second.message.content == "Blue, and 42."
    sent = upstream.requests[1].body["messages"]
    assert results_in(upstream.requests[1].body) == ["42", "blue", "green"]
    (turn,) = [message for message in sent if message["role"] == "assistant"]
    assert [call["function"]["name"] for call in turn["tool_calls"]] == [SUM.name, "ask_user", "ask_user"]
    if model == "tiny":
        answered = [message["tool_call_id"] for message in sent if message["role"] == "tool"]
        assert answered == [call["id"] for call in turn["tool_calls"]]


@ASKS
async def test_what_is_wrong_with_a_call_goes_back_to_the_model(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(calls=(Call("demo__fail", {"message": "on purpose"}),)), Turn(text="I see."))
    assert (await ask(gateway, model)).message.content == "I see."
    assert "on purpose" in results_in(upstream.requests[1].body)[0]


async def test_at_its_limits_the_model_is_shown_no_tools_any_more(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(
        Turn(calls=(TIME,)), Turn(calls=(SUM,)), Turn(calls=(SUM,)), Turn(calls=(SUM,)), Turn(text="Well.")
    )
    answer = await whole(gateway, "llama")
    assert answer.message.content == "Well."
    offered = [bool(request.body["tools"]) for request in upstream.requests]
    assert offered == [True, True, True, True, False]


async def test_a_request_to_which_nothing_is_added_passes_as_it_is(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hello there.", usage=COUNTED), Turn(text="Hello again.", usage=COUNTED))
    options = {"num_ctx": 8192, "num_predict": 50}
    answer = await streamed(gateway, "llama", PLAIN, options=options, keep_alive="10m", think=False)
    assert (answer.message.content, answer.eval_count) == ("Hello there.", 5)
    assert answer.total_duration == 5_000_000
    sent = upstream.requests[0].body
    assert sent == {
        "model": "llama4:8b",
        "messages": HELLO,
        "tools": [],
        "stream": True,
        "options": options,
        "keep_alive": "10m",
        "think": False,
    }
    async with gateway.http(PLAIN) as http:
        response = await http.post("/api/chat", json={"model": "llama", "messages": HELLO})
    assert response.headers["content-type"] == "application/x-ndjson"
    run, _ = await audited(gateway.shared, response.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (10, 5)


@covers(OLLAMA_SDK, OLLAMA, "errors", ASKED)
@ASKS
async def test_an_error_of_the_providers_is_told_in_its_own_words(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    body = b'{"error": "registry.example/llama4:8b does not support thinking"}'
    upstream.add(Turn(status=400, body=body))
    with pytest.raises(ollama.ResponseError, match="does not support thinking") as refused:
        await ask(gateway, "llama", think=True)
    assert refused.value.status_code == 400


@pytest.mark.parametrize(
    ("secret", "fault"),
    [(SECRET, {"error_after": 1}), (PLAIN, {"error_after": 1}), (SECRET, {"malformed_after": 1})],
)
async def test_an_error_within_a_stream_is_its_last_line(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, secret: str, fault: dict[str, int]
):
    upstream.add(Turn(text="Hello there, you.", **fault))
    with pytest.raises(ollama.ResponseError):
        await chunks(gateway, model, secret)


async def test_a_cut_stream_that_passes_through_ends_in_an_error_line(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hello there, you.", cut_after=2))
    with pytest.raises(ollama.ResponseError, match="ollama-native"):
        await chunks(gateway, "llama", PLAIN)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"model": "nobody"}, "nobody"),
        ({"messages": []}, "messages"),
        ({"options": {"num_predict": "x"}}, "num_predict"),
    ],
)
async def test_bad_input_is_told_in_ollamas_form(
    gateway: InProcess, upstream: ScriptedUpstream, fields: dict[str, Any], told: str
):
    async with gateway.http() as http:
        response = await http.post("/api/chat", json={"model": "llama", "messages": HELLO, **fields})
    assert 400 <= response.status_code < 500
    assert told in response.json()["error"]
    async with gateway.http("wrong-secret-0123456789") as http:
        refused = await http.post("/api/chat", json={"model": "llama", "messages": HELLO})
    assert refused.status_code == 401
    assert isinstance(refused.json()["error"], str)


async def test_the_models_are_listed_as_ollama_lists_them(gateway: InProcess, upstream: ScriptedUpstream):
    async with client(gateway) as sdk:
        listed = await sdk.list()
    assert {"llama", "tiny", "local/tiny"} <= {model.model for model in listed.models}


@covers(CHAT_SDK, OLLAMA, "gateway tools")
async def test_openais_sdk_reaches_a_model_of_ollamas_with_the_loop(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="Hm.", calls=(TIME, SUM)), Turn(text="It is 42.", usage=COUNTED))
    async with (
        gateway.client() as openai,
        openai.chat.completions.stream(
            model="llama", messages=HELLO, seed=7, max_completion_tokens=50, reasoning_effort="low"
        ) as stream,
    ):
        answer = await stream.get_final_completion()
    assert answer.choices[0].message.content == "It is 42."
    assert answer.choices[0].finish_reason == "stop"
    assert upstream.requests[0].body["options"] == {"seed": 7, "num_predict": 50}
    assert upstream.requests[0].body["think"] == "low"
    assert results_in(upstream.requests[1].body)[1] == "42"
    assert [message.get("tool_name") for message in upstream.requests[1].body["messages"]][-2:] == [
        "demo__current_time",
        "demo__calculate",
    ]
    check_requests(upstream)


@covers(CHAT_SDK, OLLAMA, "errors")
async def test_openais_sdk_is_told_an_error_of_ollamas_in_its_own_form(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(status=404, body=b'{"error": "model \'llama4:8b\' not found"}'))
    async with gateway.client() as sdk:
        with pytest.raises(openai.NotFoundError, match="not found"):
            await sdk.chat.completions.create(model="llama", messages=HELLO)
