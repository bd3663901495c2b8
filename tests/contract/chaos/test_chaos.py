"""Providers that misbehave: the client gets an answer from another one, or a well-formed end that says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.messages.asking import results_in
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, gateway_in_process

from .clients import CLIENTS, FAULTS, NO_END, Client
from .conftest import POLICIES, document
from .upstream import (
    Behaviour,
    Chaos,
    Form,
    chaos,
    hang_up,
    head,
    refuse,
    send,
    silence,
    stream,
    whole,
    whole_call,
)

GEMINI = b"""{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down", "details": [
  {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]}}"""
HALF = "é".encode()[:1]
"""Half of a UTF-8 character."""

BEFORE: Mapping[str, Callable[[Form, bool], Behaviour]] = {
    "slow to the first byte": lambda form, streams: silence,
    "hangs up": lambda form, streams: hang_up,
    "stops within the head": lambda form, streams: send(b"HTTP/1.1 200 OK\r\ncontent-ty"),
    "is limited": lambda form, streams: refuse(429, more="retry-after: 7\r\n"),
    "is limited, as Gemini says it": lambda form, streams: refuse(429, GEMINI),
    "fails": lambda form, streams: refuse(500),
    "is overloaded": lambda form, streams: refuse(529),
    "does not take our key": lambda form, streams: refuse(401),
    "answers nothing": lambda form, streams: whole(b""),
    "is a proxy's page": lambda form, streams: whole(b"<html>Welcome</html>", kind="text/html"),
    "stops after the head": lambda form, streams: (
        stream(then=silence) if streams else send(head(length=500), then=silence)
    ),
    "cuts before it says anything": lambda form, streams: (
        stream(then=hang_up) if streams else whole(form.answer[:40], length=len(form.answer))
    ),
    "claims more than it sends": lambda form, streams: (
        stream(then=hang_up) if streams else whole(form.answer, length=len(form.answer) + 100)
    ),
    "claims less than it sends": lambda form, streams: (
        whole(form.beginning[0], length=20, kind="text/event-stream")
        if streams
        else whole(form.answer, length=len(form.answer) - 30)
    ),
    "begins with an error": lambda form, streams: stream(form.error) if streams else refuse(503),
}
"""What may happen before anything of an answer is there. Each is done to a whole answer or to a stream."""

WITHIN: Mapping[str, Callable[[Form], Behaviour]] = {
    "cuts": lambda form: stream(*form.beginning, *form.text, then=hang_up),
    "stalls": lambda form: stream(*form.beginning, *form.text, then=silence),
    "ends too early": lambda form: stream(*form.beginning, *form.text),
    "sends an error": lambda form: stream(*form.beginning, *form.text, form.error),
    "stops in the middle of a character": lambda form: stream(
        *form.beginning, *form.text, form.text[-1].replace(b"once", HALF)[:-9], then=hang_up
    ),
}
"""What may happen in a stream that has said something."""

SILENT = {"slow to the first byte", "stops after the head", "stalls"}


def named(client: Client, fault: str, more: str = "") -> str:
    """The model for a fault: it is waited for only where that ends."""
    return ("impatient-" if fault in SILENT else "") + client.model + more


clients = pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
streams = pytest.mark.parametrize("client", [one for one in CLIENTS if one.is_stream], ids=lambda one: one.name)
ways = pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET], ids=["with tools", "passed through"])


@clients
@pytest.mark.parametrize("fault", BEFORE)
async def test_what_fails_before_anything_was_said_is_done_by_another_in_its_own_dialect(
    gateway: InProcess, first: Chaos, second: ScriptedUpstream, client: Client, fault: str
):
    first.will(BEFORE[fault](client.own, client.is_stream))
    second.add(Turn(text="from the second"))
    assert await client.ask(gateway, named(client, fault)) == "from the second"
    assert len(first.requests) == 1


@clients
@pytest.mark.parametrize("fault", BEFORE)
async def test_the_same_holds_for_bytes_that_pass_through(
    gateway: InProcess, first: Chaos, second: ScriptedUpstream, client: Client, fault: str
):
    first.will(BEFORE[fault](client.own, client.is_stream))
    second.add(Turn(text="from the second"))
    assert await client.ask(gateway, named(client, fault, "-only"), OTHER_SECRET) == "from the second"


@clients
@ways
@pytest.mark.parametrize("fault", BEFORE)
async def test_where_there_is_no_other_the_client_is_told_by_an_http_error_of_its_own(
    gateway: InProcess, first: Chaos, client: Client, secret: str, fault: str
):
    first.will(BEFORE[fault](client.own, client.is_stream))
    with pytest.raises(FAULTS) as caught:
        await client.ask(gateway, named(client, fault, "-alone"), secret)
    assert not isinstance(caught.value, NO_END)
    assert 429 <= caught.value.status_code <= 529


@streams
@ways
@pytest.mark.parametrize("fault", WITHIN)
async def test_what_fails_after_something_was_said_is_told_in_the_stream_and_ends_it(
    gateway: InProcess, first: Chaos, second: ScriptedUpstream, client: Client, secret: str, fault: str
):
    first.will(WITHIN[fault](client.own))
    with pytest.raises(FAULTS) as caught:
        await client.ask(gateway, named(client, fault, "-only"), secret)
    assert not isinstance(caught.value, NO_END)
    assert second.requests == []


async def runs_of_calculator(gateway: InProcess) -> float:
    """How often a tool has run so far."""
    families = text_string_to_metric_families(gateway.gateway.metrics.exposition({}, ()).decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "toolgate_tool_calls_total" and sample.labels["outcome"] == "ok"
    )


SUM = Call("demo__calculate", {"expression": "6 * 7"})


@streams
@pytest.mark.parametrize("fault", ["cuts", "stalls", "ends"])
async def test_a_call_that_breaks_off_has_not_been_seen_and_is_asked_for_elsewhere(
    gateway: InProcess, first: Chaos, second: ScriptedUpstream, client: Client, fault: str
):
    then = {"cuts": hang_up, "stalls": silence, "ends": None}[fault]
    first.will(stream(*client.own.beginning, *client.own.call, then=then))
    second.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    assert await client.ask(gateway, named(client, fault)) == "It is 42."
    assert len(first.requests) == 1


@clients
@pytest.mark.parametrize("fault", ["fails", "hangs up", "slow to the first byte", "is limited", "answers nothing"])
async def test_between_rounds_the_conversation_moves_on_and_no_tool_runs_twice(
    gateway: InProcess, first: Chaos, second: ScriptedUpstream, client: Client, fault: str
):
    asks = whole(whole_call(client.own))
    if client.is_stream:
        asks = stream(*client.own.beginning, *client.own.call, *client.own.call_end)
    first.will(asks, BEFORE[fault](client.own, client.is_stream))
    second.add(Turn(text="It is 42."))
    before = await runs_of_calculator(gateway)
    assert await client.ask(gateway, named(client, fault)) == "It is 42."
    assert await runs_of_calculator(gateway) == before + 1
    assert results_in(second.requests[0].body) == ["42"]


@clients
async def test_a_provider_that_dies_between_rounds_loses_nothing(
    client: Client, second: ScriptedUpstream, tmp_path: Path
):
    async with chaos() as first:
        asks = whole(whole_call(client.own))
        if client.is_stream:
            asks = stream(*client.own.beginning, *client.own.call, *client.own.call_end)

        async def asks_and_dies(peer):
            first.close()
            await asks(peer)

        first.will(asks_and_dies)
        written = document(first.origin, second.base_url)
        async with gateway_in_process(tmp_path, written, POLICIES) as gateway:
            second.add(Turn(text="It is 42."))
            assert await client.ask(gateway, client.model) == "It is 42."
            assert await runs_of_calculator(gateway) == 1
    assert results_in(second.requests[0].body) == ["42"]


@clients
async def test_a_run_stays_with_the_deployment_that_it_began_with(
    gateway: InProcess, first: Chaos, second: ScriptedUpstream, client: Client
):
    first.will(refuse(503))
    second.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    assert await client.ask(gateway, client.model) == "It is 42."
    assert len(first.requests) == 1  # and was not asked again in the second round


@clients
async def test_a_provider_is_asked_again_where_there_is_no_other(client: Client, tmp_path: Path):
    async with chaos() as first:
        written = document(first.origin, first.origin, routing={"retries": 2})
        async with gateway_in_process(tmp_path, written, POLICIES) as gateway:
            good = whole(client.own.answer)
            if client.is_stream:
                good = stream(*client.own.beginning, *client.own.text, *client.own.end)
            first.will(hang_up, refuse(503, more="retry-after-ms: 20\r\n"), good)
            assert await client.ask(gateway, f"{client.model}-alone") in ("from the first", "once upon ")
    assert len(first.requests) == 3
