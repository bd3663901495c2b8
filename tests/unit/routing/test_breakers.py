"""When a deployment is left alone, and how it comes back."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.routing.breakers import Breaker


def opened(now: float = 0.0, most: int = 3, seconds: float = 10.0) -> Breaker:
    breaker = Breaker(most, seconds)
    for _ in range(most):
        assert breaker.admits(now)
        breaker.failed(now)
    return breaker


def test_too_many_failures_in_a_row_open_it():
    breaker = Breaker(3, 10)
    for _ in range(2):
        breaker.failed(0)
    breaker.succeeded()
    for _ in range(2):
        breaker.failed(0)
    assert breaker.state(0) == "closed"
    breaker.failed(0)
    assert breaker.state(0) == "open"
    assert not breaker.admits(9.9)
    assert breaker.opens_in(4.0) == 6.0


@pytest.mark.parametrize("askers", [1, 2, 50])
def test_half_open_it_admits_exactly_one(askers: int):
    breaker = opened()
    assert breaker.state(10) == "half_open"
    assert sum(breaker.admits(10) for _ in range(askers)) == 1


def test_a_probe_that_succeeds_closes_it():
    breaker = opened()
    assert breaker.admits(10)
    breaker.succeeded()
    assert breaker.state(10) == "closed"
    assert all(breaker.admits(10) for _ in range(5))


def test_probes_that_fail_keep_it_open_for_longer_and_longer_within_bounds():
    breaker = opened()
    now = 0.0
    waits = []
    for _ in range(8):
        wait = breaker.opens_in(now)
        now += wait
        waits.append(wait)
        assert breaker.admits(now)
        breaker.failed(now)
    assert waits == [10, 20, 40, 80, 80, 80, 80, 80]


def test_a_probe_that_says_nothing_leaves_its_place_to_the_next():
    breaker = opened()
    assert breaker.admits(10)
    assert not breaker.admits(10)
    breaker.abandoned()
    assert breaker.state(10) == "half_open"
    assert breaker.admits(10)


def test_calls_from_before_it_opened_do_not_keep_it_open():
    breaker = opened()
    breaker.failed(9.0)
    assert breaker.admits(10)


def test_without_a_bound_it_never_opens():
    breaker = Breaker(0, 10)
    for _ in range(1000):
        breaker.failed(0)
    assert breaker.admits(0)


class Life(RuleBasedStateMachine):
    """Any number of calls, in any order: while it is not closed, never more than one is under way as a probe."""

    def __init__(self):
        super().__init__()
        self.breaker = Breaker(3, 10)
        self.now = 0.0
        self.probes = 0
        self.calls = 0

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def ask(self):
        state = self.breaker.state(self.now)
        admitted = self.breaker.admits(self.now)
        if state == "closed":
            assert admitted
            self.calls += 1
        elif state == "open":
            assert not admitted
        else:
            assert admitted == (self.probes == 0)
            self.probes += admitted

    @precondition(lambda self: self.calls and self.breaker.is_closed)
    @rule(good=st.booleans())
    def a_call_ends(self, good):
        self.calls -= 1
        self.breaker.succeeded() if good else self.breaker.failed(self.now)

    @precondition(lambda self: self.probes)
    @rule(end=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def the_probe_ends(self, end):
        self.probes = 0
        self.breaker.failed(self.now) if end == "failed" else getattr(self.breaker, end)()
        assert self.breaker.is_closed == (end == "succeeded")

    @invariant()
    def at_most_one_probe(self):
        assert self.probes <= 1


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestLife = Life.TestCase
