"""Reading a request: every bound, every way a client may stop."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api import requests as requests_module
from gateway.api.requests import ClientLeft, parse_json_object
from gateway.errors import InvalidRequest, PayloadTooLarge

from .asgi import Client, pieces


async def test_a_body_in_pieces_is_put_together():
    assert await Client(pieces(b"one ", b"", b"two")).request().body() == b"one two"


async def test_a_body_of_exactly_the_limit_is_taken():
    request = Client(pieces(b"x" * 6, b"x" * 4)).request()
    request.body_limit = 10
    assert len(await request.body()) == 10


async def test_a_body_is_refused_as_soon_as_it_is_over_the_limit():
    client = Client(pieces(b"x" * 6, b"x" * 5, b"never read"))
    request = client.request()
    request.body_limit = 10
    with pytest.raises(PayloadTooLarge, match="10 bytes"):
        await request.body()
    assert len(client.messages) == 1


async def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read():
    client = Client(pieces(b"small"))
    request = client.request([(b"content-length", b"11")])
    request.body_limit = 10
    with pytest.raises(PayloadTooLarge):
        await request.body()
    assert len(client.messages) == 1


@pytest.mark.parametrize("declared", [b"5", b"0", b"-1", b"", b"1e9", b"9" * 400, b"\xb2", b"7, 7"])
async def test_a_length_that_lies_opens_no_way_around_the_limit(declared: bytes):
    request = Client(pieces(b"x" * 11)).request([(b"content-length", declared)])
    request.body_limit = 10
    with pytest.raises(PayloadTooLarge):
        await request.body()


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_noticed():
    client = Client([{"type": "http.request", "body": b"half", "more_body": True}])
    client.left.set()
    with pytest.raises(ClientLeft):
        await client.request().body()


async def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(requests_module, "_READING", 0.02)
    client = Client([{"type": "http.request", "body": b"half", "more_body": True}])
    with anyio.fail_after(60), pytest.raises(InvalidRequest, match="did not arrive") as caught:
        await client.request().body()
    assert caught.value.code == "body_timeout"
    await anyio.sleep(0)  # nothing of the cancellation is left behind


async def test_a_cancellation_from_outside_is_not_taken_for_a_slow_body():
    with anyio.move_on_after(0.02) as scope:
        await Client([]).request().body()
    assert scope.cancelled_caught


async def test_the_values_of_a_repeated_header_are_joined_and_two_credentials_are_none():
    request = Client().request(
        [
            (b"accept", b"a"),
            (b"authorization", b"Bearer one"),
            (b"accept", b"b"),
            (b"authorization", b"Bearer two"),
        ]
    )
    assert request.headers == {"accept": "a, b", "authorization": "Bearer one, Bearer two"}


async def test_ten_thousand_headers_are_read():
    request = Client().request([(b"x-%d" % number, b"v") for number in range(10_000)] * 2)
    assert request.headers["x-9999"] == "v, v"


@pytest.mark.parametrize("given_id", [b"has space", b"x" * 129, b"", b"line\nend", "é".encode("latin-1"), b"a,b"])
async def test_a_request_id_that_could_forge_a_log_line_is_replaced(given_id: bytes):
    request = Client().request([(b"x-request-id", given_id)])
    assert request.request_id.startswith("req_")


async def test_a_request_id_that_is_one_is_kept():
    request = Client().request([(b"x-request-id", b"abc-123.Z_9")])
    assert request.ids == {"x-request-id": "abc-123.Z_9", "x-toolgate-run-id": request.run_id}


def test_run_ids_are_sorted_by_time_and_never_the_same():
    first = requests_module.new_run_id()
    made = [requests_module.new_run_id() for _ in range(1000)]
    assert len({first, *made}) == 1001
    assert all(len(one) == 30 and one[:14] >= first[:14] for one in made)


def object_or_fault(body: bytes) -> dict[str, Any] | InvalidRequest:
    try:
        return parse_json_object(body)
    except InvalidRequest as error:
        return error


@given(
    st.binary(max_size=60)
    | st.dictionaries(st.text(max_size=5), st.integers(0, 9)).map(json.dumps).map(str.encode)
)
def test_any_bytes_are_an_object_or_an_error_that_names_the_body(body: bytes):
    result = object_or_fault(body)
    if isinstance(result, InvalidRequest):
        assert result.code == "invalid_json"
        assert result.message.startswith("the request's body ")
    else:
        assert result == json.loads(body)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a": NaN}', b'{"a": 1}{', b"\xef\xbb\xbf{}"]
)
def test_bodies_made_to_hurt_are_refused(body: bytes):
    with pytest.raises(InvalidRequest):
        parse_json_object(body)
