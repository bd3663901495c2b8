"""One model call on one provider, over real HTTP."""

from __future__ import annotations

import json

import anyio
import pytest

from gateway.conversation import FinishReason, Message, ModelRequest, Text, UsageReported
from gateway.conversation.assembly import ResponseAssembler
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.errors import (
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.providers import Timeouts, make_provider
from gateway.providers.caller import ProviderCaller
from gateway.providers.clients import HttpClients
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.unit.providers.raw_servers import always, chunked, once, raw_server, sized

ANSWER = Turn(text="hello there", calls=(Call("look", {"at": 1}, id="c1"),), reasoning="hm")


@pytest.fixture
async def caller():
    client = HttpClients()
    yield ProviderCaller(client)
    await client.aclose()


@pytest.fixture
async def upstream():
    async with ScriptedUpstream().serve() as upstream:
        yield upstream


def at(base_url, **timeouts):
    patience = Timeouts(**{"connect": 60, "first_byte": 60, "idle": 60, **timeouts})
    return make_provider("acme", api_key="sesame", base_url=base_url, timeouts=patience)


def request(*, stream=False, **fields):
    message = Message("user", (Text("hi"),))
    return ModelRequest("alias", (message,), "openai_chat", stream=stream, include_usage=stream, **fields)


async def streamed(caller, provider):
    assembler = ResponseAssembler()
    async with caller.stream(provider, request(stream=True), "m-1") as events:
        async for event in events:
            assembler.add(event)
    return assembler.response()


async def whole(caller, provider):
    return await caller.complete(provider, request(), "m-1")


async def forwarded(caller, provider):
    async with caller.forward(provider, "openai_chat", "/chat/completions", b'{"messages": []}', {}) as answer:
        return await answer.read()


@pytest.mark.parametrize("ask", [whole, streamed])
async def test_an_answer_is_read(caller, upstream, ask):
    upstream.add(ANSWER)
    response = await ask(caller, at(upstream.base_url))
    assert response.message.text == "hello there"
    assert [(call.id, call.name, json.loads(call.arguments)) for call in response.message.tool_calls] == [
        ("c1", "look", {"at": 1})
    ]
    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert response.usage is not None


async def test_the_request_names_the_providers_model_and_carries_its_key(caller, upstream):
    upstream.add(ANSWER)
    await whole(caller, at(upstream.base_url))
    sent = upstream.requests[0]
    assert sent.body["model"] == "m-1"
    assert sent.body["messages"][0]["content"] in ("hi", [{"type": "text", "text": "hi"}])
    assert sent.headers["authorization"] == "Bearer sesame"
    assert sent.headers["accept-encoding"] == "identity"
    assert sent.headers["content-type"] == "application/json"


async def test_events_come_before_the_answer_is_complete(caller, upstream):
    resume = anyio.Event()
    upstream.add(Turn(text="one two", stall_after=2, resume=resume))
    seen = []
    async with caller.stream(at(upstream.base_url), request(stream=True), "m") as events:
        async for event in events:
            seen.append(event)
            if getattr(event, "text", None) == "one":
                resume.set()
    assert isinstance(seen[-1], UsageReported)


async def test_leaving_a_stream_stops_the_model(caller, upstream):
    upstream.add(Turn(text="one two", stall_after=2))
    async with caller.stream(at(upstream.base_url), request(stream=True), "m") as events:
        await anext(events)
    await upstream.wait_for_clients_left(1)


async def test_connections_are_used_again_after_streams(caller):
    events = b"".join(
        b"data: %s\n\n" % json.dumps(chunk).encode()
        for chunk in (
            {"id": "1", "model": "m", "created": 1, "choices": [{"index": 0, "delta": {"content": "x"}}]},
            {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        )
    )
    answer = chunked(events, b"data: [DONE]\n\n").replace(
        b"\r\n\r\n", b"\r\ncontent-type: text/event-stream\r\n\r\n", 1
    )
    async with raw_server(always(answer)) as server:
        for _ in range(3):
            assert (await streamed(caller, at(server.origin))).message.text == "x"
    assert len(server.connections) == 1


# Refusals.


@pytest.mark.parametrize("ask", [whole, streamed, forwarded])
async def test_an_http_error_is_kept_exactly_as_it_came(caller, upstream, ask):
    body = b'{"error": {"message": "too  many",\n "type": "rate_limit"}}'
    upstream.add(Turn(status=429, body=body, headers={"retry-after": "9"}))
    with pytest.raises(UpstreamRefused, match="the provider acme answered HTTP 429") as caught:
        await ask(caller, at(upstream.base_url))
    assert caught.value.provider == "acme"
    assert caught.value.answer.status == 429
    assert caught.value.answer.body == body
    assert caught.value.answer.headers["retry-after"] == "9"


async def test_an_error_body_is_bounded(caller):
    async with raw_server(once(sized(b"x" * 3_000_000, status="500 No"))) as server:
        with pytest.raises(UpstreamRefused) as caught:
            await whole(caller, at(server.origin))
    assert len(caught.value.answer.body) == 1024 * 1024


async def test_an_error_whose_body_is_cut_is_still_that_error(caller):
    async with raw_server(once(b"HTTP/1.1 503 No\r\ncontent-length: 99\r\n\r\nhalf")) as server:
        with pytest.raises(UpstreamRefused) as caught:
            await whole(caller, at(server.origin))
    assert caught.value.answer.status == 503


async def test_a_redirect_is_not_followed(caller):
    async with raw_server(once(sized(b"", status="302 F", headers=b"location: http://127.0.0.1/\r\n"))) as server:
        with pytest.raises(UpstreamProtocolError, match=r"redirects \(HTTP 302\)"):
            await whole(caller, at(server.origin))


@pytest.mark.parametrize(("code", "status"), [("429", 429), (503, 503), ("odd", 502), (None, 502), (200, 502)])
async def test_an_error_event_becomes_a_refusal(caller, code, status):
    error = json.dumps({"error": {"message": "no room", "code": code}}).encode()
    events = b"data: " + error + b"\n\n"
    head = b"content-type: text/event-stream\r\n"
    async with raw_server(once(sized(events, headers=head))) as server:
        with pytest.raises(UpstreamRefused, match="acme") as caught:
            await streamed(caller, at(server.origin))
    assert caught.value.answer.status == status
    assert json.loads(caught.value.answer.body)["error"]["message"] == "no room"


async def test_an_error_event_in_the_middle_comes_after_what_was_said(caller, upstream):
    upstream.add(Turn(text="one two three", error_after=3))
    said = []

    async def listen():
        async with caller.stream(at(upstream.base_url), request(stream=True), "m") as events:
            async for event in events:
                said.append(getattr(event, "text", ""))  # noqa: PERF401 - what came before the fault is wanted

    with pytest.raises(UpstreamRefused):
        await listen()
    assert "".join(said) == "one two"


async def test_an_error_inside_a_whole_answer_is_a_failure(caller):
    body = b'{"error": {"message": "no room", "code": 429}}'
    async with raw_server(once(sized(body, headers=b"content-type: application/json\r\n"))) as server:
        with pytest.raises(UpstreamError):
            await whole(caller, at(server.origin))


# Faults.


@pytest.mark.parametrize("ask", [whole, streamed, forwarded])
async def test_nobody_there_is_unreachable(caller, ask):
    async with raw_server(once(b"")) as server:
        pass
    with pytest.raises(UpstreamUnreachable, match="the provider acme failed: no connection could be made"):
        await ask(caller, at(server.origin))


@pytest.mark.parametrize("ask", [whole, streamed, forwarded])
async def test_a_connection_cut_before_the_answer_is_unreachable(caller, ask):
    async with raw_server(once(b"")) as server:
        with pytest.raises(UpstreamUnreachable, match="acme"):
            await ask(caller, at(server.origin))


@pytest.mark.parametrize("ask", [whole, streamed, forwarded])
async def test_silence_is_a_timeout(caller, upstream, ask):
    upstream.add(Turn(text="x", wait_for=anyio.Event()))
    with pytest.raises(UpstreamTimeout, match=r"acme failed: no answer began within 0\.1 s"):
        await ask(caller, at(upstream.base_url, first_byte=0.1))


async def test_a_stream_that_stops_is_a_timeout(caller, upstream):
    upstream.add(Turn(text="one two", stall_after=2))
    with pytest.raises(UpstreamTimeout, match="acme"):
        await streamed(caller, at(upstream.base_url, idle=0.1))


@pytest.mark.parametrize("fault", ["cut_after", "end_after", "malformed_after"])
async def test_a_stream_that_breaks_is_a_protocol_error(caller, upstream, fault):
    upstream.add(Turn(text="one two", **{fault: 2}))
    with pytest.raises(UpstreamProtocolError, match="acme"):
        await streamed(caller, at(upstream.base_url))


@pytest.mark.parametrize("fault", ["cut_after", "end_after", "stall_after"])
async def test_a_stream_that_breaks_after_the_last_word_is_whole(caller, upstream, fault):
    upstream.add(Turn(text="one two", **{fault: 4}))
    response = await streamed(caller, at(upstream.base_url, idle=0.2 if fault == "stall_after" else 10))
    assert response.message.text == "one two"
    assert response.finish_reason is FinishReason.STOP


@pytest.mark.parametrize("fault", ["cut_after", "malformed_after"])
async def test_a_whole_answer_that_breaks_is_a_protocol_error(caller, upstream, fault):
    upstream.add(Turn(text="one two", **{fault: 2}))
    with pytest.raises(UpstreamProtocolError, match="acme"):
        await whole(caller, at(upstream.base_url))


async def test_a_forwarded_answer_that_is_cut_says_so(caller, upstream):
    upstream.add(Turn(text="one two", cut_after=2))
    received = []

    async def listen():
        body = b'{"stream":true,"messages":[]}'
        async with caller.forward(at(upstream.base_url), "openai_chat", "/chat/completions", body, {}) as answer:
            async for chunk in answer.chunks():
                received.append(chunk)  # noqa: PERF401 - likewise

    with pytest.raises(UpstreamProtocolError, match="acme failed: the connection ended before the answer did"):
        await listen()
    assert b"".join(received).count(b"data: ") == 2


@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>It works!</html>", "text/html"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b'{"choices": []}', "application/json"),
    ],
)
async def test_an_answer_of_another_kind_is_a_protocol_error(caller, ask, body, kind):
    async with raw_server(once(sized(body, headers=b"content-type: %s\r\n" % kind.encode()))) as server:
        with pytest.raises(UpstreamProtocolError, match="the provider acme failed"):
            await ask(caller, at(server.origin))


