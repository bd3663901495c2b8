"""What a run costs: told to who asks, recorded, and held to a limit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import BadRequestError, InternalServerError
from prometheus_client.parser import text_string_to_metric_families

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.contract.loop.asking import HELLO, SUM, TIME, whole
from tests.support.gateways import SECRET, InProcess, audited

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
ONE_CALL = 0.002  # 1000 tokens read at 1 dollar a million, 100 written at 10


async def test_the_cost_of_all_rounds_is_told_and_recorded(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(TIME,), usage=USAGE), Turn(text="Done.", usage=USAGE))
    answer = await whole(gateway, model="priced", extra_body={"toolgate": {}})
    assert answer.toolgate["cost_usd"] == pytest.approx(2 * ONE_CALL)
    run, _ = await audited(gateway.shared, answer.toolgate["run_id"])
    assert run.usage is not None
    assert run.usage.cost_usd == pytest.approx(2 * ONE_CALL)


async def test_a_streamed_run_tells_its_cost_too(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Done.", usage=USAGE))
    async with gateway.client(SECRET) as client:
        asked: Any = {"model": "priced", "messages": HELLO, "stream": True, "extra_body": {"toolgate": {}}}
        chunks = [chunk async for chunk in await client.chat.completions.create(**asked)]
    told = [chunk.toolgate for chunk in chunks if getattr(chunk, "toolgate", None)]
    assert [summary["cost_usd"] for summary in told] == [pytest.approx(ONE_CALL)]


async def test_a_run_that_is_passed_through_is_recorded_with_its_cost(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Done.", usage=USAGE))
    async with gateway.client("plain-secret-0123456789") as client:
        raw = await client.chat.completions.with_raw_response.create(model="priced", messages=HELLO)
    run, _ = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert run.usage is not None
    assert run.usage.cost_usd == pytest.approx(ONE_CALL)


async def test_what_passes_through_and_breaks_off_is_recorded_with_the_cost_told_so_far(
    gateway: InProcess, upstream: ScriptedUpstream
):
    chunk = {"model": "tiny", "choices": [{"index": 0, "delta": {"content": "one"}}], "usage": USAGE}
    body = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    upstream.add(Turn(body=body, content_type="text/event-stream"))
    async with gateway.http("plain-secret-0123456789") as http:
        asked = {"model": "priced", "messages": HELLO, "stream": True}
        answer = await http.post("/v1/chat/completions", json=asked)
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.outcome != "ok"
    assert run.usage is not None
    assert run.usage.cost_usd == pytest.approx(ONE_CALL)


async def test_a_cost_that_is_not_known_is_null(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Done.", usage=USAGE))
    answer = await whole(gateway, model="tiny", extra_body={"toolgate": {}})
    assert answer.toolgate["cost_usd"] is None


async def test_when_the_money_is_used_up_the_model_must_answer_without_tools(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(
        Turn(calls=(TIME,), usage=USAGE), Turn(calls=(SUM,), usage=USAGE), Turn(text="Enough.", usage=USAGE)
    )
    limits = {"usd": 1.5 * ONE_CALL}
    answer = await whole(gateway, model="priced", extra_body={"toolgate": {"limits": limits}})
    assert answer.choices[0].message.content == "Enough."
    assert answer.toolgate["limit"] == "usd"
    assert [call["outcome"] for call in answer.toolgate["tool_calls"]] == ["ok"]
    assert upstream.requests[2].body["tool_choice"] == "none"


async def test_a_limit_on_money_is_refused_where_a_price_is_not_known(
    gateway: InProcess, upstream: ScriptedUpstream
):
    with pytest.raises(BadRequestError) as refused:
        await whole(gateway, model="tiny", extra_body={"toolgate": {"limits": {"usd": 1}}})
    assert refused.value.code == "price_unknown"
    assert refused.value.param == "toolgate.limits.usd"
    assert "'tiny'" in refused.value.message


async def test_usage_that_a_provider_does_not_report_counts_as_too_dear(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(TIME,), body=_without_usage(), content_type="application/json"), Turn(text="Enough."))
    answer = await whole(gateway, model="priced", extra_body={"toolgate": {"limits": {"usd": 1}}})
    assert answer.toolgate["limit"] == "usd"
    assert answer.toolgate["tool_calls"] == []


def _without_usage() -> bytes:
    return (
        b'{"id":"c","object":"chat.completion","created":1,"model":"tiny","choices":[{"index":0,"finish_reason":'
        b'"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",'
        b'"function":{"name":"demo__current_time","arguments":"{}"}}]}}]}'
    )


async def test_what_a_run_cost_is_counted_once_however_often_its_client_asks_for_the_answer(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SUM,), usage=USAGE), Turn(status=503), Turn(text="Done.", usage=USAGE))
    before = counted(gateway)
    headers = {"idempotency-key": "counted-once"}
    with pytest.raises(InternalServerError):
        await whole(gateway, model="priced", extra_headers=headers)
    answers = [await whole(gateway, model="priced", extra_headers=headers) for _ in range(2)]
    assert [answer.choices[0].message.content for answer in answers] == ["Done."] * 2
    assert [after - was for after, was in zip(counted(gateway), before, strict=True)] == [
        pytest.approx(2 * ONE_CALL),
        2 * USAGE["prompt_tokens"],
        2,
    ]


def counted(gateway: InProcess) -> tuple[float, float, float]:
    """Dollars, tokens read, and calls of models, of all runs so far."""
    families = text_string_to_metric_families(gateway.gateway.metrics.exposition({}, ()).decode())
    samples = [sample for family in families for sample in family.samples]

    def total(name: str, **labels: str) -> float:
        return sum(one.value for one in samples if one.name == name and one.labels == labels)

    return (
        total("toolgate_cost_usd_total"),
        total("toolgate_tokens_total", kind="input"),
        total("toolgate_rounds_sum"),
    )
