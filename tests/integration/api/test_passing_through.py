"""A request to which the gateway adds nothing: up go the client's bytes, and down come the provider's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.gateways import InProcess, audited

CUT = ("upstream_unreachable", "upstream_protocol_error")
PLAIN = "plain-secret-0123456789"
BODY = (
    b'{ "messages" : [ {"role":"user","content":"h\\u00e9 \xc3\xa9"} ],\n\t"model":"fast", "temperature": 1.0, '
    b'"unknown_field": {"deep": [1, 2.50, null]}, "seed": 12345678901234567890, "stream": %s}'
)
ANSWER = (
    b'{"id": "up-1",  "object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",'
    b'"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18},"novelty":[1.0]}'
)


async def post(gateway: InProcess, body: bytes, secret: str = PLAIN, **headers: str):
    async with gateway.http(secret) as http:
        return await http.post(
            "/v1/chat/completions", content=body, headers={"content-type": "application/json", **headers}
        )


async def test_only_the_models_name_is_changed_on_the_way_up(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(body=ANSWER))
    await post(gateway, BODY % b"false")
    assert upstream.requests[0].raw == (BODY % b"false").replace(b'"fast"', b'"tiny"')


async def test_the_answers_bytes_and_headers_come_down_as_they_are(gateway: InProcess, upstream: ScriptedUpstream):
    headers = {
        "x-novelty": "1",
        "openai-processing-ms": "12",
        "set-cookie": "a=b",
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
    }
    upstream.add(Turn(body=ANSWER, headers=headers, content_type="application/json; charset=utf-8"))
    answer = await post(gateway, BODY % b"false")
    assert answer.content == ANSWER
    assert (answer.headers["x-novelty"], answer.headers["openai-processing-ms"]) == ("1", "12")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert not {"set-cookie", "x-hop"} & set(answer.headers)


async def test_the_usage_is_recorded_from_what_passes_by(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(body=ANSWER))
    answer = await post(gateway, BODY % b"false")
    run, calls = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (11, 7)
    assert (run.outcome, run.model, run.key_id, run.rounds, calls) == ("ok", "fast", "plain", 1, [])


async def test_no_credential_of_the_client_and_no_header_of_its_connection_reaches_the_provider(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(body=ANSWER))
    await post(
        gateway,
        BODY % b"false",
        **{
            "x-api-key": "mine",
            "api-key": "mine",
            "x-goog-api-key": "mine",
            "cookie": "session=mine",
            "proxy-authorization": "Basic bWluZQ==",
            "connection": "keep-alive, x-private",
            "x-private": "mine",
            "te": "trailers",
            "x-forwarded-for": "10.1.1.1",
            "x-toolgate-note": "mine",
            "x-amz-user-agent": "mine",
            "x-amzn-oidc-data": "mine",
            "x-forwarded-access-token": "mine",
            "x-auth-request-email": "mine",
            "x-goog-iap-jwt-assertion": "mine",
            "x-ms-client-principal": "mine",
            "cf-access-jwt-assertion": "mine",
            "x-tenant": "forged",
            "openai-beta": "b=1",
            "openai-organization": "mine",
            "x-novelty": "kept",
        },
    )
    seen = upstream.requests[0].headers
    assert seen["authorization"] == "Bearer the-providers-own-key"
    assert (seen["x-tenant"], seen["openai-beta"], seen["x-novelty"]) == ("ours", "b=1", "kept")
    assert "mine" not in str(dict(seen))
    assert PLAIN not in str(dict(seen))
    assert not {"te", "x-forwarded-for", "x-private", "cookie"} & set(seen)


@pytest.mark.parametrize("stream", [b"true", b"false"])
@pytest.mark.parametrize("status", [400, 403, 404, 422, 429, 500, 503])
async def test_a_refusal_is_passed_on_untouched(
    gateway: InProcess, upstream: ScriptedUpstream, status: int, stream: bytes
):
    words = b'{"error":  {"message": "Your prompt is too long by 7.", "type": "t", "code": "x7", "more": 1.0}}'
    upstream.add(
        Turn(status=status, body=words, headers={"retry-after": "7", "x-ratelimit-remaining-tokens": "0"})
    )
    answer = await post(gateway, BODY % stream)
    assert (answer.status_code, answer.content) == (status, words)
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-remaining-tokens"]) == ("7", "0")
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.outcome == "upstream_refused"


async def test_that_the_provider_does_not_know_the_operators_key_is_not_told_as_if_the_clients_were_wrong(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(status=401, body=b'{"error": {"message": "Incorrect API key provided: the-prov***key"}}'))
    answer = await post(gateway, BODY % b"false")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unauthorized")
    assert b"the-prov" not in answer.content
    assert "www-authenticate" not in answer.headers


async def test_a_stream_comes_down_whole_with_its_usage_recorded(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="one two three", usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}))
    body = json.loads(BODY % b"true") | {"stream_options": {"include_usage": True}}
    answer = await post(gateway, json.dumps(body).encode())
    events = [line for line in answer.text.split("\n\n") if line]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events[-1] == "data: [DONE]"
    text = "".join(
        choice["delta"].get("content") or ""
        for event in events[:-1]
        for choice in json.loads(event[6:])["choices"]
    )
    assert text == "one two three"
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (3, 5)


async def test_the_usage_of_a_stream_is_known_although_the_client_did_not_ask_for_it_and_is_not_told_it(
    gateway: InProcess, upstream: ScriptedUpstream
):
    turn = Turn(text="one two", usage={"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8})
    asked = json.dumps(json.loads(BODY % b"true") | {"stream_options": {"include_usage": True}}).encode()
    upstream.add(turn, turn)
    answers = [await post(gateway, body) for body in (BODY % b"true", asked)]
    sent = (BODY % b"true").replace(b'"fast"', b'"tiny"')
    assert upstream.requests[0].raw == b'{"stream_options":{"include_usage":true},' + sent[1:]
    assert upstream.requests[1].raw == asked.replace(b'"fast"', b'"tiny"')
    ours, theirs = ([event for event in answer.text.split("\n\n") if event] for answer in answers)
    assert [kind(event) for event in theirs] == [*map(kind, ours[:-1]), "usage", "[DONE]"]
    assert ours[-1] == "data: [DONE]"
    for answer in answers:
        run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
        assert run.usage is not None
        assert (run.usage.input_tokens, run.usage.output_tokens) == (3, 5)


def kind(event: str) -> str:
    """What there is in a chunk."""
    if event == "data: [DONE]":
        return "[DONE]"
    chunk = json.loads(event.removeprefix("data: "))
    return json.dumps(chunk["choices"][0]["delta"]) if chunk["choices"] else "usage"


async def test_a_provider_that_refuses_the_wish_for_the_usage_is_not_told_it_and_the_tokens_are_not_known(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="one two"))
    before = unmetered(gateway)
    answer = await post(gateway, (BODY % b"true").replace(b'"fast"', b'"strict"'))
    assert upstream.requests[0].raw == (BODY % b"true").replace(b'"fast"', b'"tiny"')
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert (run.outcome, run.usage) == ("ok", None)
    assert unmetered(gateway) == before + 1


def chunk(**fields: object) -> bytes:
    return (
        b"data: " + json.dumps({"object": "chat.completion.chunk", "model": "tiny", **fields}).encode() + b"\n\n"
    )


SAID = chunk(choices=[{"index": 0, "delta": {"content": "one"}, "finish_reason": None}])
FINISHED = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
USAGE = chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 5})


def streamed(body: bytes) -> Turn:
    """These bytes, as they are."""
    return Turn(body=body, content_type="text/event-stream")


async def test_the_usage_is_read_from_a_last_line_that_does_not_end_and_taken_out_of_it(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(streamed(SAID + FINISHED + USAGE.rstrip()))
    answer = await post(gateway, BODY % b"true")
    assert answer.content == SAID + FINISHED
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (3, 5)


async def test_an_error_in_the_chunk_that_tells_the_usage_reaches_the_client(
    gateway: InProcess, upstream: ScriptedUpstream
):
    failed = chunk(choices=[], usage={"prompt_tokens": 3}, error={"message": "overloaded", "code": 502})
    upstream.add(streamed(SAID + failed))
    answer = await post(gateway, BODY % b"true")
    assert answer.content == SAID + failed


@pytest.mark.parametrize("status", [400, 422])
async def test_a_provider_that_turns_out_to_refuse_the_wish_is_asked_without_it_from_then_on(
    gateway: InProcess, upstream: ScriptedUpstream, status: int
):
    model = f"picky{status}"
    refusal = b'{"error": {"message": "Extra inputs are not permitted", "loc": ["body", "stream_options"]}}'
    upstream.add(Turn(status=status, body=refusal), *[streamed(SAID + FINISHED + b"data: [DONE]\n\n")] * 2)
    body = (BODY % b"true").replace(b'"fast"', f'"{model}"'.encode())
    answers = [await post(gateway, body) for _ in range(2)]
    assert [answer.content for answer in answers] == [SAID + FINISHED + b"data: [DONE]\n\n"] * 2
    plain = (BODY % b"true").replace(b'"fast"', b'"tiny"')
    asked = b'{"stream_options":{"include_usage":true},' + plain[1:]
    assert [request.raw for request in upstream.requests] == [asked, plain, plain]
    for answer in answers:
        run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
        assert (run.outcome, run.usage) == ("ok", None)


async def test_a_wish_of_the_clients_own_that_is_refused_is_its_to_know(
    gateway: InProcess, upstream: ScriptedUpstream
):
    refusal = b'{"error": {"message": "stream_options is not supported"}}'
    upstream.add(Turn(status=400, body=refusal))
    body = json.loads(BODY % b"true") | {"stream_options": {"include_usage": True}}
    answer = await post(gateway, json.dumps(body).encode())
    assert (answer.status_code, answer.content) == (400, refusal)
    assert len(upstream.requests) == 1


def unmetered(gateway: InProcess) -> float:
    families = text_string_to_metric_families(gateway.gateway.metrics.exposition({}, ()).decode())
    samples = [one for family in families for one in family.samples if one.name == "toolgate_unmetered_runs_total"]
    return sum(sample.value for sample in samples)


async def test_a_stream_that_is_cut_ends_in_an_error_event(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="one two three four", cut_after=3))
    answer = await post(gateway, BODY % b"true")
    assert answer.status_code == 200
    last = [event for event in answer.text.split("\n\n") if event][-1]
    error = json.loads(last.removeprefix("data: "))["error"]
    assert error["code"] in CUT
    assert "one" in answer.text
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.outcome == error["code"]


async def test_a_stream_that_is_cut_before_its_first_byte_is_an_http_error(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="never", cut_after=0))
    answer = await post(gateway, BODY % b"true")
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] in CUT


async def test_when_the_client_leaves_the_provider_is_left_too(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="one two three", stall_after=2))
    path, body = "/v1/chat/completions", BODY % b"true"
    async with gateway.http(PLAIN) as http, http.stream("POST", path, content=body) as answer:
        async for _ in answer.aiter_bytes():
            break
    await upstream.wait_for_clients_left(1)
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.outcome == "client_left"


@pytest.mark.parametrize("more", [{"toolgate": {}}, {"tools": [], "toolgate": {"events": False}}])
async def test_a_client_that_asks_for_the_gateways_own_report_gets_it_and_the_provider_does_not_see_the_field(
    gateway: InProcess, upstream: ScriptedUpstream, more: dict[str, Any]
):
    upstream.add(Turn(text="hi"))
    request = {"model": "fast", "messages": [{"role": "user", "content": "hi"}], **more}
    answer = await post(gateway, json.dumps(request).encode())
    assert answer.json()["toolgate"]["rounds"] == 1
    assert "toolgate" not in upstream.requests[0].body
