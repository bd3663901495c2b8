"""How long a provider wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.retry_after import retry_after

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)


def googles(delay: Any, kind: str = "type.googleapis.com/google.rpc.RetryInfo") -> bytes:
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}, {"@type": kind, "retryDelay": delay}]
    return orjson.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}})


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, b"", 7.0),
        ({"retry-after": " 1.5 "}, b"", 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, b"", 0.25),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:30 GMT"}, b"", 30.0),
        ({"retry-after": "Wed, 25 Nov 2026 11:00:00 GMT"}, b"", 0.0),
        ({}, googles("7s"), 7.0),
        ({}, googles("0.250s"), 0.25),
        ({}, b"[" + googles("3s") + b"]", 3.0),
        ({"retry-after": "soon"}, googles("2s"), 2.0),
        ({"retry-after": "1"}, googles("2s"), 1.0),
        ({}, googles("-7s"), None),
        ({}, googles("7"), None),
        ({}, googles(7), None),
        ({}, b'{"error": "google.rpc.RetryInfo"', None),
        ({}, b'{"error": "google.rpc.RetryInfo"}', None),
        ({"retry-after": "-1"}, b"", None),
        ({"retry-after": "nan"}, b"", None),
        ({}, b"", None),
    ],
)
def test_the_wait_is_read_from_wherever_it_stands(headers: dict[str, str], body: bytes, seconds: float | None):
    assert retry_after(headers, body, now=NOW) == seconds


@given(st.text(max_size=40), st.binary(max_size=40))
def test_nonsense_is_no_wait_and_no_fault(header: str, body: bytes):
    wait = retry_after({"retry-after": header}, b"google.rpc.RetryInfo" + body, now=NOW)
    assert wait is None or wait >= 0