ITEMS = b'{"id":"r","status":"completed","output":[{"type":["x"],"id":"m"}]}'
BLOCKS = (
    b'data: {"type":"message_start","message":{"id":"m","role":"assistant","content":[],"usage":{}}}\n\n'
    b'data: {"type":"content_block_start","index":{"x":1},"content_block":{"type":"text","text":""}}\n\n'
)
DEEP = b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":%s}}]}}]}'
COHERES = b'data: {"type":["content-start"],"index":0}\n\n'


@pytest.mark.parametrize(
    ("dialect", "ask", "body", "kind"),
    [
        ("openai_responses", whole, ITEMS, b"application/json"),
        ("anthropic_messages", streamed, BLOCKS, b"text/event-stream"),
        ("cohere_v2", streamed, COHERES, b"text/event-stream"),
        ("gemini", whole, DEEP % (b'{"a":' * 245 + b"1" + b"}" * 245), b"application/json"),
    ],
)
async def test_values_of_types_that_nobody_would_think_of_are_the_providers_fault(
    caller, dialect, ask, body, kind
):
    async with raw_server(once(sized(body, headers=b"content-type: %s\r\n" % kind))) as server:
        provider = make_provider("acme", dialects=(dialect,), base_url=server.origin, api_key="sesame")
        with pytest.raises(UpstreamProtocolError, match=r"acme failed: its answer .* cannot be read"):
            await ask(caller, provider)


