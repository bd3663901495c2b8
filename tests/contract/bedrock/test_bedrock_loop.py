"""The loop's contract on `/model/{modelId}/converse`, with Amazon's SDK in front and models of several dialects
behind; and models on Bedrock behind the SDKs of OpenAI and Anthropic.
"""

from __future__ import annotations

import json
from typing import Any

import anthropic
import anyio
import openai
import pytest
from botocore.exceptions import ClientError, EventStreamError

from gateway.providers.scripted import Call, ScriptedUpstream, Turn, converse_wire
from gateway.providers.scripted.messages_wire import signature_of
from tests.contract.bedrock.asking import (
    ASK_USER,
    HELLO,
    SUM,
    TIME,
    calls_of,
    check_requests,
    events,
    results_in,
    streamed,
    text_of,
    whole,
)
from tests.support.amazon import parse_stream
from tests.support.covering import ANTHROPIC_SDK, ASKED, BOTO3, CHAT, CHAT_SDK, CONVERSE, MESSAGES, STREAM, covers
from tests.support.gateways import SECRET, InProcess, audited

PLAIN = "plain-secret-0123456789"
SAID: list[Any] = [{"role": "user", "content": "hello"}]
COUNTED = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ASKS = pytest.mark.parametrize("ask", [whole, streamed])
SERVED = {"claude": CONVERSE, "invoked": MESSAGES, "tiny": CHAT}
FROM_BEDROCK = pytest.mark.parametrize("behind", ["claude", "invoked"])


