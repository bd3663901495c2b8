"""Who is an operator: whoever is on this machine, directly, or has the token."""

from __future__ import annotations

import hashlib

import pytest

from gateway.api.operators import require_operator
from gateway.errors import AuthenticationFailed

from .asgi import Client, Headers

TOKEN = "operator-token-0123456789"
DIGEST = hashlib.sha256(TOKEN.encode()).digest()
WITH_TOKEN = (b"authorization", b"Bearer " + TOKEN.encode())
LOCAL = ("127.0.0.1", 40_000)


def is_operator(client: object, headers: Headers = (), digest: bytes | None = DIGEST) -> bool:
    try:
        require_operator(Client().request(headers, client=client), digest)
    except AuthenticationFailed:
        return False
    return True


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", [None, b"localhost", b"LOCALHOST:8484", b"127.0.0.1:8484", b"[::1]:8484"])
def test_a_client_on_this_machine_needs_no_token(address: str, host: bytes | None):
    assert is_operator((address, 5), [(b"host", host)] if host else [], digest=None)


@pytest.mark.parametrize(
    "client",
    [("10.0.0.7", 5), ("192.168.1.1", 5), ("::ffff:10.0.0.7", 5), ("2001:db8::1", 5), ("", 5), ("x", 5), None],
)
def test_any_other_client_needs_the_token(client: object):
    assert not is_operator(client)
    assert not is_operator(client, [WITH_TOKEN], digest=None)
    assert not is_operator(client, [(b"authorization", b"Bearer wrong")])
    assert not is_operator(client, [(b"authorization", b"Bearer ")])
    assert is_operator(client, [WITH_TOKEN])


@pytest.mark.parametrize(
    "name", [b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"forwarded", b"via", b"x-real-ip"]
)
def test_what_came_through_a_proxy_needs_the_token_whatever_the_proxy_says(name: bytes):
    assert not is_operator(LOCAL, [(name, b"127.0.0.1")])
    assert not is_operator(LOCAL, [(name, b"")])
    assert is_operator(LOCAL, [(name, b"127.0.0.1"), WITH_TOKEN])


@pytest.mark.parametrize(
    "host", [b"evil.example", b"localhost.evil.example", b"127.0.0.1.evil.example:80", b"", b"10.0.0.1"]
)
def test_a_page_that_rebinds_a_name_to_this_machine_gets_nothing(host: bytes):
    assert not is_operator(LOCAL, [(b"host", host)])


def test_a_token_beyond_ascii_is_only_wrong():
    assert not is_operator(("10.0.0.7", 5), [(b"authorization", "Bearer é".encode())])