async def test_a_beginning_that_makes_no_sense_passes_as_it_came(caller):
    body = b'data: {"type":"response.created","response":{}}\n\ndata: {"type":"response.output_item.added",'
    body += b'"item":{"type":["x"],"error":null,"a":{"error":1}}}\n\n'
    async with raw_server(once(sized(body, headers=b"content-type: text/event-stream\r\n"))) as server:
        provider = make_provider("acme", dialects=("openai_responses",), base_url=server.origin, api_key="sesame")
        async with caller.forward(provider, "openai_responses", "/responses", b"{}", {}) as answer:
            await answer.begin(OPENAI_RESPONSES)
            assert b"".join([chunk async for chunk in answer.chunks()]) == body


async def test_a_page_in_html_is_named(caller):
    async with raw_server(once(sized(b"<html>", headers=b"content-type: text/html; charset=x\r\n"))) as server:
        with pytest.raises(UpstreamProtocolError, match=r"its answer \(HTTP 200, text/html\) cannot be read"):
            await whole(caller, at(server.origin))


async def test_a_compressed_answer_is_refused(caller):
    async with raw_server(once(sized(b"\x1f\x8b", headers=b"content-encoding: gzip\r\n"))) as server:
        with pytest.raises(UpstreamProtocolError, match="compresses"):
            await whole(caller, at(server.origin))


