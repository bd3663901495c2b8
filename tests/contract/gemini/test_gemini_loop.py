"""Google's own SDK as a client, against upstreams of all dialects; and clients of others against Gemini."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import AsyncAnthropic
from google.genai import errors, types

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.gemini_wire import signature_of
from tests.contract.gemini.asking import (
    ASK_USER,
    SUM,
    TIME,
    client,
    content_of,
    is_asked,
    parts_in,
    results_in,
    signatures_in,
    streamed,
    text_in,
    whole,
)
from tests.support.gateways import SECRET, InProcess, audited

PLAIN = "plain-secret-0123456789"


async def test_a_tool_runs_and_the_answer_is_whole(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    upstream.add(Turn(text="Let me see.", calls=(SUM,)), Turn(text="It is 42."))
    answer = await whole(gateway, model)
    assert answer.text == "Let me see.\n\nIt is 42."
    assert answer.candidates
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    assert results_in(upstream.requests[1].body) == ["42"]
    assert answer.usage_metadata is not None
    run, calls = await audited(gateway.shared, f"run_{answer.response_id}")
    assert (run.dialect, run.rounds, [call.requested for call in calls]) == ("gemini", 2, [SUM.name])


async def test_a_tool_runs_within_a_stream(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    upstream.add(Turn(text="Let me see.", calls=(SUM, TIME)), Turn(reasoning="so", text="It is 42."))
    chunks = await streamed(gateway, model)
    assert text_in(chunks) == "Let me see.\n\nIt is 42."
    assert [part.function_call for part in parts_in(chunks) if part.function_call] == []
    assert len(results_in(upstream.requests[1].body)) == 2
    last = chunks[-1]
    assert last.candidates
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert len({chunk.response_id for chunk in chunks if chunk.response_id}) == 1


async def test_the_clients_own_tools_are_the_clients(gateway: InProcess, upstream: ScriptedUpstream, model: str):
    upstream.add(Turn(calls=(Call("ask_user", {"question": "which?"}), SUM)), Turn(text="Thanks."))
    answer = await whole(gateway, model, tools=[ASK_USER])
    content = content_of(answer)
    (part,) = [part for part in content.parts or () if part.function_call]
    call = part.function_call
    assert call is not None
    assert (call.name, call.args) == ("ask_user", {"question": "which?"})
    result = types.FunctionResponse(id=call.id, name="ask_user", response={"output": "that one"})
    history = [
        types.Content(role="user", parts=[types.Part(text="hello")]),
        content,
        types.Content(role="user", parts=[types.Part(function_response=result)]),
    ]
    again = await whole(gateway, model, history, tools=[ASK_USER])
    assert again.text == "Thanks."
    assert sorted(results_in(upstream.requests[1].body)) == ["42", "that one"]


async def test_proofs_of_thoughts_go_through_the_loop_byte_for_byte(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="hm", calls=(SUM, TIME)), Turn(reasoning="so", calls=(TIME,)), Turn(text="Done."))
    await streamed(gateway, "gem")
    wanted = [signature_of(SUM.name), signature_of(TIME.name)]
    assert signatures_in(upstream.requests[2].body) == wanted


@pytest.mark.parametrize("in_a_stream", [False, True])
async def test_a_client_that_knows_no_proofs_gets_them_put_back(
    gateway: InProcess, upstream: ScriptedUpstream, in_a_stream: bool
):
    """OpenAI's client gives Gemini's call back without its proof, which Gemini would refuse."""
    tool: Any = {"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}
    messages: list[Any] = [{"role": "user", "content": "hello"}]
    upstream.add(Turn(calls=(Call("ask_user", {}), Call("ask_user", {"question": "?"}))), Turn(text="Thanks."))
    async with gateway.client(SECRET) as openai:
        if in_a_stream:
            calls: dict[int, Any] = {}
            stream = await openai.chat.completions.create(
                model="gem", messages=messages, tools=[tool], stream=True
            )
            async for chunk in stream:
                for delta in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
                    call = calls.setdefault(delta.index, {"id": delta.id, "name": "", "arguments": ""})
                    call["name"] += (delta.function and delta.function.name) or ""
                    call["arguments"] += (delta.function and delta.function.arguments) or ""
            told = list(calls.values())
        else:
            answer = await openai.chat.completions.create(model="gem", messages=messages, tools=[tool])
            assert answer.choices[0].finish_reason == "tool_calls"
            told = [
                {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
                for call in answer.choices[0].message.tool_calls or ()
                if call.type == "function"
            ]
        assert len({call["id"] for call in told}) == 2
        asked = [
            {"id": call["id"], "type": "function", "function": {key: call[key] for key in ("name", "arguments")}}
            for call in told
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": asked})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": "yes"} for call in told]
        last = await openai.chat.completions.create(model="gem", messages=messages, tools=[tool])
    assert last.choices[0].message.content == "Thanks."
    assert signatures_in(upstream.requests[1].body) == [signature_of("ask_user")]
    assert results_in(upstream.requests[1].body) == ["yes", "yes"]


async def test_openais_client_is_shown_what_gemini_says(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(reasoning="hm", calls=(SUM,)), Turn(reasoning="so it is", text="It is 42."))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    asked: Any = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "6 * 7?"}, image]},
    ]
    async with gateway.client(SECRET) as openai:
        answer = await openai.chat.completions.create(model="gem", messages=asked, reasoning_effort="low")
    assert answer.choices[0].message.content == "It is 42."
    assert answer.choices[0].finish_reason == "stop"
    first = upstream.requests[0].body
    assert first["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert first["contents"][0]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    assert first["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW", "includeThoughts": True}
    assert is_asked(upstream, 0) == "/v1/models/gemini-9-pro:generateContent"
    assert upstream.requests[0].headers["x-goog-api-key"] == "the-operators-own"


@pytest.mark.parametrize("name", ["gem", "vertex-claude"])
async def test_anthropics_client_is_shown_what_they_say(gateway: InProcess, upstream: ScriptedUpstream, name: str):
    upstream.add(Turn(reasoning="hm", calls=(SUM,)), Turn(reasoning="so it is", text="It is 42."))
    async with (
        AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as anthropic,
        anthropic.messages.stream(
            model=name, max_tokens=50, messages=[{"role": "user", "content": "6 * 7?"}]
        ) as stream,
    ):
        message = await stream.get_final_message()
    assert message.stop_reason == "end_turn"
    assert [block.text for block in message.content if block.type == "text"] == ["It is 42."]
    thoughts = [block.thinking for block in message.content if block.type == "thinking"]
    assert "".join(thoughts) == "hmso it is"
    assert is_asked(upstream).startswith("/v1/models/")


async def test_anthropic_on_vertex_gets_what_it_takes(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."), Turn(text="Hi."))
    async with AsyncAnthropic(base_url=gateway.origin, api_key=PLAIN, max_retries=0) as anthropic:
        for stream in (False, True):
            await anthropic.messages.create(
                model="vertex-claude",
                max_tokens=50,
                messages=[{"role": "user", "content": "hi"}],
                stream=stream,  # pyright: ignore[reportArgumentType] - both in turn
                extra_headers={"anthropic-beta": "one-2026"},
            )
    first, second = upstream.requests
    assert first.body == {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "hi"}],
        **({"stream": False} if "stream" in first.body else {}),
    }
    assert second.body["stream"] is True
    assert first.headers["anthropic-beta"] == "one-2026"
    assert first.headers[":path"] == "/v1/models/claude-opus-9%4020260101:rawPredict"
    assert second.headers[":path"] == "/v1/models/claude-opus-9%4020260101:streamRawPredict"


@pytest.mark.parametrize(("first", "second"), [("either", "script"), ("other-way", "google")])
async def test_another_dialect_takes_over_in_the_middle_of_a_run(
    gateway: InProcess, upstream: ScriptedUpstream, first: str, second: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(status=503), Turn(text="It is 42."))
    answer = await whole(gateway, first)
    assert answer.text == "It is 42."
    last = upstream.requests[2].body
    assert results_in(last) == ["42"]
    if second == "google":  # a call that Gemini did not make says so
        assert signatures_in(last) == ["skip_thought_signature_validator"]
    else:
        assert "ignature" not in str(last)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_the_sdk_lists_the_models_of_its_key(gateway: InProcess, version: str):
    async with client(gateway, version=version) as google:
        listed = [model.name async for model in await google.models.list()]
    assert {"models/gem", "models/a/b"} <= set(listed)


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_each_vendors_sdk_is_shown_one_model(gateway: InProcess, version: str):
    async with client(gateway, version=version) as google:
        assert (await google.models.get(model="a/b")).name == "models/a/b"
        with pytest.raises(errors.ClientError, match="does not exist"):
            await google.models.get(model="none")
    async with gateway.client(SECRET) as openai:
        shown = await openai.models.retrieve("gem")
    assert (shown.id, shown.owned_by) == ("gem", "google")
    async with AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as anthropic:
        assert (await anthropic.models.retrieve("claude")).display_name == "claude"


async def test_tokens_are_counted_by_the_provider(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn())
    async with client(gateway) as google:
        counted = await google.models.count_tokens(model="gem", contents="one two three")
    assert counted.total_tokens == 3
    assert is_asked(upstream) == "/v1/models/gemini-9-pro:countTokens"


async def test_a_models_name_may_hold_a_slash(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    assert (await whole(gateway, "a/b")).text == "Hi."
