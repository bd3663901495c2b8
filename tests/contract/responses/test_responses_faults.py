"""Faults, refusals and what is passed through, as OpenAI's SDK is told of them on `/v1/responses`."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import anyio
import openai
import pytest
from openai.types.responses import Response

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.responses_wire import proof_of
from tests.support.covering import (
    ASKED,
    BY_MODEL,
    MESSAGES,
    PLAIN_HTTP,
    RESPONSES,
    RESPONSES_SDK,
    covers,
)
from tests.support.gateways import InProcess, audited

from .asking import ASK_USER, HELLO, SUM, accumulated, asked, results_in, said, streamed, whole

PLAIN = "plain-secret-0123456789"
AGENT = "test-secret-0123456789"
SEARCHER = "searcher-secret-0123456789"
OURS = b'{"error": {"message": "Your input is too long by 7.",  "type": "t", "param": null, "code": "x7"}}'
THEIRS = b'{"type": "error", "error": {"type": "rate_limit_error", "message": "too long: 7 > 6"}}'


@covers(RESPONSES_SDK, RESPONSES, "errors", ASKED)
@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize("secret", [AGENT, PLAIN])
async def test_a_refusal_in_the_clients_own_form_is_passed_on_byte_for_byte(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any, secret: str
):
    upstream.add(Turn(status=400, body=OURS))
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(gateway, "gpt", secret)
    assert caught.value.response.content == OURS


@covers(RESPONSES_SDK, MESSAGES, "errors", ASKED)
@pytest.mark.parametrize("ask", [whole, streamed])
async def test_of_a_refusal_in_another_form_the_words_are_told(
    gateway: InProcess, upstream: ScriptedUpstream, ask: Any
):
    upstream.add(Turn(status=429, body=THEIRS, headers={"retry-after": "7"}))
    with pytest.raises(openai.RateLimitError, match="too long: 7 > 6") as caught:
        await ask(gateway, "claude")
    assert caught.value.response.headers["retry-after"] == "7"
    assert set(json.loads(caught.value.response.content)["error"]) == {"message", "type", "param", "code"}


@covers(RESPONSES_SDK, BY_MODEL, "errors", "streamed")
@pytest.mark.parametrize("fault", [{"cut_after": 4}, {"end_after": 4}, {"malformed_after": 4}, {"error_after": 4}])
@pytest.mark.parametrize("secret", [AGENT, PLAIN])
async def test_a_fault_within_a_stream_is_an_error_event_and_the_end(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, fault: dict[str, int], secret: str
):
    upstream.add(Turn(text="one two three four", **fault))
    is_passed = secret == PLAIN and model == "gpt"
    if is_passed and "cut_after" not in fault:
        return upstream.forget()  # passed through, whatever it is
    with pytest.raises(openai.APIError):
        await accumulated(gateway, model, secret)
    upstream.add(Turn(text="one two three four", **fault))
    async with gateway.http(secret) as http:
        answer = await http.post("/v1/responses", json=asked(model, stream=True))
    frames = [frame for frame in answer.text.split("\n\n") if frame.startswith("event:")]
    kinds = [frame.split("\n")[0].removeprefix("event: ") for frame in frames]
    assert kinds[-2:] == ["error", "response.failed"]
    assert "response.completed" not in kinds
    events = [json.loads(frame.split("\ndata: ")[1]) for frame in frames]
    begun, failed = events[0]["response"], events[-1]["response"]
    assert (failed["status"], failed["error"]["code"]) == ("failed", "server_error")
    assert (failed["id"], failed["model"], failed["tools"]) == (begun["id"], begun["model"], begun["tools"])
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    Response.model_validate(failed)
    return None


async def test_a_response_that_failed_is_an_http_error_before_the_first_byte_whatever_its_status(
    gateway: InProcess, upstream: ScriptedUpstream
):
    failed = {"code": "rate_limit_exceeded", "message": "Try again in 1.5s."}
    body = json.dumps({"id": "r", "object": "response", "status": "failed", "error": failed, "output": []})
    upstream.add(Turn(body=body.encode()))
    with pytest.raises(openai.RateLimitError, match=r"Try again in 1\.5s\.") as caught:
        await whole(gateway, "gpt")
    assert caught.value.code == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": None}, 400, "model"),
        ({"model": "huge"}, 404, "model"),
        ({"input": None}, 400, "input"),
        ({"input": [5]}, 400, "input[0]"),
        ({"input": [{"role": "nobody", "content": ""}]}, 400, "input[0].role"),
        ({"input": [{"role": "user"}]}, 400, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, 400, "input[0].content[0].text"),
        ({"input": [{"type": "function_call", "name": "f"}]}, 400, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": ""}]}, 400, "input[0].call_id"),
        ({"input": [{"type": 5}]}, 400, "input[0].type"),
        ({"input": [{"type": "item_reference", "id": "rs_1"}]}, 404, "input"),
        ({"input": [{"id": "rs_1"}]}, 404, "input"),
        ({"input": [{"type": "item_reference"}]}, 400, "input[0]"),
        ({"previous_response_id": "resp_1"}, 400, "previous_response_id"),
        ({"conversation": "conv_1"}, 400, "conversation"),
        ({"background": True}, 400, "background"),
        ({"instructions": 5}, 400, "instructions"),
        ({"max_output_tokens": "5"}, 400, "max_output_tokens"),
        ({"stream": 1}, 400, "stream"),
        ({"tools": {}}, 400, "tools"),
        ({"tools": [{"type": "function"}]}, 400, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": 5}]}, 400, "tools[0].parameters"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [5]}]}, 400, "tools[0].tools[0].name"),
        ({"tool_choice": "perhaps"}, 400, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, 400, "tool_choice.name"),
        ({"toolgate": {"limit": 1}}, 400, "toolgate.limit"),
    ],
)
async def test_bad_requests_are_errors_in_openais_form_that_name_the_field(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any, status: int, param: str
):
    async with gateway.http() as http:
        answer = await http.post("/v1/responses", json={**asked("gpt"), **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert upstream.requests == []


async def test_what_is_nested_too_deeply_to_be_repeated_is_refused(gateway: InProcess, upstream: ScriptedUpstream):
    body = json.dumps(asked("tiny", metadata={"a": "DEEP"})).replace('"DEEP"', "[" * 260 + "]" * 260)
    async with gateway.http() as http:
        answer = await http.post("/v1/responses", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "fields", [{"previous_response_id": "r"}, {"input": [{"type": "item_reference", "id": "i"}]}]
)
async def test_what_was_not_kept_is_asked_for_with_a_way_out(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any
):
    with pytest.raises(openai.APIStatusError, match=r"not found: send .* in full"):
        await whole(gateway, "gpt", **fields)


@pytest.mark.parametrize("stream", [False, True])
async def test_bytes_pass_through_with_only_the_models_name_changed(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    upstream.add(Turn(reasoning="Hm.", text="Hi.", usage={"input_tokens": 5, "output_tokens": 2}))
    body = b'{"model":  "gpt", "stream": %s, "odd": [1.0], "input": [{"type": "from_the_future"}] }'
    sent = body % (b"true" if stream else b"false")
    async with gateway.http(PLAIN) as http:
        answer = await http.post("/v1/responses", content=sent, headers={"x-codex-window-id": "7"})
    assert answer.status_code == 200
    assert upstream.requests[0].raw == sent.replace(b'"gpt"', b'"gpt-9"')
    assert upstream.requests[0].headers["x-codex-window-id"] == "7"
    assert upstream.requests[0].headers["authorization"] == "Bearer the-operators-own"
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert (run.usage.input_tokens, run.usage.output_tokens) == (5, 2)


async def test_the_usage_is_found_behind_a_long_answer(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="word " * 40_000, usage={"input_tokens": 5, "output_tokens": 40_000}))
    async with gateway.http(PLAIN) as http:
        answer = await http.post("/v1/responses", json=asked("gpt", stream=True))
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert run.usage.output_tokens == 40_000


async def test_unknown_items_and_fields_survive_a_run_in_the_same_dialect(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="42."))
    items: Any = [*HELLO, {"type": "from_the_future", "id": "x", "odd": [None]}, {"role": "user", "content": "?"}]
    await whole(gateway, "gpt", input=items, extra_body={"odd": {"a": [1, None]}}, text={"verbosity": "low"})
    for request in upstream.requests:
        assert request.body["input"][:3] == items
        assert (request.body["odd"], request.body["text"]) == ({"a": [1, None]}, {"verbosity": "low"})


@pytest.mark.parametrize(
    ("fields", "param", "name"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]", "web_search"),
        ({"tools": [{"type": "web_search_preview_2025_03_11"}]}, "tools[0]", "web_search"),
        ({"tools": [ASK_USER, {"type": "code_interpreter", "container": {"type": "auto"}}]}, "tools[1]", None),
        ({"tools": [{"type": "file_search", "vector_store_ids": []}]}, "tools[0]", "file_search"),
        ({"tools": [{"type": "computer_use_preview"}]}, "tools[0]", "computer_use"),
        ({"tools": [{"type": "image_generation"}]}, "tools[0]", "image_generation"),
        ({"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://x.example"}]}, "tools[0]", "mcp"),
        ({"tools": [{"type": "shell"}]}, "tools[0]", "shell"),
        ({"tools": [{"type": "tool_search"}]}, "tools[0]", "tool_search"),
        ({"input": [{"type": "additional_tools", "tools": [{"type": "mcp"}]}]}, "input[0].tools[0]", "mcp"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "prompt"),
    ],
)
@pytest.mark.parametrize("secret", [AGENT, PLAIN])
async def test_tools_that_the_provider_runs_are_denied_by_default(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any, param: str, name: str | None, secret: str
):
    async with gateway.http(secret) as http:
        answer = await http.post("/v1/responses", json=asked("gpt", **fields))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (403, "tool_denied", param)
    assert f"provider/{name or 'code_interpreter'}" in error["message"]
    assert upstream.requests == []


async def test_a_policy_allows_them_and_tools_of_the_clients_own_need_none(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Found."))
    tools: list[Any] = [{"type": "web_search"}, {"type": "local_shell"}, {"type": "apply_patch"}]
    await whole(gateway, "gpt", SEARCHER, tools=tools)
    assert upstream.requests[0].body["tools"] == tools
    for tool in (tools[0], tools[1]):
        with pytest.raises(openai.BadRequestError, match=r"tools\[0\]"):
            await whole(gateway, "tiny", SEARCHER, tools=[tool])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tool_calls": 5}, "max_tool_calls"),
        ({"truncation": "auto"}, "truncation"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"something_new": True}, "something_new"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"input": [*HELLO, {"type": "compaction", "encrypted_content": "x"}]}, "compaction"),
    ],
)
@pytest.mark.parametrize("other", ["tiny", "claude"])
async def test_what_another_dialect_cannot_say_is_refused_by_name_and_passes_in_the_same(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any, param: str, other: str
):
    async with gateway.http() as http:
        refused = await http.post("/v1/responses", json=asked(other, **fields))
        upstream.add(Turn(text="Hi."))
        passed = await http.post("/v1/responses", json=asked("gpt", **fields))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "not_translatable")
    assert param in refused.json()["error"]["message"]
    assert passed.status_code == 200
    sent = upstream.requests[0].body
    assert {name: sent[name] for name in fields if name != "include"} == {
        name: value for name, value in fields.items() if name != "include"
    }


async def test_a_choice_among_some_tools_is_said_in_both_of_openais_formats_and_refused_elsewhere(
    gateway: InProcess, upstream: ScriptedUpstream
):
    choice: Any = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "ask_user"}],
    }
    upstream.add(Turn(text="Hi."), Turn(text="Hi."), Turn(text="Hi."))
    await whole(gateway, "tiny", PLAIN, tools=[ASK_USER], tool_choice=choice)
    said_to_chat = upstream.requests[0].body["tool_choice"]
    function = {"type": "function", "function": {"name": "ask_user"}}
    assert said_to_chat == {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [function]},
    }
    tool = {"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}
    async with gateway.http(PLAIN) as http:
        body = {"messages": HELLO, "tools": [tool], "tool_choice": said_to_chat}
        passed = await http.post("/v1/chat/completions", json={"model": "gpt", **body})
        refused = await http.post("/v1/chat/completions", json={"model": "claude", **body})
    assert passed.status_code == 200
    assert upstream.requests[1].body["tool_choice"] == choice
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tool_choice")
    await whole(gateway, "gpt", tools=[ASK_USER], tool_choice=choice)
    assert upstream.requests[2].body["tool_choice"] == choice


@covers(PLAIN_HTTP, RESPONSES, "whole", "streamed", "gateway tools")
@pytest.mark.parametrize("client", ["chat", "messages"])
async def test_clients_of_other_dialects_reach_a_provider_of_responses_with_tools(
    gateway: InProcess, upstream: ScriptedUpstream, client: str
):
    turns = [Turn(reasoning="Hm.", text="Let me see.", calls=(SUM,)), Turn(text="42.")]
    upstream.add(*turns, *turns)
    chat = {"messages": HELLO, "reasoning_effort": "low"}
    messages = {"messages": HELLO, "max_tokens": 50, "output_config": {"effort": "low"}}
    path, body = {"chat": ("/v1/chat/completions", chat), "messages": ("/v1/messages", messages)}[client]
    async with gateway.http() as http:
        answer = (await http.post(path, json={"model": "gpt", **body})).json()
        stream = (await http.post(path, json={"model": "gpt", "stream": True, **body})).text
    text = answer["choices"][0]["message"]["content"] if client == "chat" else answer["content"][-1]["text"]
    assert text == "Let me see.\n\n42."
    assert stream.endswith("data: [DONE]\n\n" if client == "chat" else '"message_stop"}\n\n')
    first, second = upstream.requests[0].body, upstream.requests[1].body
    assert (first["store"], first["reasoning"]) == (False, {"effort": "low"})
    assert all(tool["strict"] is False for tool in first["tools"])
    assert results_in(second) == ["42"]
    assert [item["type"] for item in second["input"][1:]] == [
        *("reasoning", "message", "function_call", "function_call_output")
    ]
    assert second["input"][1]["encrypted_content"] == proof_of("Hm.")
    assert proof_of("Hm.") not in json.dumps(answer) + stream


async def test_a_client_that_drops_thoughts_gets_them_put_back_for_its_own_tools(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="Hm.", calls=(Call("ask_user", {"a": 1}),)), Turn(text="Thanks."))
    tool: Any = {"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}
    more: Any = {"model": "gpt", "tools": [tool], "reasoning_effort": "low"}
    async with gateway.client() as sdk:
        first = await sdk.chat.completions.create(messages=HELLO, **more)
        (call,) = first.choices[0].message.tool_calls or []
        told = {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]}
        result = {"role": "tool", "tool_call_id": call.id, "content": "yes"}
        await sdk.chat.completions.create(messages=[*HELLO, told, result], **more)
    sent = upstream.requests[1].body["input"]
    assert [item["type"] for item in sent[1:]] == ["reasoning", "function_call", "function_call_output"]
    assert sent[1]["encrypted_content"] == proof_of("Hm.")


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"n": 2}, "n"), ({"seed": 7}, "seed"), ({"stop": "END"}, "stop"), ({"top_k": 4}, "top_k")],
)
async def test_what_responses_cannot_be_told_is_refused_to_others_by_name(
    gateway: InProcess, upstream: ScriptedUpstream, fields: Any, param: str
):
    async with gateway.http(PLAIN) as http:
        answer = await http.post("/v1/chat/completions", json={"model": "gpt", "messages": HELLO, **fields})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_a_websocket_is_refused_at_once_with_the_status_at_which_clients_fall_back(gateway: InProcess):
    place = urlsplit(gateway.origin)
    asked_for = (
        f"GET /v1/responses HTTP/1.1\r\nhost: {place.netloc}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    def ask() -> tuple[int, bytes]:
        with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
            connection.sendall(asked_for.encode())
            answer = HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read()

    status, body = await anyio.to_thread.run_sync(ask)
    assert (status, json.loads(body)["error"]["code"]) == (426, "upgrade_required")
    async with gateway.http() as http:
        plain = await http.get("/v1/responses")
    assert (plain.status_code, plain.headers["allow"]) == (405, "POST")


async def test_the_history_of_a_client_with_tools_of_its_own_passes_byte_for_byte(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(reasoning="Hm.", calls=(Call("ask_user", "{}"),)), Turn(text="Thanks."))
    first = await whole(gateway, "gpt", PLAIN, tools=[ASK_USER], include=["reasoning.encrypted_content"])
    result = {"type": "function_call_output", "call_id": first.output[-1].call_id, "output": "yes"}
    await whole(gateway, "gpt", PLAIN, input=[*HELLO, *said(first), result], tools=[ASK_USER])
    assert upstream.requests[1].body["input"][1:] == [*said(first), result]
