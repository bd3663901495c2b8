"""The scripted model over HTTP, judged by the official SDK."""

from __future__ import annotations

import logging

import anyio
import openai
import pytest

from gateway.providers.scripted import SCRIPTED_MODEL, Call, ScriptedUpstream, Turn, serve_scripted_model

MESSAGES = [{"role": "user", "content": "hello"}]
CLOCK = {
    "type": "function",
    "function": {
        "name": "demo__current_time",
        "parameters": {"type": "object", "properties": {"timezone": {"type": "string"}}},
    },
}
NOTES = {
    "type": "function",
    "function": {
        "name": "demo__delete_note",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    },
}


def sdk(base_url):
    return openai.AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0, timeout=10)


async def test_the_sdk_has_a_conversation_with_tools():
    messages = [{"role": "user", "content": "What time is it in Tokyo, and delete the note 'plan'"}]
    async with serve_scripted_model() as base_url, sdk(base_url) as client:
        first = await client.chat.completions.create(model=SCRIPTED_MODEL, messages=messages, tools=[CLOCK, NOTES])
        assert first.choices[0].finish_reason == "tool_calls"
        calls = first.choices[0].message.tool_calls
        assert [(call.function.name, call.function.arguments) for call in calls] == [
            ("demo__current_time", '{"timezone": "Asia/Tokyo"}'),
            ("demo__delete_note", '{"name": "plan"}'),
        ]
        results = [
            {"role": "tool", "tool_call_id": calls[0].id, "content": "2026-01-01T09:00:00+09:00"},
            {"role": "tool", "tool_call_id": calls[1].id, "content": "Denied by the rule notes-are-read-only."},
        ]
        history = [*messages, first.choices[0].message.model_dump(exclude_none=True), *results]
        second = await client.chat.completions.create(model=SCRIPTED_MODEL, messages=history, tools=[CLOCK, NOTES])
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content == (
        "The scripted model called demo__current_time; it said: 2026-01-01T09:00:00+09:00 "
        "The scripted model asked for demo__delete_note and was refused: Denied by the rule notes-are-read-only."
    )
    assert second.usage.total_tokens == second.usage.prompt_tokens + second.usage.completion_tokens > 0
    assert first.id != second.id


async def test_the_sdk_reads_a_stream():
    async with serve_scripted_model() as base_url, sdk(base_url) as client:
        stream = await client.chat.completions.create(
            model=SCRIPTED_MODEL,
            messages=[{"role": "user", "content": "the time in Tokyo, and the time in Paris"}],
            tools=[CLOCK],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    arguments = {0: "", 1: ""}
    for chunk in chunks[:-1]:
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments[call.index] += call.function.arguments
    assert arguments == {0: '{"timezone": "Asia/Tokyo"}', 1: '{"timezone": "Europe/Paris"}'}
    assert chunks[-2].choices[0].finish_reason == "tool_calls"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1


async def test_the_sdk_puts_streamed_words_together():
    async with (
        ScriptedUpstream([Turn(text="one  two\nthree ", reasoning="hm hm")]).serve() as upstream,
        sdk(upstream.base_url) as client,
        client.chat.completions.stream(model="m", messages=MESSAGES) as stream,
    ):
        completion = await stream.get_final_completion()
    assert completion.choices[0].message.content == "one  two\nthree "


async def test_a_usage_is_streamed_only_on_request():
    async with ScriptedUpstream([Turn(text="x")]).serve() as upstream, sdk(upstream.base_url) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        assert all(chunk.choices and chunk.usage is None for chunk in [chunk async for chunk in stream])


async def test_the_models_are_listed():
    async with serve_scripted_model() as base_url, sdk(base_url) as client:
        assert [model.id for model in (await client.models.list()).data] == ["toolgate-scripted"]


async def test_requests_are_recorded_and_turns_played_in_order():
    turns = [Turn(text="a"), Turn(calls=(Call("f", {"x": 1}, id="c1"),))]
    async with ScriptedUpstream(turns).serve() as upstream, sdk(upstream.base_url) as client:
        one = await client.chat.completions.create(model="m", messages=MESSAGES)
        two = await client.chat.completions.create(model="m", messages=MESSAGES, extra_headers={"X-A": "b"})
    assert one.choices[0].message.content == "a"
    assert two.choices[0].message.tool_calls[0].id == "c1"
    assert [request.body["model"] for request in upstream.requests] == ["m", "m"]
    assert upstream.requests[1].headers["x-a"] == "b"
    assert upstream.requests[1].headers["authorization"] == "Bearer any"


async def test_a_script_that_is_over_says_so():
    async with ScriptedUpstream().serve() as upstream, sdk(upstream.base_url) as client:
        with pytest.raises(openai.InternalServerError, match="the script is over"):
            await client.chat.completions.create(model="m", messages=MESSAGES)


async def test_the_last_turn_can_be_repeated():
    upstream = ScriptedUpstream([Turn(text="a")], repeat_last=True)
    async with upstream.serve(), sdk(upstream.base_url) as client:
        for _ in range(3):
            answer = await client.chat.completions.create(model="m", messages=MESSAGES)
            assert answer.choices[0].message.content == "a"


async def test_an_http_error_is_sent_as_it_stands():
    turn = Turn(status=429, body=b'{"error": {"message": "slow down"}}', headers={"retry-after": "7"})
    async with ScriptedUpstream([turn]).serve() as upstream, sdk(upstream.base_url) as client:
        with pytest.raises(openai.RateLimitError, match="slow down") as caught:
            await client.chat.completions.create(model="m", messages=MESSAGES)
    assert caught.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_cut_breaks_the_connection(stream):
    turn = Turn(text="one two three", cut_after=2)
    async with ScriptedUpstream([turn]).serve() as upstream, sdk(upstream.base_url) as client:

        async def ask():
            answer = await client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
            return [chunk async for chunk in answer]

        with pytest.raises(Exception, match=r"(?i)incomplete|closed|peer|connection"):
            await ask()


async def test_a_malformed_event_is_sent():
    turn = Turn(text="one two three", malformed_after=2)
    async with ScriptedUpstream([turn]).serve() as upstream, sdk(upstream.base_url) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        with pytest.raises(ValueError, match=r"(?i)json|expecting|unexpected"):
            _ = [chunk async for chunk in stream]


async def test_an_error_event_is_sent():
    turn = Turn(text="one two three", error_after=2)
    async with ScriptedUpstream([turn]).serve() as upstream, sdk(upstream.base_url) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIError, match="the script says error"):
            _ = [chunk async for chunk in stream]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_a_stalled_answer_is_noticed(stream):
    turn = Turn(text="one two three", stall_after=2)
    async with ScriptedUpstream([turn]).serve() as upstream, sdk(upstream.base_url) as client:
        async with anyio.create_task_group() as group:

            async def ask():
                answer = await client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
                _ = [chunk async for chunk in answer]

            group.start_soon(ask)
            await upstream.wait_for_requests(1)
            group.cancel_scope.cancel()
        await upstream.wait_for_clients_left(1)


