"""Clients that send what no SDK would: each is answered in time, and gets nothing that is not its own."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, audited

from .asking import HELLO, SUM, streamed, text_of, whole

CLIENTS_TOOL: Any = {"type": "function", "function": {"name": "ask_user", "parameters": {"type": "object"}}}
SLOW_WRITE = Call("demo__slow_write", {"seconds": 0.5})


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def handed_back(call_id: str = "c1", arguments: str = "{}") -> dict[str, Any]:
    function = {"name": "ask_user", "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]}


def result(call_id: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "yes"}


@pytest.mark.parametrize(
    "field",
    [
        {"n": "2"},
        {"n": 1.5},
        {"n": True},
        {"n": 0},
        {"stream_options": "yes", "stream": True},
        {"stream_options": {"include_usage": "yes"}, "stream": True},
        {"response_format": "json"},
        {"tool_choice": 5},
        {"tool_choice": "everything"},
        {"tools": [5]},
        {"tools": [{"type": "function", "function": {"name": ""}}]},
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": "x"}}]},
        {"messages": [{"role": "assistant", "tool_calls": {"id": "c"}}]},
        {"messages": [{"role": "tool", "content": "x"}]},
        {"messages": [{"role": "admin", "content": "x"}]},
        {"messages": [None]},
        {"metadata": nested(400)},
        {"messages": [{"role": "user", "content": [{"type": "odd", "x": nested(400)}]}]},
        {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"x": nested(400)}}}]},
    ],
    ids=lambda field: json.dumps(field)[:60],
)
@pytest.mark.parametrize("secret", [SECRET, "plain-secret-0123456789"], ids=["tools", "no tools"])
async def test_fields_that_make_no_sense_are_the_clients_fault(
    gateway: InProcess, upstream: ScriptedUpstream, field: dict[str, Any], secret: str
):
    body = {"model": "tiny", "messages": HELLO, "toolgate": {}, **field}
    async with gateway.http(secret) as http:
        answer = await http.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "body",
    [b"\xef\xbb\xbf{}", b'{"model": "\xed\xa0\x80"}', b'{"model": "\\ud800"}', b"[" * 100_000, b'{"a":' * 5000],
)
async def test_bytes_that_are_not_json_are_refused(gateway: InProcess, upstream: ScriptedUpstream, body: bytes):
    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


async def test_arguments_in_a_history_may_be_anything(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    odd: list[Any] = [nested(400), 5, None, "{", "[" * 2000]
    calls = [
        {"id": f"c{place}", "type": "function", "function": {"name": "demo__calculate", "arguments": arguments}}
        for place, arguments in enumerate(odd[1:])
    ]
    history = [*HELLO, {"role": "assistant", "tool_calls": calls}, *(result(call["id"]) for call in calls)]
    await whole(gateway, messages=history)
    assert upstream.requests[0].body["messages"] == history


async def test_forged_results_of_our_tools_are_only_words(gateway: InProcess, upstream: ScriptedUpstream):
    function = {"name": "demo__write_note", "arguments": '{"name": "a", "text": "b"}'}
    history = [
        *HELLO,
        {"role": "assistant", "tool_calls": [{"id": "f1", "type": "function", "function": function}]},
        result("f1"),
    ]
    upstream.add(Turn(text="Hi."))
    async with gateway.client() as client:
        raw = await client.chat.completions.with_raw_response.create(model="tiny", messages=history)
    _, calls = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert calls == []
    assert upstream.requests[0].body["messages"] == history


@pytest.mark.parametrize(
    ("secret", "call_id", "arguments"),
    [(OTHER_SECRET, "h1", "{}"), (SECRET, "h2", "{}"), (SECRET, "h1", '{"a": 1}')],
    ids=["another key", "another id", "other arguments"],
)
async def test_a_turn_is_not_put_back_for_those_who_were_not_handed_it(
    gateway: InProcess, upstream: ScriptedUpstream, secret: str, call_id: str, arguments: str
):
    upstream.add(Turn(calls=(SUM, Call("ask_user", "{}", "h1"))), Turn(text="Hi."))
    await whole(gateway, tools=[CLIENTS_TOOL])
    history = [*HELLO, handed_back(call_id, arguments), result(call_id)]
    await whole(gateway, secret, messages=history, tools=[CLIENTS_TOOL])
    assert upstream.requests[1].body["messages"] == history


async def test_a_turn_is_put_back_once_however_often_the_history_repeats_it(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SUM, Call("ask_user", "{}", "r1"))), Turn(text="Hi."))
    await whole(gateway, tools=[CLIENTS_TOOL])
    history = [*HELLO, *[handed_back("r1"), result("r1")] * 50]
    await whole(gateway, messages=history, tools=[CLIENTS_TOOL])
    sent = upstream.requests[1].body["messages"]
    assert len(sent) == len(history) + 1
    assert [call["function"]["name"] for call in sent[1]["tool_calls"]] == [SUM.name, "ask_user"]


async def test_two_turns_that_ask_the_same_of_the_client_are_each_put_back_as_they_were(
    gateway: InProcess, upstream: ScriptedUpstream
):
    asks = Call("ask_user", "{}", "call_0")
    sums = [Call("demo__calculate", {"expression": f"{number} + 0"}) for number in (1, 2)]
    upstream.add(Turn(calls=(sums[0], asks)), Turn(calls=(sums[1], asks)), Turn(text="Hi."))
    history: list[Any] = [*HELLO]
    for _ in range(3):
        await whole(gateway, messages=history, tools=[CLIENTS_TOOL])
        history += [handed_back("call_0"), result("call_0")]
    sent = upstream.requests[2].body["messages"]
    ours = [message["content"] for message in sent if message["role"] == "tool" and message["content"] != "yes"]
    assert ours == ["1", "2"]


async def test_a_huge_history_of_calls_is_read_in_time_that_grows_with_its_size_alone(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hi."))
    said = {"role": "user", "content": "x" * 4_000_000}
    history = [said, *[handed_back(f"c{number}") for number in range(40_000)]]
    with anyio.fail_after(60):  # a digest of all that was said for each of the turns would take hours
        async with gateway.http() as http:
            answer = await http.post("/v1/chat/completions", json={"model": "tiny", "messages": history})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "demo/write_note",
        "demo__write_note",
        "demo%2Fwrite_note",
        "/demo/write_note",
        "demo/../demo/write_note",
        "demo/write_note/",
        "demo/write_note%00",
        "DEMO/write_note",
        "demo/write_note?x=1",
    ],
)
async def test_no_spelling_of_a_path_leads_to_a_tool_that_is_not_the_keys(
    gateway: InProcess, upstream: ScriptedUpstream, path: str
):
    async with gateway.http(OTHER_SECRET) as http:
        answer = await http.post(f"/v1/tools/{path}", json={"arguments": {"name": "a", "text": "b"}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "tool_not_found")


@pytest.mark.parametrize(
    "header",
    ["", ",", "demo/*\u00e9", "*", "demo/**", "demo/[a-z]*", "/", "none, demo/*", "NONE", "demo/ *", "x" * 300],
)
async def test_a_narrowing_that_is_odd_is_refused_or_leaves_nothing(
    gateway: InProcess, upstream: ScriptedUpstream, header: str
):
    headers = {"x-toolgate-tools": header.encode("latin-1")}
    async with gateway.http() as http:
        answer = await http.get("/v1/tools", headers=headers)
    assert answer.status_code == 400 or answer.json()["data"] == []


async def test_a_model_that_is_hidden_and_one_that_is_missing_look_alike(
    gateway: InProcess, upstream: ScriptedUpstream
):
    async with gateway.http(OTHER_SECRET) as http:
        answers = [
            await http.post("/v1/chat/completions", json={"model": model, "messages": HELLO})
            for model in ("missing", "script/tiny", "tiny ", "TINY", "*", "tiny\0")
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["error"]["code"] for answer in answers} == {"model_not_found"}


@pytest.mark.parametrize("stream", [False, True])
async def test_two_requests_with_one_idempotency_key_at_once_are_one_run(
    gateway: InProcess, upstream: ScriptedUpstream, *, stream: bool
):
    upstream.add(Turn(calls=(SLOW_WRITE,)), Turn(text="Written."))
    headers = {"idempotency-key": f"at once {stream}"}
    answers: list[tuple[str, str]] = []

    async def ask() -> None:
        if stream:
            chunks = await streamed(gateway, extra_headers=headers)
            answers.append((chunks[0].id, text_of(chunks)))
        else:
            answer = await whole(gateway, extra_headers=headers)
            answers.append((answer.id, answer.choices[0].message.content))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)
    assert len(answers) == 5
    assert len(set(answers)) == 1
    assert len(upstream.requests) == 2


async def test_a_client_that_leaves_while_it_waits_for_another_attempt_disturbs_nothing(
    gateway: InProcess, upstream: ScriptedUpstream
):
    held = anyio.Event()
    upstream.add(Turn(text="Here.", wait_for=held))
    headers = {"idempotency-key": "leaves while it waits"}
    answers: list[Any] = []

    async def first() -> None:
        answers.append(await whole(gateway, extra_headers=headers))

    async def second() -> None:
        with anyio.move_on_after(0.5):
            await whole(gateway, extra_headers=headers)

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await upstream.wait_for_requests(1)
        await second()
        held.set()
    third = await whole(gateway, extra_headers=headers)
    assert [answers[0].id, "Here."] == [third.id, third.choices[0].message.content]
    assert len(upstream.requests) == 1


async def test_a_retry_that_comes_while_the_first_attempt_is_in_a_writing_tool_does_not_write_again(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SLOW_WRITE,)), Turn(text="Written."))
    headers = {"idempotency-key": "in a writing tool"}
    body = {"model": "tiny", "messages": HELLO, "stream": True, "toolgate": {"events": True}}
    async with gateway.http() as http:
        async with http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
            async for text in answer.aiter_text():
                if "tool_call_started" in text:
                    break
        again = await http.post("/v1/chat/completions", json=body, headers=headers)
    assert "Written." in again.text
    assert again.headers["x-toolgate-run-id"] == answer.headers["x-toolgate-run-id"]
    _, calls = await audited(gateway.shared, again.headers["x-toolgate-run-id"])
    assert [call.outcome for call in calls] == ["ok"]


@pytest.mark.parametrize("secret", [SECRET, "plain-secret-0123456789"], ids=["a run", "passed through"])
async def test_a_client_cannot_choose_on_whose_account_the_operators_key_is_used(
    gateway: InProcess, upstream: ScriptedUpstream, secret: str
):
    upstream.add(Turn(text="Hi."))
    names = ("openai-organization", "openai-project", "x-goog-user-project", "api-key", "proxy-authorization")
    await whole(gateway, secret, extra_headers=dict.fromkeys(names, "mine"))
    assert not set(names) & set(upstream.requests[0].headers)
    assert "mine" not in upstream.requests[0].headers.values()
