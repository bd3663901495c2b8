"""Which deployment comes first, under each strategy."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.routing import Price, Rate
from gateway.routing.choosing import Moment, in_order, rested_first
from gateway.routing.latencies import FRESH, MOST, LatencyWindow
from tests.unit.routing.deployments import deployment


def moment(**fields):
    return Moment(**{"now": 1000.0, "chance": lambda: 0.5, "price_of": lambda one: one.price, **fields})


def names(deployments):
    return [one.provider.name for one in deployments]


@given(st.lists(st.floats(min_value=0.1, max_value=100), min_size=2, max_size=6), st.integers(0, 2**32))
def test_by_weight_each_comes_first_about_as_often_as_its_share(weights, seed):
    chance = random.Random(seed).random
    deployments = [deployment(f"p{number}", weight=weight) for number, weight in enumerate(weights)]
    draws = 1000
    firsts = [in_order("weighted", deployments, moment(chance=chance))[0] for _ in range(draws)]
    for one, weight in zip(deployments, weights, strict=True):
        share = weight / sum(weights)
        bound = 6 * (share * (1 - share) / draws) ** 0.5 + 0.01  # six standard deviations
        assert abs(sum(first is one for first in firsts) / draws - share) <= bound


@given(
    st.sampled_from(["priority", "weighted", "least_busy", "lowest_latency", "lowest_cost"]),
    st.lists(
        st.tuples(st.floats(0, 10), st.integers(0, 5), st.lists(st.floats(0, 9), max_size=3)),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 2**32),
)
def test_every_strategy_gives_every_deployment_once(strategy, drawn, seed):
    deployments = []
    for number, (weight, active, latencies) in enumerate(drawn):
        one = deployment(f"p{number}", weight=weight)
        one.condition.active = active
        for seconds in latencies:
            one.condition.whole.add(1000.0, seconds)
        deployments.append(one)
    ordered = in_order(strategy, deployments, moment(chance=random.Random(seed).random))
    assert sorted(names(ordered)) == sorted(names(deployments))


def test_a_weight_of_zero_never_comes_first():
    spare, used = deployment("spare", weight=0), deployment("used", weight=0.001)
    chance = random.Random(7).random
    for strategy in ("weighted", "least_busy"):
        for _ in range(200):
            assert names(in_order(strategy, [spare, used], moment(chance=chance))) == ["used", "spare"]


def test_priority_is_the_order_of_the_file():
    deployments = [deployment(name) for name in "cab"]
    assert names(in_order("priority", deployments, moment())) == ["c", "a", "b"]


def test_the_one_with_the_fewest_calls_for_its_weight_comes_first():
    small, large = deployment("small", weight=1), deployment("large", weight=4)
    small.condition.active, large.condition.active = 1, 6
    assert names(in_order("least_busy", [small, large], moment())) == ["large", "small"]
    large.condition.active = 8
    assert names(in_order("least_busy", [small, large], moment())) == ["small", "large"]


def test_the_quickest_of_late_comes_first_and_the_unknown_before_it():
    slow, quick, unknown = deployment("slow"), deployment("quick"), deployment("unknown")
    slow.condition.whole.add(1000.0, 2.0)
    quick.condition.whole.add(1000.0, 1.0)
    assert names(in_order("lowest_latency", [slow, quick, unknown], moment())) == ["unknown", "quick", "slow"]
    later = moment(now=1000.0 + FRESH + 1)  # when nothing is known any more
    assert names(in_order("lowest_latency", [slow, quick], later)) == ["slow", "quick"]


def test_streams_and_whole_answers_are_not_compared_with_each_other():
    one, two = deployment("one"), deployment("two")
    one.condition.streamed.add(1000.0, 0.1)
    one.condition.whole.add(1000.0, 9.0)
    two.condition.streamed.add(1000.0, 0.2)
    two.condition.whole.add(1000.0, 8.0)
    assert names(in_order("lowest_latency", [one, two], moment(is_stream=True))) == ["one", "two"]
    assert names(in_order("lowest_latency", [one, two], moment())) == ["two", "one"]


def test_the_cheapest_for_this_request_comes_first_and_an_unknown_price_last():
    unknown = deployment("unknown")
    reads = deployment("reads", price=Price(Rate(1.0), Rate(50.0)))
    writes = deployment("writes", price=Price(Rate(10.0), Rate(10.0)))
    long, short = moment(input_tokens=100_000), moment(input_tokens=10)
    assert names(in_order("lowest_cost", [unknown, reads, writes], long)) == ["reads", "writes", "unknown"]
    assert names(in_order("lowest_cost", [unknown, reads, writes], short)) == ["writes", "reads", "unknown"]


def test_those_that_want_to_be_left_alone_go_last_the_soonest_first():
    tired, spent, fresh = deployment("tired"), deployment("spent"), deployment("fresh")
    tired.condition.rest(0, 1005.0)
    spent.condition.rest(0, 1060.0)
    assert names(rested_first([spent, tired, fresh], 1000.0)) == ["fresh", "tired", "spent"]
    assert names(rested_first([spent, tired, fresh], 1061.0)) == ["spent", "tired", "fresh"]


def test_a_deployment_with_several_keys_rests_when_all_of_them_do():
    several, single = deployment("several", keys=2), deployment("single")
    several.condition.rest(0, 1060.0)
    assert names(rested_first([several, single], 1000.0)) == ["several", "single"]
    several.condition.rest(1, 1005.0)
    assert names(rested_first([several, single], 1000.0)) == ["single", "several"]


# Latencies.


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_so_much_of_the_window_is_not_above(values, fraction):
    window = LatencyWindow()
    for value in values:
        window.add(0.0, value)
    kept = values[-MOST:]
    found = window.percentile(0.0, fraction)
    assert found in kept
    assert sum(value <= found for value in kept) >= fraction * len(kept) - 1e-9
    below = [value for value in kept if value < found]
    assert len(below) < fraction * len(kept) + 1e-9


def test_old_values_are_forgotten_one_by_one():
    window = LatencyWindow()
    window.add(0.0, 5.0)
    window.add(FRESH, 1.0)
    assert window.percentile(FRESH, 1.0) == 5.0
    assert window.percentile(FRESH + 1, 1.0) == 1.0
    assert window.percentile(3 * FRESH, 1.0) is None


def test_there_is_no_percentile_of_nothing():
    assert LatencyWindow().percentile(0.0, 0.5) is None


@pytest.mark.parametrize("count", [1, MOST, MOST + 1, 10 * MOST])
def test_the_window_is_bounded(count):
    window = LatencyWindow()
    for number in range(count):
        window.add(0.0, float(number))
    assert window.percentile(0.0, 1.0) == count - 1
    assert window.percentile(0.0, 0.001) == max(0, count - MOST)
