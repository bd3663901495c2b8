"""Faults: an HTTP error before the first byte, the dialect's own error event after it."""

from __future__ import annotations

from typing import Any

import anyio
import openai
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.conditions import eventually
from tests.support.covering import ASKED, CHAT, CHAT_SDK, covers
from tests.support.gateways import InProcess, audited

from .asking import HELLO, SUM, TIME, streamed, whole

REFUSAL = b'{"error": {"message": "Your prompt is too long by 7.", "type": "invalid_request_error", "code": "x7"}}'


@covers(CHAT_SDK, CHAT, "errors", ASKED)
@pytest.mark.parametrize("ask", [whole, streamed])
async def test_a_providers_refusal_is_passed_on_with_its_status_and_text(
    gateway: InProcess, upstream: ScriptedUpstream, ask
):
    upstream.add(Turn(status=400, body=REFUSAL))
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(gateway)
    assert caught.value.response.content == REFUSAL


async def test_a_provider_that_refuses_our_credentials_is_no_matter_of_the_clients_key(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(status=401, body=b'{"error": {"message": "Incorrect API key provided: sk-ab***yz"}}'))
    with pytest.raises(openai.InternalServerError) as caught:
        await whole(gateway)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unauthorized")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert "sk-ab" not in caught.value.response.text


async def test_a_provider_that_breaks_off_before_the_first_byte_is_an_http_error(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="half of it", cut_after=0))
    with pytest.raises(openai.InternalServerError) as caught:
        await streamed(gateway)
    assert caught.value.status_code == 502
    assert caught.value.code in ("upstream_unreachable", "upstream_protocol_error")


@covers(CHAT_SDK, CHAT, "errors", "streamed")
@pytest.mark.parametrize("fault", [{"cut_after": 2}, {"end_after": 2}, {"malformed_after": 2}, {"error_after": 2}])
async def test_a_fault_within_a_stream_is_an_error_event_and_the_end(
    gateway: InProcess, upstream: ScriptedUpstream, fault: dict[str, int]
):
    upstream.add(Turn(text="one two three four", **fault))
    with pytest.raises(openai.APIError) as caught:
        await streamed(gateway)
    assert not isinstance(caught.value, openai.APIConnectionError)
    upstream.add(Turn(text="one two three four", **fault))
    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", json={"model": "tiny", "messages": HELLO, "stream": True})
    assert answer.status_code == 200
    last = answer.text.rstrip("\n").split("\n\n")[-1]
    assert last.startswith('data: {"error":')
    assert answer.text.endswith("\n\n")


@covers(CHAT_SDK, CHAT, "errors", "whole", "gateway tools")
async def test_a_fault_in_a_later_round_of_a_whole_answer_is_an_http_error(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SUM,)), Turn(status=503))
    with pytest.raises(openai.InternalServerError) as caught:
        await whole(gateway)
    assert caught.value.status_code == 503


async def test_once_a_tool_may_have_written_an_error_says_not_to_retry(
    gateway: InProcess, upstream: ScriptedUpstream
):
    write = Call("demo__write_note", {"name": "n", "text": "t"})
    upstream.add(Turn(calls=(SUM,)), Turn(status=503), Turn(calls=(write,)), Turn(status=503))
    with pytest.raises(openai.InternalServerError) as reading:
        await whole(gateway)
    with pytest.raises(openai.InternalServerError) as writing:
        await whole(gateway)
    assert "x-should-retry" not in reading.value.response.headers
    assert writing.value.response.headers["x-should-retry"] == "false"


async def test_a_server_that_dies_in_mid_call_ends_that_call_and_the_next_one_works(
    gateway: InProcess, upstream: ScriptedUpstream
):
    back = anyio.Event()
    upstream.add(Turn(calls=(Call("demo__crash", {}),)), Turn(calls=(SUM,), wait_for=back), Turn(text="Done."))
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await whole(gateway, extra_body={"toolgate": {}}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await upstream.wait_for_requests(2)
        await eventually(lambda: gateway.is_ready("demo"))  # a call waits for that, but not for ever
        back.set()
    crash, after = answers[0].toolgate["tool_calls"]
    assert (crash["outcome"], crash["is_error"]) == ("server_down", True)
    assert (after["outcome"], after["is_error"]) == ("ok", False)
    assert upstream.requests[2].body["messages"][-1]["content"] == "42"


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"", 400, "invalid_json", None),
        (b"{", 400, "invalid_json", None),
        (b"[]", 400, "invalid_json", None),
        (b"\xff\xfe", 400, "invalid_json", None),
        (b'{"messages": []}', 400, "invalid_request", "model"),
        (b'{"model": 5, "messages": []}', 400, "invalid_request", "model"),
        (b'{"model": "huge", "messages": []}', 404, "model_not_found", "model"),
        (b'{"model": "tiny"}', 400, "invalid_request", "messages"),
        (b'{"model": "tiny", "messages": "hi"}', 400, "invalid_request", "messages"),
        (b'{"model": "tiny", "messages": [{"role": "user", "content": 5}]}', 400, "invalid_request", None),
        (
            b'{"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "tools": 5}',
            400,
            "invalid_request",
            "tools",
        ),
        (
            b'{"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "stream": "yes"}',
            400,
            "invalid_request",
            "stream",
        ),
    ],
)
async def test_bad_requests_name_the_field_before_any_model_is_called(
    gateway: InProcess, upstream: ScriptedUpstream, body: bytes, status: int, code: str, param: str | None
):
    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", content=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    if param is not None:
        assert error["param"] == param
        assert param in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["x-toolgate-run-id"].startswith("run_")
    assert upstream.requests == []


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eA=="}])
async def test_without_a_key_of_ours_the_answer_is_always_the_same(
    gateway: InProcess, upstream: ScriptedUpstream, headers: dict[str, str]
):
    async with gateway.http(None) as http:
        answers = [
            await http.post("/v1/chat/completions", json={"model": "tiny"}, headers=headers),
            await http.get("/v1/models", headers=headers),
            await http.get("/v1/tools", headers=headers),
            await http.post("/v1/tools/demo/calculate", json={}, headers=headers),
        ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["error"]["code"] == "invalid_api_key"


async def test_a_body_over_the_limit_is_refused_before_it_is_read(gateway: InProcess, upstream: ScriptedUpstream):
    async with gateway.http() as http:
        answer = await http.post("/v1/chat/completions", content=b" " * (16 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")


async def test_unknown_urls_and_methods_are_openai_errors_too(gateway: InProcess, upstream: ScriptedUpstream):
    async with gateway.http() as http:
        missing = await http.get("/v1/nothing")
        method = await http.get("/v1/chat/completions")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_url")
    assert (method.status_code, method.json()["error"]["code"]) == (405, "method_not_allowed")
    for answer in (missing, method):
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["x-toolgate-run-id"].startswith("run_")


async def test_a_failed_run_is_recorded_with_what_went_wrong(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(TIME,)), Turn(status=503))
    with pytest.raises(openai.InternalServerError) as caught:
        await whole(gateway, messages=[{"role": "user", "content": "what went wrong?"}])
    run, calls = await audited(gateway.shared, caught.value.response.headers["x-toolgate-run-id"])
    assert (run.outcome, run.rounds, len(calls)) == ("upstream_refused", 1, 1)