async def test_messages_hold_no_credentials(caller, upstream):
    upstream.add(Turn(status=500), Turn(text="x", cut_after=1), Turn(text="x", malformed_after=1))
    for _ in range(3):
        with pytest.raises(UpstreamError) as caught:
            await whole(caller, at(upstream.base_url))
        assert "sesame" not in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)


# Answers in another shape than was asked for.


async def test_a_whole_answer_to_a_stream_is_told_as_one(caller):
    answer = {
        "id": "r1",
        "model": "m",
        "created": 5,
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "well",
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    head = b"content-type: application/json\r\n"
    async with raw_server(always(sized(json.dumps(answer).encode(), headers=head))) as server:
        response = await streamed(caller, at(server.origin))
        assert response.id == "r1"
    assert response.message.text == "well"
    assert response.message.tool_calls[0].name == "f"
    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert response.usage.output_tokens == 2


async def test_a_stream_of_an_undeclared_kind_is_read(caller):
    chunk = {"id": "1", "model": "m", "created": 1, "choices": [{"index": 0, "delta": {"content": "x"}}]}
    last = {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = "".join(f"data: {json.dumps(event)}\n\n" for event in (chunk, last)) + "data: [DONE]\n\n"
    async with raw_server(once(chunked(b"\n", events.encode()))) as server:
        assert (await streamed(caller, at(server.origin))).message.text == "x"


async def test_a_connection_that_stays_open_after_the_last_word_does_not_hold_it_back(caller, monkeypatch):
    monkeypatch.setattr("gateway.providers.answers._AFTER_FINISH", 0.1)
    chunk = {"id": "1", "model": "m", "created": 1, "choices": [{"index": 0, "delta": {"content": "x"}}]}
    last = {"id": "1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = "".join(f"data: {json.dumps(event)}\n\n" for event in (chunk, last)) + "data: [DONE]\n\n"

    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + events.encode())
        await peer.closed_by_client()

    async with raw_server(script) as server:
        assert (await streamed(caller, at(server.origin))).message.text == "x"


# Forwarding.


async def test_bytes_pass_through_both_ways(caller):
    answer = sized(b'{"odd":  1}', status="201 Made", headers=b"x-request-id: 7\r\n")
    async with raw_server(always(answer)) as server:
        headers = {"x-custom": "kept", "authorization": "Bearer client", "cookie": "c", "x-api-key": "client"}
        async with caller.forward(
            at(server.origin), "openai_chat", "/chat/completions", b'{"a":  1}', headers
        ) as passed:
            assert (passed.status, passed.headers["x-request-id"]) == (201, "7")
            assert passed.provider.name == "acme"
            assert [chunk async for chunk in passed.chunks()] == [b'{"odd":  1}']
    sent = server.requests[0].lower()
    assert sent.endswith(b'\r\n\r\n{"a":  1}')
    assert b"x-custom: kept" in sent
    assert b"authorization: bearer sesame" in sent
    assert b"client" not in sent
    assert b"cookie" not in sent


# Lists of models.


async def test_models_are_listed(caller):
    async with ScriptedUpstream(models=("a", "b", "a")).serve() as upstream:
        assert await caller.list_models(at(upstream.base_url)) == ["a", "b"]


@pytest.mark.parametrize("body", [b"", b"1", b"[]", b'{"data": [1]}', b'{"data": {"a": 1}}', b"null", b"<html>"])
async def test_a_list_of_models_that_is_none_is_a_protocol_error(caller, body):
    async with raw_server(once(sized(body))) as server:
        with pytest.raises(UpstreamProtocolError, match="its list of models"):
            await caller.list_models(at(server.origin))
