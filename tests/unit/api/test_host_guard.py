from __future__ import annotations

import pytest

from gateway.api.hosts import HostGuard
from gateway.errors import ForeignOrigin, MisdirectedRequest

GUARD = HostGuard(["tools.example.com", "gate:8484", "[fd00::1]"], ["https://app.example.com"])


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:8484", "127.0.0.1:1", "127.9.9.9", "[::1]:8484", "localhost."),
        *("tools.example.com", "Tools.Example.com:443", "gate:8484", "[fd00::1]:8484", "[fd00::1]"),
    ],
)
def test_names_of_its_own_are_let_in(host: str):
    GUARD.check({"host": host})


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.com", "localhost.evil.com", "evil.com:8484", "gate", "gate:1", "example.com", "[::2]"),
        *("127.0.0.1.evil.com", "localhost, localhost", "localhost:8484x", "tools.example.com.evil.com", "::1"),
    ],
)
def test_other_names_are_not(host: str):
    with pytest.raises(MisdirectedRequest) as refused:
        GUARD.check({"host": host} if host else {})
    assert "evil" not in str(refused.value)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost:3000",
        "https://127.0.0.1",
        "https://app.example.com",
        "https://tools.example.com",
        "HTTP://LOCALHOST",
    ],
)
def test_pages_of_its_own_and_those_that_were_named_may_send(origin: str):
    GUARD.check({"host": "localhost", "origin": origin})


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "", "https://evil.com", "http://app.example.com", "https://app.example.com.evil.com"),
        *("file://localhost", "http://localhost/path", "http://user@localhost", "http://[", "localhost"),
    ],
)
def test_other_pages_may_not(origin: str):
    with pytest.raises(ForeignOrigin):
        GUARD.check({"host": "localhost", "origin": origin})