@covers(BOTO3, SERVED, "gateway tools", ASKED)
@ASKS
async def test_several_rounds_make_one_answer(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    upstream.add(Turn(text="Let me look.", calls=(TIME, SUM)), Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await ask(gateway, model)
    assert text_of(answer) == "Let me look.\n\nIt is 42."
    assert (answer["stopReason"], calls_of(answer)) == ("end_turn", [])
    assert results_in(upstream.requests[1].body)[1] == "42"
    check_requests(upstream)


@ASKS
async def test_usage_is_the_sum_over_rounds(gateway: InProcess, upstream: ScriptedUpstream, ask: Any):
    upstream.add(Turn(calls=(TIME,), usage=COUNTED), Turn(text="Done.", usage=COUNTED))
    answer = await ask(gateway, "claude")
    assert answer["usage"] == {"inputTokens": 20, "outputTokens": 10, "totalTokens": 30}


@covers(BOTO3, SERVED, "own tools", ASKED)
@ASKS
async def test_the_clients_own_tools_end_the_turn_and_its_results_are_understood(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, ask: Any
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(text="One moment.", calls=(question, question)), Turn(text="Blue."))
    tools = {"toolConfig": {"tools": [ASK_USER]}}
    first = await ask(gateway, model, **tools)
    calls = calls_of(first)
    assert first["stopReason"] == "tool_use"
    assert [call["name"] for call in calls] == ["ask_user"] * 2
    given = calls[0]["input"]
    assert (json.loads(given) if isinstance(given, str) else given) == {"question": "Which?"}
    said = [
        {**block, "toolUse": {**block["toolUse"], "input": {}}} if "toolUse" in block else block
        for block in first["output"]["message"]["content"]
    ]
    results = [
        {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": text}]}}
        for call, text in zip(calls, ("blue", "green"), strict=True)
    ]
    history = [*HELLO, {"role": "assistant", "content": said}, {"role": "user", "content": results}]
    second = await ask(gateway, model, messages=history, **tools)
    assert text_of(second) == "Blue."
    assert results_in(upstream.requests[1].body) == ["blue", "green"]
    check_requests(upstream)


async def test_at_its_limits_the_model_keeps_its_tools_because_the_history_needs_them_and_is_told_to_call_none(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(TIME,)), *[Turn(calls=(SUM,))] * 3, Turn(text="Well."))
    answer = await whole(gateway, "claude")
    assert text_of(answer) == "Well."
    last = upstream.requests[-1].body
    assert {TIME.name, SUM.name} <= {tool["toolSpec"]["name"] for tool in last["toolConfig"]["tools"]}
    assert "toolChoice" not in last["toolConfig"]
    assert "without calling" in last["system"][-1]["text"]
    check_requests(upstream)


async def test_a_choice_that_forces_a_call_holds_for_the_first_round_only(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(TIME,)), Turn(text="Done."))
    await whole(gateway, "claude", toolConfig={"tools": [ASK_USER], "toolChoice": {"any": {}}})
    first, second = (request.body["toolConfig"] for request in upstream.requests)
    assert first["toolChoice"] == {"any": {}}
    assert "toolChoice" not in second


async def test_a_retry_by_amazons_sdk_joins_the_run_whose_answer_was_lost(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    told: list[Any] = []
    for attempt in ("attempt=1; max=3", "attempt=2; max=3"):
        async with gateway.http() as http:
            headers = {"amz-sdk-request": attempt, "x-amz-security-token": "the client's own"}
            answer = await http.post("/model/claude/converse", json={"messages": HELLO}, headers=headers)
            told.append(answer.json())
    assert told[0] == told[1]
    assert len(upstream.requests) == 2


async def test_signatures_of_the_clients_go_no_further(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hello."))
    async with gateway.http(PLAIN) as http:
        headers = {"x-amz-security-token": "mine", "x-amz-date": "20200101T000000Z", "x-other": "kept"}
        await http.post("/model/keyed/converse", json={"messages": HELLO}, headers=headers)
    sent = upstream.requests[0].headers
    assert sent["x-other"] == "kept"
    assert not {"x-amz-security-token", "x-amz-date"} & sent.keys()


@covers(BOTO3, CONVERSE, "reasoning", ASKED)
@ASKS
async def test_thoughts_come_back_to_their_model_byte_for_byte_within_a_run_and_after_it(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(reasoning="Hm, é.", calls=(TIME,)), Turn(reasoning="Aha.", text="Done."), Turn(text="Yes."))
    answer = await ask(gateway, "claude")
    told = upstream.requests[1].body["messages"][1]["content"][0]
    assert told == {"reasoningContent": {"reasoningText": {"text": "Hm, é.", "signature": signature_of("Hm, é.")}}}
    history = [*HELLO, answer["output"]["message"], *HELLO]
    await ask(gateway, "claude", messages=history)
    sent = json.dumps(upstream.requests[2].body, ensure_ascii=False)
    assert signature_of("Hm, é.") in sent
    assert "toolgate:unproven" not in sent
    check_requests(upstream)


async def test_a_request_to_which_nothing_is_added_passes_as_it_is(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hello there.", usage=COUNTED), Turn(text="Hello again.", usage=COUNTED))
    beside = {"additionalModelRequestFields": {"whatever": [1]}, "inferenceConfig": {"maxTokens": 50}}
    answer = await streamed(gateway, "claude", PLAIN, **beside)
    assert (text_of(answer), answer["usage"]["outputTokens"]) == ("Hello there.", 5)
    assert upstream.requests[0].body == {"messages": HELLO, **beside}
    assert upstream.requests[0].headers[":path"] == "/model/us.anthropic.claude-x-v1%3A0/converse-stream"
    again = await whole(gateway, "claude", PLAIN)
    assert text_of(again) == "Hello again."
    run, _ = await audited(gateway.shared, again["ResponseMetadata"]["HTTPHeaders"]["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (10, 5)
    check_requests(upstream)


async def test_a_bedrock_key_goes_as_a_bearer_token(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hello."))
    assert text_of(await whole(gateway, "keyed")) == "Hello."
    assert upstream.requests[0].headers["authorization"] == "Bearer bedrock-key-0123456789"


@covers(BOTO3, CONVERSE, "errors")
@pytest.mark.parametrize("secret", [SECRET, PLAIN])
@pytest.mark.parametrize(
    ("status", "name"),
    [(400, "ValidationException"), (429, "ThrottlingException"), (503, "ServiceUnavailableException")],
)
async def test_an_error_of_the_providers_is_raised_by_its_name(
    gateway: InProcess, upstream: ScriptedUpstream, secret: str, status: int, name: str
):
    told = json.dumps({"message": "because of this"}).encode()
    upstream.add(Turn(status=status, body=told, headers={"x-amzn-errortype": f"{name}:http://x/"}))
    with pytest.raises(ClientError, match="because of this") as raised:
        await whole(gateway, "claude", secret)
    assert raised.value.response["Error"]["Code"] == name
    assert type(raised.value).__name__ == name


async def test_our_own_errors_are_raised_by_name_too(gateway: InProcess, upstream: ScriptedUpstream):
    with pytest.raises(ClientError) as missing:
        await whole(gateway, "nobody")
    assert type(missing.value).__name__ == "ResourceNotFoundException"
    with pytest.raises(ClientError) as refused:
        await whole(gateway, "claude", "wrong-secret-0123456789")
    assert type(refused.value).__name__ == "AccessDeniedException"
    with pytest.raises(ClientError, match="maxTokens") as invalid:
        await whole(
            gateway, "tiny", inferenceConfig={"maxTokens": 10}, additionalModelRequestFields={"maxTokens": 1}
        )
    assert type(invalid.value).__name__ == "ValidationException"


@covers(BOTO3, CONVERSE, "errors", "streamed")
@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        (SECRET, {"error_after": 2}),
        (PLAIN, {"error_after": 2}),
        (SECRET, {"malformed_after": 2}),
        (SECRET, {"cut_after": 2}),
        (PLAIN, {"cut_after": 2}),
    ],
)
async def test_a_fault_within_a_stream_is_an_exception_of_the_streams(
    gateway: InProcess, upstream: ScriptedUpstream, secret: str, fault: dict[str, int]
):
    upstream.add(Turn(text="Hello there, you.", **fault))
    with pytest.raises(EventStreamError):
        await events(gateway, "claude", secret)


async def test_a_frame_that_breaks_off_is_an_exception_of_the_stream_and_not_its_end(
    gateway: InProcess, upstream: ScriptedUpstream
):
    told = b"".join(converse_wire.events(Turn(text="Hello."), {}))
    upstream.add(Turn(body=told[:-40], content_type=converse_wire.STREAM_TYPE))
    with pytest.raises(EventStreamError, match="within a frame"):
        await events(gateway, "claude", PLAIN)


async def test_a_silent_stream_has_signs_of_life_that_amazons_sdk_skips(
    gateway: InProcess, upstream: ScriptedUpstream
):
    resume, data = anyio.Event(), b""
    upstream.add(Turn(text="Hello there.", stall_after=2, resume=resume))
    path = "/model/claude/converse-stream"
    async with gateway.http() as http, http.stream("POST", path, json={"messages": HELLO}) as answer:
        assert answer.headers["content-type"] == "application/vnd.amazon.eventstream"
        async for chunk in answer.aiter_raw():
            data += chunk
            if b"ping" in data:
                resume.set()
    kinds = [next(iter(event)) for event in parse_stream(data)]
    assert (kinds[0], kinds[-1]) == ("messageStart", "metadata")
    assert "ping" not in kinds


@covers(CHAT_SDK, CONVERSE, "gateway tools", STREAM)
@FROM_BEDROCK
@pytest.mark.parametrize("stream", [False, True])
async def test_openais_sdk_reaches_a_model_on_bedrock_with_the_loop(
    gateway: InProcess, upstream: ScriptedUpstream, behind: str, stream: bool
):
    upstream.add(Turn(reasoning="Hm.", calls=(TIME, SUM)), Turn(text="It is 42.", usage=COUNTED))
    async with gateway.client() as sdk:
        asked: dict[str, Any] = {"model": behind, "messages": SAID, "max_completion_tokens": 50}
        if stream:
            async with sdk.chat.completions.stream(**asked) as told:
                answer: Any = await told.get_final_completion()
        else:
            answer = await sdk.chat.completions.create(**asked)
    assert answer.choices[0].message.content == "It is 42."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model
    assert results_in(upstream.requests[1].body)[1] == "42"
    check_requests(upstream)


@covers(ANTHROPIC_SDK, CONVERSE, "gateway tools", STREAM)
@FROM_BEDROCK
@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_sdk_reaches_a_model_on_bedrock_with_the_loop(
    gateway: InProcess, upstream: ScriptedUpstream, behind: str, stream: bool
):
    upstream.add(Turn(reasoning="Hm.", calls=(TIME, SUM)), Turn(text="It is 42."))
    beta = {"anthropic-beta": "one-2026-01-01,two-2026-01-01"}
    async with anthropic.AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as sdk:
        asked: dict[str, Any] = {"model": behind, "max_tokens": 100, "messages": SAID, "extra_headers": beta}
        if stream:
            async with sdk.messages.stream(**asked) as told:
                answer: Any = await told.get_final_message()
        else:
            answer = await sdk.messages.create(**asked)
    assert "".join(block.text for block in answer.content if block.type == "text") == "It is 42."
    assert answer.stop_reason == "end_turn"
    first, second = (request.body for request in upstream.requests)
    assert results_in(second)[1] == "42"
    if behind == "invoked":
        assert (
            upstream.requests[0].headers[":path"].endswith("/invoke-with-response-stream" if stream else "/invoke")
        )
        assert first["anthropic_version"] == "bedrock-2023-05-31"
        assert first["anthropic_beta"] == ["one-2026-01-01", "two-2026-01-01"]
        assert not {"model", "stream"} & first.keys()
        thought = second["messages"][1]["content"][0]
        assert thought == {"type": "thinking", "thinking": "Hm.", "signature": signature_of("Hm.")}
    check_requests(upstream)


@covers(CHAT_SDK, CONVERSE, "errors", "streamed")
async def test_a_throttled_stream_is_told_to_openais_sdk_as_its_own_error(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hello there, you.", error_after=2))
    async with gateway.client() as sdk:
        stream = await sdk.chat.completions.create(model="claude", messages=SAID, stream=True)
        with pytest.raises(openai.APIError, match="the script says error"):
            _ = [chunk async for chunk in stream]


@covers(ANTHROPIC_SDK, CONVERSE, "errors", "streamed")
@FROM_BEDROCK
async def test_a_throttled_stream_is_told_to_anthropics_sdk_as_its_own_error(
    gateway: InProcess, upstream: ScriptedUpstream, behind: str
):
    upstream.add(Turn(text="Hello there, you.", error_after=3))
    async with anthropic.AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as sdk:
        stream = await sdk.messages.create(model=behind, max_tokens=100, messages=SAID, stream=True)
        with pytest.raises(anthropic.APIStatusError, match="the script says error") as raised:
            _ = [event async for event in stream]
    body: Any = raised.value.body
    assert body["error"]["type"] == "rate_limit_error"


@covers(ANTHROPIC_SDK, CONVERSE, "errors")
@FROM_BEDROCK
async def test_an_error_of_bedrocks_is_told_to_anthropics_sdk_in_its_own_form(
    gateway: InProcess, upstream: ScriptedUpstream, behind: str
):
    upstream.add(Turn(status=400, body=b'{"message": "the input is too long"}'))
    async with anthropic.AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as sdk:
        with pytest.raises(anthropic.BadRequestError, match="too long") as raised:
            await sdk.messages.create(model=behind, max_tokens=100, messages=SAID)
    body: Any = raised.value.body
    assert body["error"] == {"type": "invalid_request_error", "message": "the input is too long"}


async def test_a_name_with_slashes_and_colons_is_one_model(gateway: InProcess, upstream: ScriptedUpstream):
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0"
    with pytest.raises(ClientError, match=r"inference-profile/us\.anthropic\.claude-x-v1:0"):
        await whole(gateway, arn)