async def test_a_stalled_answer_goes_on_when_told():
    resume = anyio.Event()
    turn = Turn(text="one two", stall_after=2, resume=resume)
    async with ScriptedUpstream([turn]).serve() as upstream, sdk(upstream.base_url) as client:
        stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        text = ""
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            if text == "one":
                resume.set()
    assert text == "one two"


async def test_an_answer_is_held_back_until_told():
    go = anyio.Event()
    async with (
        ScriptedUpstream([Turn(text="x", wait_for=go)]).serve() as upstream,
        sdk(upstream.base_url) as client,
    ):
        answers = []

        async def ask():
            answers.append(await client.chat.completions.create(model="m", messages=MESSAGES))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await upstream.wait_for_requests(1)
            assert answers == []
            go.set()
    assert answers[0].choices[0].message.content == "x"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"messages": [1]}', b"{"])
async def test_what_is_not_a_request_is_refused(body):
    import aiohttp

    async with serve_scripted_model() as base_url, aiohttp.ClientSession() as session:
        async with session.post(f"{base_url}/chat/completions", data=body) as answer:
            assert answer.status == 400
        async with session.get(f"{base_url}/nothing") as answer:
            assert answer.status == 404


async def test_the_logging_of_the_process_is_left_as_it_was():
    before = state_of_logging()
    async with serve_scripted_model() as base_url, sdk(base_url) as client:
        await client.chat.completions.create(model=SCRIPTED_MODEL, messages=MESSAGES)
    assert state_of_logging() == before


def state_of_logging():
    loggers = [logging.getLogger(name) for name in ("", "uvicorn", "uvicorn.access", "uvicorn.error")]
    return [(logger.level, [*logger.handlers], logger.propagate, logger.disabled) for logger in loggers]


async def test_several_are_served_at_once_and_leave_no_signal_handlers():
    import signal

    before = signal.getsignal(signal.SIGTERM)
    async with serve_scripted_model() as one, serve_scripted_model() as two:
        assert one != two
        assert signal.getsignal(signal.SIGTERM) is before


async def test_turns_are_told_as_responses_too():
    custom = {"type": "custom", "name": "patch"}
    turn = Turn(reasoning="Hm.", text="One moment.", calls=(Call("f", {"a": 1}), Call("patch", "*** Begin")))
    async with (
        ScriptedUpstream([turn, turn, Turn(status=429)]).serve() as upstream,
        sdk(upstream.base_url) as client,
    ):
        whole = await client.responses.create(model="m", input="hi", tools=[custom])
        async with client.responses.stream(model="m", input=MESSAGES, tools=[custom]) as stream:
            streamed = await stream.get_final_response()
        with pytest.raises(openai.RateLimitError):
            await client.responses.create(model="m", input="hi")
    for answer in (whole, streamed):
        assert [item.type for item in answer.output] == [
            *("reasoning", "message", "function_call", "custom_tool_call"),
        ]
        assert (answer.output_text, answer.output[3].input) == ("One moment.", "*** Begin")
