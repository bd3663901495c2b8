"""A client that lost its answer, or that left."""

from __future__ import annotations

import openai
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import InProcess, audited

from .asking import HELLO, SUM, whole

WRITE = Call("demo__write_note", {"name": "once", "text": "only"})
REQUEST = {"model": "tiny", "messages": HELLO}


async def test_the_official_sdks_own_retry_joins_the_run_whose_answer_was_lost(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SUM,)), Turn(status=503), Turn(text="Done."))
    async with gateway.client(max_retries=1) as client:
        raw = await client.chat.completions.with_raw_response.create(**REQUEST)
    assert raw.parse().choices[0].message.content == "Done."
    _, calls = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert [call.tool for call in calls] == ["calculate"], "the call that had run was not run again"
    assert len(upstream.requests) == 3


async def test_a_retry_of_a_request_that_ended_well_is_told_the_same_answer(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(WRITE,)), Turn(text="Written."))
    first = await whole(gateway)
    second = await whole(gateway, extra_headers={"x-stainless-retry-count": "1"})
    assert (second.id, second.choices[0].message.content) == (first.id, "Written.")
    assert len(upstream.requests) == 2


async def test_the_same_request_without_a_sign_of_a_retry_is_a_new_run(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="One."), Turn(text="Two."))
    assert (await whole(gateway)).choices[0].message.content == "One."
    assert (await whole(gateway)).choices[0].message.content == "Two."


async def test_the_same_request_after_one_that_broke_off_half_done_does_not_write_again(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(WRITE,)), Turn(status=503), Turn(text="Written."))
    with pytest.raises(openai.InternalServerError):
        await whole(gateway)
    async with gateway.client() as client:
        raw = await client.chat.completions.with_raw_response.create(**REQUEST)
    assert raw.parse().choices[0].message.content == "Written."
    _, calls = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert [call.tool for call in calls] == ["write_note"], "what was written is not written again"


async def test_an_idempotency_key_finds_the_run_exactly(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Once."))
    headers = {"idempotency-key": "k-1"}
    first = await whole(gateway, extra_headers=headers)
    second = await whole(gateway, extra_headers=headers)
    assert first.id == second.id
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        await whole(gateway, extra_headers=headers, temperature=0.5)
    assert caught.value.code == "idempotency_mismatch"


async def test_the_same_body_in_another_dialect_is_another_request(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Once."), Turn(text="Anew."))
    body = {**REQUEST, "max_tokens": 50}
    retried = {"x-stainless-retry-count": "1"}
    async with gateway.http() as http:
        chat = await http.post("/v1/chat/completions", json=body)
        messages = await http.post("/v1/messages", json=body, headers=retried)
    assert chat.json()["choices"][0]["message"]["content"] == "Once."
    assert messages.json()["content"][0]["text"] == "Anew."


async def test_two_keys_never_share_a_run(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="One."), Turn(text="Two."))
    headers = {"idempotency-key": "k-2"}
    assert (await whole(gateway, extra_headers=headers)).choices[0].message.content == "One."
    other = await whole(gateway, "other-secret-0123456789", extra_headers=headers)
    assert other.choices[0].message.content == "Two."


async def leave_after(gateway: InProcess, marker: str) -> str:
    """Ask for a stream, and close the connection once `marker` has come; the run's id."""
    request = {**REQUEST, "stream": True, "toolgate": {"events": True}}
    seen = ""
    async with gateway.http() as http, http.stream("POST", "/v1/chat/completions", json=request) as answer:
        async for text in answer.aiter_text():
            seen += text
            if marker in seen:
                break
    return answer.headers["x-toolgate-run-id"]


async def test_a_client_that_leaves_stops_the_model(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="one two three", stall_after=2))
    run_id = await leave_after(gateway, "one")
    await upstream.wait_for_clients_left(1)
    run, _ = await audited(gateway.shared, run_id)
    assert run.outcome == "client_left"


async def test_when_a_client_leaves_a_read_only_tool_is_cancelled(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(Call("demo__slow", {"seconds": 60}),)))
    run, calls = await audited(gateway.shared, await leave_after(gateway, "tool_call_progress"))
    assert (run.outcome, [call.outcome for call in calls]) == ("client_left", ["cancelled"])


async def test_when_a_client_leaves_a_call_that_may_write_finishes_and_is_recorded(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(Call("demo__slow_write", {"seconds": 0.5}),)))
    run, calls = await audited(gateway.shared, await leave_after(gateway, "tool_call_started"))
    assert (run.outcome, [call.outcome for call in calls]) == ("client_left", ["ok"])
