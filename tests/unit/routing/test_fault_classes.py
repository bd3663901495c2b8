"""What each failure means: who may do better, and when."""

from __future__ import annotations

import pytest

from gateway.errors import UpstreamBusy, UpstreamProtocolError, UpstreamTimeout
from gateway.routing.faults import (
    LONG_REST,
    LONGEST_DELAY,
    SHORT_REST,
    another_may_do_better,
    forbids_retries,
    judge,
    rest_for,
    wanted_delay,
)
from tests.unit.routing.deployments import refused, unreachable

GEMINI = b"""{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
  {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]}}"""
SPENT = b'{"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}'


@pytest.mark.parametrize(
    ("status", "name", "elsewhere", "again", "blames", "of_key"),
    [
        (400, "refused", False, False, False, False),
        (413, "refused", False, False, False, False),
        (422, "refused", False, False, False, False),
        (401, "credentials", True, False, False, True),
        (402, "quota", True, False, False, True),
        (403, "credentials", True, False, False, True),
        (404, "absent", True, False, False, False),
        (408, "not_ready", True, True, False, False),
        (424, "failed", True, True, True, False),
        (409, "not_ready", True, True, False, False),
        (429, "rate_limited", True, True, False, True),
        (500, "failed", True, True, True, False),
        (501, "absent", True, False, False, False),
        (503, "failed", True, True, True, False),
        (529, "failed", True, True, True, False),
    ],
)
def test_refusals_are_told_apart_by_status(status, name, elsewhere, again, blames, of_key):
    fault = judge(refused("p", status))
    assert (fault.name, fault.elsewhere, fault.again, fault.blames, fault.of_key) == (
        name,
        elsewhere,
        again,
        blames,
        of_key,
    )
    assert another_may_do_better(refused("p", status)) is elsewhere


def test_who_has_spent_everything_is_not_asked_again():
    fault = judge(refused("p", 429, SPENT))
    assert (fault.name, fault.again, fault.of_key) == ("quota", False, True)


def test_who_is_slow_is_not_asked_again_by_the_same_call():
    slow = judge(UpstreamTimeout("slow", provider="p"))
    assert (slow.elsewhere, slow.again, slow.blames) == (True, False, True)


def test_what_broke_on_the_way_may_be_tried_again():
    for error in (unreachable("p"), UpstreamProtocolError("cut", provider="p")):
        fault = judge(error)
        assert (fault.elsewhere, fault.again, fault.blames) == (True, True, True)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, b"", None),
        ({"retry_after": "7"}, b"", 7.0),
        ({"retry_after_ms": "1500"}, b"", 1.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, b"", 0.25),
        ({}, GEMINI, 7.0),
        ({"x_ratelimit_reset_requests": "1s"}, b"", 1.0),
        ({"x_ratelimit_reset_tokens": "6m0s"}, b"", 360.0),
        ({"x_ratelimit_reset_tokens": "250ms"}, b"", 0.25),
        ({"x_ratelimit_reset_requests": "20s", "x_ratelimit_remaining_requests": "5"}, b"", None),
        ({"x_ratelimit_reset_requests": "2s", "x_ratelimit_reset_tokens": "1m1.5s"}, b"", 61.5),
        ({"x_ratelimit_reset": "12"}, b"", 12.0),
        ({"x_ratelimit_reset": "1764100000"}, b"", None),  # a point in time
        ({"x_ratelimit_reset": "soon"}, b"", None),
        ({"retry_after": "999999999"}, b"", LONGEST_DELAY),
    ],
)
def test_the_delay_is_the_one_that_the_provider_asks_for(headers, body, seconds):
    assert wanted_delay(refused("p", 429, body, **headers)) == seconds


def test_only_refusals_for_now_ask_for_a_delay():
    assert wanted_delay(refused("p", 400, retry_after="7")) is None
    assert wanted_delay(unreachable("p")) is None
    assert wanted_delay(UpstreamBusy("busy", provider="p", retry_after=3)) is None
    assert wanted_delay(refused("p", 503, retry_after="7")) == 7.0


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (refused("p", 429, retry_after="7"), 7.0),
        (refused("p", 429), SHORT_REST),
        (refused("p", 401), LONG_REST),
        (refused("p", 402), LONG_REST),
        (refused("p", 429, SPENT, retry_after="600"), 600.0),
        (refused("p", 500), 0.0),
        (unreachable("p"), 0.0),
    ],
)
def test_a_key_rests_for_as_long_as_its_failure_says(error, seconds):
    assert rest_for(error, judge(error)) == seconds


def test_a_provider_can_say_that_the_same_would_fail_again():
    assert forbids_retries(refused("p", 500, x_should_retry="false"))
    assert not forbids_retries(refused("p", 500, x_should_retry="true"))
    assert not forbids_retries(unreachable("p"))
