"""Faults, refusals and what is passed through, as Anthropic's SDK is told of them."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.covering import ANTHROPIC_SDK, ASKED, BY_MODEL, CHAT, CHAT_SDK, MESSAGES, covers
from tests.support.gateways import InProcess, audited

from .asking import HELLO, SUM, accumulated, asked, client, streamed, text_of, whole

PLAIN = "plain-secret-0123456789"
SEARCHER = "searcher-secret-0123456789"
OURS = b'{"type": "error", "error": {"type": "invalid_request_error",  "message": "prompt is too long: 7 > 6"}}'
THEIRS = b'{"error": {"message": "Your prompt is too long by 7.", "type": "t", "code": "x7"}}'


@covers(ANTHROPIC_SDK, MESSAGES, "errors", ASKED)
@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize("secret", ["test-secret-0123456789", PLAIN])
async def test_a_refusal_in_the_clients_own_form_is_passed_on_byte_for_byte(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any, secret: str
):
    upstream.add(Turn(status=400, body=OURS))
    with pytest.raises(anthropic.BadRequestError) as caught:
        await ask(gateway, "claude", secret)
    assert caught.value.response.content == OURS


@covers(ANTHROPIC_SDK, CHAT, "errors", ASKED)
@pytest.mark.parametrize("ask", [whole, streamed])
async def test_of_a_refusal_in_another_form_the_words_are_told(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(status=429, body=THEIRS, headers={"retry-after": "7"}))
    with pytest.raises(anthropic.RateLimitError) as caught:
        await ask(gateway, "tiny")
    assert caught.value.body == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "Your prompt is too long by 7."},
        "request_id": caught.value.response.headers["request-id"],
    }
    assert caught.value.response.headers["retry-after"] == "7"


@covers(ANTHROPIC_SDK, BY_MODEL, "errors", "streamed")
@pytest.mark.parametrize("fault", [{"cut_after": 4}, {"end_after": 4}, {"malformed_after": 4}, {"error_after": 4}])
@pytest.mark.parametrize("secret", ["test-secret-0123456789", PLAIN])
async def test_a_fault_within_a_stream_is_an_error_event_and_the_end(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, fault: dict[str, int], secret: str
):
    upstream.add(Turn(text="one two three four", **fault))
    if secret == PLAIN and model == "claude" and "cut_after" not in fault:
        return upstream.forget()  # passed through, whatever it is
    with pytest.raises(anthropic.APIStatusError) as caught:
        await accumulated(gateway, model, secret)
    assert caught.value.body["type"] == "error"
    upstream.add(Turn(text="one two three four", **fault))
    async with gateway.http(secret) as http:
        answer = await http.post("/v1/messages", json=asked(model, stream=True))
    assert answer.text.rstrip("\n").split("\n\n")[-1].startswith("event: error\ndata: ")
    assert "message_stop" not in answer.text
    return None


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"messages": HELLO, "max_tokens": 5}, 400, "invalid_request_error"),
        ({"model": "huge", "messages": HELLO, "max_tokens": 5}, 404, "not_found_error"),
        ({"model": "tiny", "messages": HELLO}, 400, "invalid_request_error"),
        ({"model": "tiny", "messages": HELLO, "max_tokens": "5"}, 400, "invalid_request_error"),
        ({"model": "tiny", "messages": "hi", "max_tokens": 5}, 400, "invalid_request_error"),
        ({"model": "tiny", "messages": [{"role": "user"}], "max_tokens": 5}, 400, "invalid_request_error"),
        ({"model": "tiny", "messages": [{"role": "tool", "content": ""}], "max_tokens": 5}, 400, None),
        ({"model": "tiny", "messages": HELLO, "max_tokens": 5, "system": 5}, 400, "invalid_request_error"),
        ({"model": "tiny", "messages": HELLO, "max_tokens": 5, "tools": [{"name": "x"}]}, 400, None),
        ({"model": "tiny", "messages": HELLO, "max_tokens": 5, "tool_choice": "auto"}, 400, None),
        ({"model": "tiny", "messages": HELLO, "max_tokens": 5, "toolgate": {"limit": 1}}, 400, None),
    ],
)
async def test_bad_requests_are_errors_in_anthropics_form(
    gateway: InProcess, upstream: ScriptedUpstream, body: Any, status: int, kind: str | None
):
    async with gateway.http() as http:
        answer = await http.post("/v1/messages?beta=true", json=body)
    told = answer.json()
    assert (answer.status_code, told["type"]) == (status, "error")
    assert told["error"]["type"] == (kind or "invalid_request_error")
    assert told["request_id"] == answer.headers["request-id"]
    assert upstream.requests == []


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_either_header_holds_the_key(gateway: InProcess, upstream: ScriptedUpstream, header: str):
    upstream.add(Turn(text="Hi."))
    value = {"authorization": "Bearer test-secret-0123456789", "x-api-key": "test-secret-0123456789"}[header]
    async with gateway.http(None) as http:
        answer = await http.post("/v1/messages", json=asked("claude"), headers={header: value})
        refused = await http.post("/v1/messages", json=asked("claude"), headers={header: "wrong"})
        method = await http.get("/v1/messages")
    assert answer.status_code == 200
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")
    assert refused.headers["x-should-retry"] == "false"
    assert (method.status_code, method.json()["type"]) == (405, "error")


async def test_the_operators_key_goes_to_the_provider_and_the_clients_does_not(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hi."), Turn(text="Hi."))
    for secret in ("test-secret-0123456789", PLAIN):
        headers = {"anthropic-beta": "one,two", "anthropic-version": "2099-01-01"}
        await whole(gateway, "claude", secret, extra_headers=headers)
    for request in upstream.requests:
        assert request.headers["x-api-key"] == "the-operators-own"
        assert "authorization" not in request.headers
        assert request.headers["anthropic-version"] == "2099-01-01"
        assert request.headers["anthropic-beta"] == "one,two"


@pytest.mark.parametrize("stream", [False, True])
async def test_bytes_pass_through_with_only_the_models_name_changed(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    upstream.add(Turn(reasoning="Hm.", text="Hi.", usage={"input_tokens": 5, "output_tokens": 2}))
    body = b'{"model":  "claude", "max_tokens": 1e1, "stream": %s, "odd": [1.0], "messages": [] }'
    sent = body % (b"true" if stream else b"false")
    async with gateway.http(PLAIN) as http:
        answer = await http.post(
            "/v1/messages?beta=true", content=sent, headers={"anthropic-version": "2099-01-01"}
        )
    assert answer.status_code == 200
    assert upstream.requests[0].raw == sent.replace(b'"claude"', b'"claude-opus-9"')
    assert upstream.requests[0].headers["anthropic-version"] == "2099-01-01"
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (5, 2)
    assert answer.headers["request-id"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search"),
        ({"tools": [{"type": "code_execution_20260120", "name": "code_execution"}]}, "code_execution"),
        ({"mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}]}, "mcp"),
        ({"fallbacks": [{"model": "claude-mythos-9"}]}, "fallbacks"),
    ],
)
@pytest.mark.parametrize("secret", ["test-secret-0123456789", PLAIN])
async def test_tools_that_the_provider_runs_are_denied_by_default(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any, name: str, secret: str
):
    with pytest.raises(anthropic.PermissionDeniedError, match=f"provider/{name}"):
        await whole(gateway, "claude", secret, extra_body=fields)
    assert upstream.requests == []


async def test_a_policy_allows_them_by_their_name_without_a_date(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Found."))
    tools: list[Any] = [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "bash_20250124", "name": "bash"},
    ]
    await whole(gateway, "claude", SEARCHER, tools=tools)
    assert upstream.requests[0].body["tools"] == tools
    with pytest.raises(anthropic.BadRequestError, match=r"tools\[0\]"):
        await whole(gateway, "tiny", SEARCHER, tools=tools)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"top_k": 5}, "top_k"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"something_new": True}, "something_new"),
        ({"output_config": {"task_budget": {"tokens": 5}}}, "output_config.task_budget"),
        ({"messages": [{"role": "user", "content": [{"type": "search_result", "source": "x"}]}]}, "search_result"),
    ],
)
async def test_what_another_dialect_cannot_say_is_refused_by_name_and_passes_in_the_same(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any, param: str
):
    async with gateway.http() as http:
        refused = await http.post("/v1/messages", json=asked("tiny", **fields))
        upstream.add(Turn(text="Hi."))
        passed = await http.post("/v1/messages", json=asked("claude", **fields))
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")
    assert param in refused.json()["error"]["message"]
    assert passed.status_code == 200
    assert fields.items() <= upstream.requests[0].body.items()


async def test_models_are_listed_as_the_sdk_wants_them(gateway: InProcess, upstream: ScriptedUpstream):
    async with client(gateway) as sdk:
        listed = [model async for model in sdk.models.list(limit=2)]
    assert {("tiny", "tiny"), ("claude", "claude")} <= {(model.id, model.display_name) for model in listed}
    assert listed[0].created_at.tzinfo is not None


async def test_tokens_are_counted_by_the_provider_or_not_at_all(gateway: InProcess, upstream: ScriptedUpstream):
    async with client(gateway) as sdk:
        with pytest.raises(anthropic.NotFoundError):  # which the scripted provider does not have: it was asked
            await sdk.messages.count_tokens(model="claude", messages=HELLO)
        with pytest.raises(anthropic.InternalServerError) as caught:
            await sdk.messages.count_tokens(model="tiny", messages=HELLO)
    assert caught.value.status_code == 501
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.body["type"] == "error"


@covers(CHAT_SDK, MESSAGES, "whole", "streamed", "gateway tools")
async def test_an_openai_client_reaches_claude_with_tools(gateway: InProcess, upstream: ScriptedUpstream):
    turns = [Turn(reasoning="Hm.", text="Let me see.", calls=(SUM,)), Turn(text="42.")]
    upstream.add(*turns, *turns)
    request: Any = {"model": "claude", "messages": [{"role": "system", "content": "Be brief."}, *HELLO]}
    async with gateway.client() as openai:
        answer = await openai.chat.completions.create(**request, temperature=0.5, stop="END", user="u1")
        stream = await openai.chat.completions.create(
            **request, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    assert answer.choices[0].message.content == "Let me see.\n\n42."
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Let me see.\n\n42."
    )
    assert chunks[-1].usage is not None
    body = upstream.requests[0].body
    assert upstream.requests[0].headers["anthropic-version"] == "2023-06-01"
    assert (body["system"], body["temperature"]) == ([{"type": "text", "text": "Be brief."}], 0.5)
    assert (body["stop_sequences"], body["metadata"]) == (["END"], {"user_id": "u1"})
    assert body["max_tokens"] == 32_000
    assert upstream.requests[1].body["messages"][1]["content"][0]["type"] == "thinking"


@covers(CHAT_SDK, MESSAGES, "own tools", "reasoning")
async def test_an_openai_client_that_drops_thoughts_gets_them_put_back_for_its_own_tools(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="Hm.", calls=(Call("ask_user", {"a": 1}),)), Turn(text="Thanks."))
    tool: Any = {"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}
    async with gateway.client() as openai:
        first = await openai.chat.completions.create(model="claude", messages=HELLO, tools=[tool])
        (call,) = first.choices[0].message.tool_calls or []
        said = {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]}
        result = {"role": "tool", "tool_call_id": call.id, "content": "yes"}
        history: Any = [*HELLO, said, result]
        await openai.chat.completions.create(model="claude", messages=history, tools=[tool])
    sent = upstream.requests[1].body["messages"]
    assert [block["type"] for block in sent[1]["content"]] == ["thinking", "tool_use"]
    assert sent[2]["content"] == [{"type": "tool_result", "tool_use_id": call.id, "content": "yes"}]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"seed": 7}, "seed"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [{"type": "custom", "custom": {"name": "shell"}}]}, "tools[0]"),
    ],
)
async def test_what_claude_cannot_be_told_is_refused_to_openai_clients_by_name(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any, param: str
):
    async with gateway.http(PLAIN) as http:
        answer = await http.post("/v1/chat/completions", json={"model": "claude", "messages": HELLO, **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@covers(CHAT_SDK, MESSAGES, "errors")
async def test_a_refusal_of_claudes_is_told_to_openai_clients_in_their_form(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(status=400, body=OURS))
    async with gateway.http(PLAIN) as http:
        answer = await http.post("/v1/chat/completions", json={"model": "claude", "messages": HELLO})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "prompt is too long: 7 > 6"
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_what_the_run_did_is_told_to_those_who_ask(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="42."))
    answer = await whole(gateway, model, extra_body={"toolgate": {}})
    assert text_of(answer) == "42."
    assert [call["tool"] for call in answer.toolgate["tool_calls"]] == ["calculate"]
