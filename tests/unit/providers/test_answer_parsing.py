"""A connection fed by hand: however the bytes are cut, and whatever they are."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import anyio
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.connections import Connection
from gateway.providers.http import HttpFault, Timeouts
from tests.unit.providers.raw_servers import chunked, sized

QUICK = Timeouts(connect=60, first_byte=60, idle=60)


class Wire(asyncio.Transport):
    """A transport without a network: it keeps what is done to it."""

    def __init__(self, connection):
        super().__init__()
        self.connection = connection
        self.closing = False
        self.paused = False

    def write(self, data):
        pass

    def is_closing(self):
        return self.closing

    def abort(self):
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    def pause_reading(self):
        assert not self.paused
        self.paused = True

    def resume_reading(self):
        assert self.paused
        self.paused = False


async def exchange(pieces, *, ends):
    """What a consumer gets when these pieces arrive: a status and a body, or a fault."""
    connection = Connection(lambda _: None)
    wire = Wire(connection)
    connection.connection_made(wire)

    async def feed():
        for piece in pieces:
            while wire.paused and not wire.closing:
                await anyio.sleep(0)
            if wire.closing:
                return
            connection.data_received(piece)
            await anyio.sleep(0)
        if ends and not wire.closing:
            wire.closing = True
            connection.connection_lost(None)

    async with anyio.create_task_group() as group:
        group.start_soon(feed)
        try:
            await connection.exchange(b"", QUICK)
            return connection.status, await connection.read()
        except HttpFault as fault:
            return fault
        finally:
            group.cancel_scope.cancel()
            connection.abort()


def cut(data, places):
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.binary(max_size=2000), st.lists(st.integers(0, 10_000), max_size=12), st.integers(0, 2))
def test_cuts_in_the_bytes_make_no_difference(body, places, kind):
    answer = [
        sized(body),
        chunked(*[piece for piece in (body[:7], body[7:]) if piece], trailer=b"x: y\r\n"),
        b"HTTP/1.1 200 OK\r\n\r\n" + body,
    ][kind]
    answer = b"HTTP/1.1 103 Early\r\nlink: a\r\n\r\n" + answer
    assert asyncio.run(exchange(cut(answer, places), ends=kind == 2)) == (200, body)


HEADS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"hello",
    b"x: " + b"y" * 3000 + b"\r\n",
]


@given(st.lists(st.sampled_from(HEADS) | st.binary(max_size=40), max_size=30))
def test_whatever_comes_there_is_an_answer_or_a_fault(pieces):
    given_back = asyncio.run(exchange([piece for piece in pieces if piece], ends=True))
    assert isinstance(given_back, HttpFault) or 200 <= given_back[0] < 600
