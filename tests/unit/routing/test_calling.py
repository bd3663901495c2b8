"""How a deployment that answers is found: order, retries, keys, breakers, gates, hedging."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.errors import InvalidRequest, UpstreamBusy, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from gateway.routing import RoutingSettings
from gateway.routing.gates import Gate
from tests.unit.routing.deployments import Script, World, deployment, refused, route, unreachable

SILENT = RoutingSettings(retries=0)


async def begin(world, way, script, **fields):
    begun = await world.calls.begin(way, script, is_stream=False, **fields)
    begun.use.succeeded()
    return begun.answer


async def test_deployments_are_asked_in_order_until_one_answers():
    script = Script({"a": [refused("a", 503)], "b": [unreachable("b")], "c": ["hello"]})
    world = World()
    assert await begin(world, route(deployment("a"), deployment("b"), deployment("c")), script) == "hello"
    assert script.asked == ["a", "b", "c"]
    assert world.slept == []  # another deployment is better than waiting


async def test_the_request_itself_at_fault_ends_it_at_once():
    script = Script({"a": [refused("a", 400)], "b": ["hello"]})
    with pytest.raises(UpstreamRefused):
        await begin(World(), route(deployment("a"), deployment("b")), script)
    assert script.asked == ["a"]


async def test_after_all_have_failed_those_that_may_do_better_are_asked_again_after_a_pause():
    script = Script({"a": [refused("a", 500), "hello"], "b": [refused("b", 404)]})
    world = World(chance=0.5)
    assert await begin(world, route(deployment("a"), deployment("b")), script) == "hello"
    assert script.asked == ["a", "b", "a"]
    assert world.slept == [0.25]  # half of the first half second


@pytest.mark.parametrize("chance", [0.0, 0.3, 0.999])
async def test_pauses_double_and_have_full_jitter(chance: float):
    world = World(RoutingSettings(retries=7, retry_within=600, breaker_failures=0), chance=chance)
    script = Script({"a": [refused("a", 500) for _ in range(8)]})
    with pytest.raises(UpstreamRefused):
        await begin(world, route(quiet(deployment("a"))), script)
    assert world.slept == pytest.approx([chance * pause for pause in (0.5, 1, 2, 4, 8, 8, 8)])


def quiet(one):
    """A deployment whose breaker never opens."""
    one.condition.breaker.most = 0
    return one


async def test_retries_are_bounded_in_number():
    script = Script({"a": [refused("a", 500) for _ in range(9)]})
    with pytest.raises(UpstreamRefused):
        await begin(World(RoutingSettings(retries=3)), route(deployment("a")), script)
    assert len(script.asked) == 4


async def test_retries_are_bounded_in_time():
    world = World(RoutingSettings(retries=9, retry_within=20))
    script = Script({"a": [refused("a", 429, retry_after="8") for _ in range(9)]})
    with pytest.raises(UpstreamRefused):
        await begin(world, route(deployment("a")), script)
    assert world.slept == [8, 8]  # a third pause would end after 24 s


async def test_a_provider_is_not_asked_before_the_time_that_it_asks_for():
    world = World(chance=0.5)
    script = Script({"a": [refused("a", 429, retry_after="7"), "hello"]})
    assert await begin(world, route(deployment("a")), script) == "hello"
    assert world.slept == [7.25]


async def test_a_pause_that_is_too_long_is_left_to_the_client():
    world = World()
    script = Script({"a": [refused("a", 429, retry_after="120")]})
    with pytest.raises(UpstreamRefused) as caught:
        await begin(world, route(deployment("a")), script)
    assert caught.value.answer.headers["retry-after"] == "120"
    assert world.slept == []


async def test_of_several_that_ask_for_pauses_the_one_with_the_shortest_is_asked_again():
    world = World()
    later = refused("b", 429, retry_after="3")
    script = Script({"a": [refused("a", 429, retry_after="20")], "b": [later, "hello"]})
    assert await begin(world, route(deployment("a"), deployment("b")), script) == "hello"
    assert script.asked == ["a", "b", "b"]
    assert world.slept == [3]


async def test_what_asked_to_be_left_alone_is_asked_last_by_the_next_calls():
    world = World(SILENT)
    a, b = deployment("a"), deployment("b")
    script = Script({"a": [refused("a", 429, retry_after="30"), "again"], "b": ["one", "two"]})
    assert [await begin(world, route(a, b), script) for _ in range(2)] == ["one", "two"]
    assert script.asked == ["a", "b", "b"]
    world.now += 31
    assert await begin(world, route(a, b), script) == "again"


async def test_a_provider_that_says_not_to_retry_is_not_asked_again():
    script = Script({"a": [refused("a", 500, x_should_retry="false")]})
    with pytest.raises(UpstreamRefused):
        await begin(World(), route(deployment("a")), script)
    assert script.asked == ["a"]


async def test_who_was_slow_is_not_asked_again():
    script = Script({"a": [UpstreamTimeout("slow", provider="a")]})
    with pytest.raises(UpstreamTimeout):
        await begin(World(), route(deployment("a")), script)
    assert script.asked == ["a"]


async def test_the_failure_that_tells_most_is_the_one_that_is_told():
    script = Script({"a": [refused("a", 429, retry_after="60")], "b": [refused("b", 401)]})
    with pytest.raises(UpstreamRefused) as caught:
        await begin(World(), route(deployment("a"), deployment("b")), script)
    assert caught.value.answer.status == 429


async def test_a_deployment_that_cannot_be_told_the_request_is_passed_over():
    cannot = InvalidRequest("seed cannot be said", param="seed")
    script = Script({"a": [cannot], "b": ["hello"]})
    assert await begin(World(), route(deployment("a"), deployment("b")), script) == "hello"


async def test_where_none_can_be_told_the_request_the_client_learns_why():
    script = Script({"a": [InvalidRequest("first", param="seed")], "b": [InvalidRequest("second")]})
    with pytest.raises(InvalidRequest, match="first"):
        await begin(World(), route(deployment("a"), deployment("b")), script)


async def test_what_failed_is_told_rather_than_that_another_could_not_be_told_the_request():
    script = Script({"a": [refused("a", 503)], "b": [InvalidRequest("seed cannot be said")]})
    with pytest.raises(UpstreamRefused):
        await begin(World(SILENT), route(deployment("a"), deployment("b")), script)


async def test_a_run_goes_on_with_the_deployment_that_it_began_with():
    a, b = deployment("a"), deployment("b")
    script = Script({"a": ["never"], "b": ["hello"]})
    assert await begin(World(), route(a, b), script, first=b) == "hello"


async def test_but_not_while_that_one_wants_to_be_left_alone():
    a, b = deployment("a"), deployment("b")
    b.condition.rest(0, 1010.0)
    script = Script({"a": ["hello"]})
    assert await begin(World(), route(a, b), script, first=b) == "hello"


# Keys.


@pytest.mark.parametrize(
    "error", [refused("a", 429, retry_after="9"), refused("a", 401), refused("a", 402), refused("a", 403)]
)
async def test_the_next_key_is_tried_when_one_is_not_liked(error):
    one = deployment("a", keys=3)
    script = Script({"a": [error, error, "hello", "again"]})
    world = World()
    assert await begin(world, route(one), script) == "hello"
    assert script.keys == ["key-0", "key-1", "key-2"]
    assert await begin(world, route(one), script) == "again"
    assert script.keys[3:] == ["key-2"]  # the others rest


async def test_a_key_that_has_rested_is_used_again():
    one = deployment("a", keys=2)
    script = Script({"a": [refused("a", 429, retry_after="9"), "one", "two"]})
    world = World()
    assert await begin(world, route(one), script) == "one"
    world.now += 10
    assert await begin(world, route(one), script) == "two"
    assert script.keys == ["key-0", "key-1", "key-0"]


async def test_a_fault_that_is_not_the_keys_uses_up_no_other_key():
    one = deployment("a", keys=3)
    script = Script({"a": [refused("a", 500)], "b": ["hello"]})
    assert await begin(World(), route(one, deployment("b")), script) == "hello"
    assert script.keys == ["key-0", "key-0"]


async def test_when_all_keys_are_used_up_the_next_deployment_is_tried():
    script = Script({"a": [refused("a", 402), refused("a", 429)], "b": ["hello"]})
    assert await begin(World(), route(deployment("a", keys=2), deployment("b")), script) == "hello"
    assert script.asked == ["a", "a", "b"]


async def test_while_all_keys_rest_the_one_that_rests_the_shortest_is_used():
    one = deployment("a", keys=2)
    one.condition.rest(0, 1060.0)
    one.condition.rest(1, 1005.0)
    script = Script({"a": ["hello"]})
    assert await begin(World(), route(one), script) == "hello"
    assert script.keys == ["key-1"]


# Breakers and gates.


async def test_a_deployment_that_keeps_failing_is_left_alone_and_comes_back_with_a_probe():
    one = deployment("a")
    one.condition.breaker.most, one.condition.breaker.seconds = 3, 10.0
    world = World(SILENT)
    script = Script({"a": [unreachable("a") for _ in range(3)] + ["hello"]})
    for _ in range(3):
        with pytest.raises(UpstreamUnreachable):
            await begin(world, route(one), script)
    with pytest.raises(UpstreamBusy) as caught:
        await begin(world, route(one), script)
    assert (len(script.asked), caught.value.retry_after) == (3, 10.0)
    world.now += 10
    assert await begin(world, route(one), script) == "hello"


async def test_a_call_whose_own_failure_opens_the_breaker_is_told_of_that_failure():
    one = deployment("a")
    one.condition.breaker.most = 1
    script = Script({"a": [unreachable("a")]})
    with pytest.raises(UpstreamUnreachable):
        await begin(World(), route(one), script)
    assert script.asked == ["a"]


async def test_the_next_deployment_is_tried_for_one_that_is_left_alone():
    one = deployment("a")
    one.condition.breaker.most = 1
    world = World(SILENT)
    script = Script({"a": [unreachable("a")], "b": ["one", "two"]})
    assert [await begin(world, route(one, deployment("b")), script) for _ in range(2)] == ["one", "two"]
    assert script.asked == ["a", "b", "b"]


async def test_refusals_and_limits_do_not_open_a_breaker():
    one = deployment("a")
    one.condition.breaker.most = 1
    script = Script({"a": [refused("a", status) for status in (400, 401, 404, 429)] + ["hello"]})
    world = World(SILENT)
    for _ in range(4):
        with pytest.raises(UpstreamRefused):
            await begin(world, route(one), script)
    assert await begin(world, route(one), script) == "hello"


async def test_a_probe_whose_client_leaves_leaves_its_place_to_the_next():
    one = deployment("a")
    one.condition.breaker.most = 1
    world = World(SILENT)
    script = Script({"a": [unreachable("a"), anyio.get_cancelled_exc_class()(), "hello"]})
    with pytest.raises(UpstreamUnreachable):
        await begin(world, route(one), script)
    world.now += 10
    with pytest.raises(anyio.get_cancelled_exc_class()):
        await begin(world, route(one), script)
    assert await begin(world, route(one), script) == "hello"


async def test_an_answer_that_breaks_off_counts_as_a_failure():
    one = deployment("a")
    one.condition.breaker.most = 1
    world = World(SILENT)
    begun = await world.calls.begin(route(one), Script({"a": ["half"]}), is_stream=True)
    begun.use.failed(unreachable("a"))
    assert one.condition.breaker.state(world.now) == "open"
    assert one.condition.active == 0


async def test_a_provider_at_its_limit_leads_to_the_next_deployment():
    full = Gate(1, 0, 60)
    assert await full.enter()
    script = Script({"b": ["hello"]})
    assert await begin(World(), route(replace(deployment("a"), gate=full), deployment("b")), script) == "hello"


async def test_where_every_provider_is_at_its_limit_the_client_is_told_so():
    full = Gate(1, 0, 60)
    assert await full.enter()
    with pytest.raises(UpstreamBusy, match=r"the provider a has as many calls under way as it may have \(1\)"):
        await begin(World(), route(replace(deployment("a"), gate=full)), Script({}))


@pytest.mark.parametrize("outcome", ["hello", refused("a", 400), InvalidRequest("no"), RuntimeError("bug")])
async def test_a_place_is_given_back_whatever_becomes_of_the_call(outcome):
    gate = Gate(1, 0, 60)
    one = replace(deployment("a"), gate=gate)
    with suppress(UpstreamRefused, InvalidRequest, RuntimeError):
        await begin(World(SILENT), route(one), Script({"a": [outcome]}))
    assert (gate.inside, one.condition.active) == (0, 0)


# Hedging.


class Hedged:
    """An attempt in which each provider answers when the test lets it."""

    def __init__(self, *names):
        self.answers = {name: anyio.Event() for name in names}
        self.asked = []
        self.cancelled = []
        self.discarded = []
        self.changed = anyio.Event()

    async def begin(self, deployment, provider):
        name = deployment.provider.name
        self.asked.append(name)
        self.changed.set()
        try:
            await self.answers[name].wait()
        except BaseException:
            self.cancelled.append(name)
            raise
        return name

    async def discard(self, answer):
        self.discarded.append(answer)


async def test_a_second_deployment_is_asked_when_the_first_takes_long_and_the_loser_is_cancelled():
    a, b = deployment("a"), deployment("b")
    world, attempt = World(), Hedged("a", "b")
    attempt.answers["b"].set()
    with anyio.fail_after(60):
        assert await begin(world, route(a, b, hedge_after=2.0), attempt) == "b"
    assert attempt.asked == ["a", "b"]
    assert attempt.cancelled == ["a"]
    assert (a.condition.active, b.condition.active) == (0, 0)
    assert 2.0 in world.slept


async def test_the_first_may_still_win():
    a, b = deployment("a"), deployment("b")
    attempt = Hedged("a", "b")
    answers = []

    async def ask():
        answers.append(await begin(World(), route(a, b, hedge_after=2.0), attempt))

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while attempt.asked != ["a", "b"]:
                await anyio.lowlevel.checkpoint()
            attempt.answers["a"].set()
    assert (answers, attempt.cancelled) == (["a"], ["b"])


async def test_two_that_win_at_once_leave_one_answer_and_nothing_behind():
    a, b = deployment("a"), deployment("b")
    attempt = Hedged("a", "b")
    answers = []

    async def ask():
        answers.append(await begin(World(), route(a, b, hedge_after=2.0), attempt))

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while attempt.asked != ["a", "b"]:
                await anyio.lowlevel.checkpoint()
            attempt.answers["a"].set()
            attempt.answers["b"].set()
    assert len(answers) == 1
    lost = {"a", "b"} - set(answers)
    assert set(attempt.cancelled) | set(attempt.discarded) == lost
    assert (a.condition.active, b.condition.active) == (0, 0)


async def test_without_a_hedge_nobody_else_is_asked_however_long_it_takes():
    attempt = Hedged("a", "b")
    async with anyio.create_task_group() as group:
        group.start_soon(begin, World(), route(deployment("a"), deployment("b")), attempt)
        await attempt.changed.wait()
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert attempt.asked == ["a"]


async def test_hedged_deployments_that_all_fail_are_told_like_any():
    script = Script({"a": [refused("a", 503)], "b": [refused("b", 502)]})
    with pytest.raises(UpstreamRefused):
        await begin(World(SILENT), route(deployment("a"), deployment("b"), hedge_after=2.0), script)
    assert script.asked == ["a", "b"]


# What operators are told.


async def test_logs_name_the_provider_and_the_cause_and_no_secret(caplog):
    script = Script({"a": [refused("a", 401), refused("a", 402)], "b": [refused("b", 500), "hello"]})
    with caplog.at_level(logging.INFO, "gateway.routing"):
        await begin(World(), route(deployment("a", keys=2), deployment("b")), script)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "the provider a answered HTTP 401 (credentials); the next one of its keys is tried",
        "the provider a answered HTTP 402 (quota); the next deployment of smart is tried, at b",
        "the provider b answered HTTP 500 (failed); it is asked again in 0.0 s",
    ]


async def test_it_is_logged_when_there_is_nobody_else_to_ask(caplog):
    with pytest.raises(UpstreamRefused):
        await begin(World(SILENT), route(deployment("a")), Script({"a": [refused("a", 529)]}))
    assert caplog.messages == ["the provider a answered HTTP 529 (failed); there is nobody else to ask for smart"]


async def test_what_happens_is_counted():
    calls = World().calls
    script = Script({"a": [refused("a", 404)], "b": [refused("b", 503), "hello"]})
    begun = await calls.begin(route(deployment("a"), quiet(deployment("b"))), script, is_stream=False)
    begun.use.succeeded()
    text = calls.metrics.exposition({}, (), {("a", "m"): "open"}).decode()
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["toolgate_model_attempts_total", "a", "absent", "m"] == 1
    assert found["toolgate_model_attempts_total", "b", "failed", "m"] == 1
    assert found["toolgate_model_attempts_total", "b", "m", "ok"] == 1
    assert found["toolgate_model_fallbacks_total", "a", "b"] == 1
    assert found["toolgate_model_retries_total", "b"] == 1
    assert found["toolgate_model_first_byte_seconds_count", "b"] == 1
    assert found["toolgate_model_breakers", "a", "m", "open"] == 1
    assert found["toolgate_model_breakers", "a", "closed", "m"] == 0
