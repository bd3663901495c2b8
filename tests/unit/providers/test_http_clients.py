"""Both HTTP clients against servers that behave well, badly, and very badly."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, asynccontextmanager

import anyio
import pytest
from aiohttp import web

from gateway.providers.aiohttp_client import AiohttpClient
from gateway.providers.http import (
    ConnectionLost,
    DeadlinePassed,
    HttpFault,
    MalformedAnswer,
    NotConnected,
    Timeouts,
)
from gateway.providers.pooled_client import PooledClient
from gateway.providers.scripted.serving import serve_app
from tests.support.conditions import eventually
from tests.unit.providers.asking import PATIENT, get
from tests.unit.providers.raw_servers import RawServer, always, chunked, once, raw_server, sized


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    """What the tests run on by default, and what the gateway runs on."""
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


@pytest.fixture
async def own():
    client = PooledClient()
    yield client
    await client.aclose()


async def pieces(client, server, timeouts=PATIENT):
    async with client.request("POST", server.origin, {}, b"{}", timeouts) as answer:
        return [chunk async for chunk in answer.chunks()]


# Answers in all the ways that HTTP has for them.


async def test_a_request_arrives_as_it_was_given(client):
    async with raw_server(always(sized(b"ok"))) as server:
        await get(
            client, server, "/v1/chat?a=%20b", body=b'{"x": 1}', headers={"x-one": "1", "authorization": "k"}
        )
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = [line.lower() for line in head.split(b"\r\n")]
    assert lines[0] == b"post /v1/chat?a=%20b http/1.1"
    assert {b"x-one: 1", b"authorization: k", b"content-length: 8"} <= set(lines)
    assert f"host: {server.origin.removeprefix('http://')}".encode() in lines
    assert body == b'{"x": 1}'


async def test_a_body_with_a_length_is_read(client):
    async with raw_server(
        always(sized(b"hello", headers=b"X-A: 1\r\nX-A: 2\r\nContent-Type: text/x\r\n"))
    ) as server:
        status, headers, body = await get(client, server)
    assert (status, body) == (200, b"hello")
    assert headers["x-a"] == "1, 2"
    assert headers["content-type"] == "text/x"


async def test_a_chunked_body_is_read_and_its_trailer_dropped(client):
    async with raw_server(always(chunked(b"one", b"two", trailer=b"x-late: 1\r\n"))) as server:
        status, headers, body = await get(client, server)
    assert (status, body) == (200, b"onetwo")
    assert "x-late" not in headers


async def test_a_body_may_end_with_the_connection(client):
    async with raw_server(once(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")) as server:
        assert (await get(client, server))[2] == b"until the end"


async def test_an_old_server_is_understood(client):
    async with raw_server(once(b"HTTP/1.0 200 OK\r\n\r\nold")) as server:
        assert (await get(client, server))[2] == b"old"


async def test_an_answer_without_a_body_has_none(client):
    async with raw_server(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        assert (await get(client, server))[::2] == (204, b"")


async def test_interim_answers_are_passed_over(client):
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    async with raw_server(always(early + sized(b"late"))) as server:
        status, headers, body = await get(client, server)
        assert (status, body) == (200, b"late")
        assert "link" not in headers
        assert (await get(client, server))[2] == b"late"


async def test_an_error_is_an_answer_like_any_other(client):
    async with raw_server(always(sized(b"no", status="429 Too Many", headers=b"retry-after: 3\r\n"))) as server:
        status, headers, body = await get(client, server)
    assert (status, headers["retry-after"], body) == (429, "3", b"no")


async def test_a_redirect_is_not_followed_and_a_cookie_not_kept(client):
    moved = sized(b"", status="307 Moved", headers=b"location: /other\r\nset-cookie: a=b\r\n")
    async with raw_server(always(moved)) as server:
        assert (await get(client, server))[0] == 307
        await get(client, server)
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


async def test_a_compressed_body_comes_as_it_is(client):
    async with raw_server(always(sized(b"\x1f\x8bxx", headers=b"content-encoding: gzip\r\n"))) as server:
        assert (await get(client, server))[2] == b"\x1f\x8bxx"


@pytest.mark.parametrize("size", [1, 7])
async def test_an_answer_may_come_in_the_smallest_pieces(own, size):
    answer = chunked(b"one", b"two")

    async def drip(state, peer):
        while await peer.request():
            for start in range(0, len(answer), size):
                await peer.send(answer[start : start + size])
                await anyio.sleep(0)

    async with raw_server(drip) as server:
        for _ in range(3):
            assert (await get(own, server))[2] == b"onetwo"
    assert len(server.connections) == 1


async def test_pieces_are_given_as_they_arrive(client):
    go_on = anyio.Event()

    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await go_on.wait()
        await peer.send(b"3\r\ntwo\r\n0\r\n\r\n")

    async with raw_server(script) as server, client.request("POST", server.origin, {}, b"{}", PATIENT) as answer:
        chunks = answer.chunks()
        assert await anext(chunks) == b"one"
        go_on.set()
        assert [chunk async for chunk in chunks] == [b"two"]


async def test_large_bodies_pass_both_ways(client):
    async def echo(state, peer):
        request = await peer.request()
        body = request.partition(b"\r\n\r\n")[2]
        await peer.send(sized(body))

    body = bytes(range(256)) * 20_000
    async with raw_server(echo) as server:
        assert (await get(client, server, body=body, limit=len(body)))[2] == body


# Bounds.


async def test_a_body_over_the_limit_is_refused(client):
    for answer in (sized(b"x" * 101), chunked(b"x" * 60, b"x" * 60)):
        async with raw_server(once(answer)) as server:
            with pytest.raises(MalformedAnswer, match="longer than 100 bytes"):
                await get(client, server, limit=100)


async def test_a_head_without_an_end_is_refused(own):
    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(b"x-filler: " + b"y" * 1000 + b"\r\n")

    async with raw_server(script) as server:
        with pytest.raises(MalformedAnswer, match="head"), anyio.fail_after(60):
            await get(own, server)


@pytest.mark.parametrize("line", [b"x", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["one header", "interim answers"])
async def test_a_head_that_grows_in_other_ways_is_refused(own, line):
    async def script(state, peer):
        await peer.request()
        if line == b"x":
            await peer.send(b"HTTP/1.1 200 OK\r\nname: ")
        while True:
            await peer.send(line * 1000)

    async with raw_server(script) as server:
        with pytest.raises(MalformedAnswer), anyio.fail_after(60):
            await get(own, server)


async def test_a_trailer_without_an_end_is_refused(own):
    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        while True:
            await peer.send(b"x-filler: " + b"y" * 1000 + b"\r\n")

    async with raw_server(script) as server:
        with pytest.raises(MalformedAnswer, match="trailer"), anyio.fail_after(60):
            await get(own, server)


async def test_a_slow_consumer_holds_the_server_back(client):
    sent = 0

    async def script(state, peer):
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 134217728\r\n\r\n")
        for _ in range(2048):
            await peer.send(b"x" * 65536)
            sent += 65536

    async with raw_server(script) as server, client.request("POST", server.origin, {}, b"{}", PATIENT) as answer:
        chunks = answer.chunks()
        await anext(chunks)
        stuck = -1
        while stuck != sent:
            stuck = sent
            await anyio.sleep(0.05)
        assert sent < 64 * 1024 * 1024
        size = 0
        async for chunk in chunks:
            size += len(chunk)
        assert sent == 134217728


# Deadlines.


async def test_a_server_that_says_nothing_is_left_in_time(client):
    async def script(state, peer):
        await peer.request()
        await peer.closed_by_client()
        state.left += 1

    async with raw_server(script) as server:
        with pytest.raises(DeadlinePassed, match=r"no answer began within [01]\.1 s") as caught:
            await get(client, server, timeouts=Timeouts(connect=1, first_byte=0.1, idle=60))
        assert caught.value.phase == "first_byte"
        await eventually(lambda: server.left == 1)


async def test_a_server_that_stops_in_the_middle_is_left_in_time(client):
    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await peer.closed_by_client()

    async with raw_server(script) as server:
        with pytest.raises(DeadlinePassed, match=r"stopped coming within 0\.1 s") as caught:
            await get(client, server, timeouts=Timeouts(connect=60, first_byte=60, idle=0.1))
    assert caught.value.phase == "idle"


async def test_each_piece_has_a_deadline_of_its_own(client):
    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            await anyio.sleep(0.25)
            await peer.send(b"x")

    async with raw_server(script) as server:
        assert b"".join(await pieces(client, server, Timeouts(connect=60, first_byte=60, idle=2))) == b"x" * 10


async def test_a_consumer_may_take_longer_than_the_server_may(client):
    hurried = Timeouts(connect=60, first_byte=60, idle=0.05)
    async with (
        raw_server(always(chunked(b"one", b"two"))) as server,
        client.request("POST", server.origin, {}, b"{}", hurried) as answer,
    ):
        await anyio.sleep(0.15)
        assert await answer.read() == b"onetwo"


async def test_a_handshake_that_hangs_is_left_in_time(client):
    async def script(state, peer):
        await peer.closed_by_client()

    async with raw_server(script) as server:
        server.origin = server.origin.replace("http:", "https:")
        with pytest.raises((DeadlinePassed, NotConnected)):
            await get(client, server, timeouts=Timeouts(connect=0.2, first_byte=60, idle=60))


# Faults.


async def test_a_port_where_nobody_listens_is_not_connected(client):
    async with raw_server(once(b"")) as server:
        pass
    with pytest.raises(NotConnected, match="no connection could be made: Connect"):
        await get(client, server)


async def test_a_name_that_does_not_exist_is_not_connected(client):
    with pytest.raises(NotConnected):
        async with client.request("GET", "http://nowhere.invalid/", {}, b"", PATIENT):
            pass


@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        (b"", False),
        (b"HTTP/1.1 200 OK\r\nconten", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nwhole\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nha", True),
    ],
    ids=["before the head", "in the head", "in a sized body", "between chunks", "in a chunk"],
)
async def test_a_connection_that_is_cut_is_lost(own, answer, answered):
    async with raw_server(once(answer)) as server:
        with pytest.raises(ConnectionLost) as caught:
            await get(own, server)
    assert caught.value.answered is answered
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"])
async def test_aiohttp_tells_of_a_connection_that_is_cut(answer):
    client = AiohttpClient()
    async with raw_server(once(answer)) as server:
        with pytest.raises(ConnectionLost) as caught:
            await get(client, server)
    assert caught.value.answered is bool(answer)
    await client.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 999 Beyond\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nbad header: \r\n x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_malformed(own, answer):
    async with raw_server(once(answer)) as server:
        with pytest.raises(MalformedAnswer):
            await get(own, server)


@pytest.mark.parametrize("value", ["a\r\nx-injected: 1", "a\nb", "a\0b"])
async def test_a_header_cannot_break_out_of_its_line(client, value):
    async with raw_server(always(sized(b""))) as server:
        with pytest.raises(ValueError, match=r"(?i)header|newline|control|illegal"):
            await get(client, server, headers={"x-a": value})
    assert server.requests == []


@pytest.mark.parametrize("url", ["ftp://x/", "http:///x", "http://user:secret@127.0.0.1/", "http://127.0.0.1/a b"])
async def test_a_url_that_cannot_be_asked_is_refused_without_being_told(own, url):
    with pytest.raises(ValueError, match="URL") as caught:
        own.request("GET", url, {}, b"", PATIENT)
    assert "secret" not in str(caught.value)


async def test_faults_do_not_tell_urls_or_headers(client):
    async with raw_server(once(b"nonsense\r\n\r\n")) as server:
        with pytest.raises(HttpFault) as caught:
            await get(client, server, "/path-of-mine", headers={"authorization": "Bearer sesame"})
    assert "path-of-mine" not in str(caught.value)
    assert "sesame" not in str(caught.value)


# Connections: when they are used again, and when not.


async def test_a_connection_is_used_again(client):
    async with raw_server(always(chunked(b"x"))) as server:
        for _ in range(5):
            await get(client, server, body=b"{}")
    assert len(server.connections) == 1


async def test_requests_at_the_same_time_have_connections_of_their_own(client):
    together = anyio.Event()

    async def script(state, peer):
        while request := await peer.request():
            state.requests.append(request)
            if len(state.requests) == 8:
                together.set()
            await together.wait()
            await peer.send(sized(request.partition(b"\r\n\r\n")[2]))

    answers = {}
    async with raw_server(script) as server:

        async def ask(number):
            answers[number] = (await get(client, server, body=b"%d" % number))[2]

        async with anyio.create_task_group() as group:
            for number in range(8):
                group.start_soon(ask, number)
    assert answers == {number: b"%d" % number for number in range(8)}
    assert len(server.connections) == 8


@pytest.mark.parametrize("header", [b"connection: close\r\n", b""])
async def test_a_connection_that_the_server_closes_is_not_used_again(client, header):
    async with raw_server(once(sized(b"ok", headers=header))) as server:
        for _ in range(3):
            assert (await get(client, server))[2] == b"ok"
    assert len(server.connections) == 3


async def test_a_connection_that_died_unnoticed_is_replaced_once(own):
    async def script(state, peer):
        while request := await peer.request():
            state.requests.append(request)
            if len(state.connections) == 1 and len(state.requests) == 2:
                return  # the server closes just as the second request arrives
            await peer.send(sized(b"ok"))

    async with raw_server(script) as server:
        await get(own, server)
        assert (await get(own, server, body=b"again"))[2] == b"ok"
    assert len(server.connections) == 2
    assert server.requests[1] == server.requests[2]


async def test_it_is_replaced_by_a_new_one_where_all_parked_ones_died(own):
    both = anyio.Event()

    async def script(state, peer):
        dies = len(state.connections) <= 2
        state.requests.append(await peer.request())
        if len(state.requests) == 2:
            both.set()
        await both.wait()
        await peer.send(sized(b"ok"))
        if await peer.request() and not dies:
            await peer.send(sized(b"ok"))

    async with raw_server(script) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(get, own, server)
            group.start_soon(get, own, server)
        assert (await get(own, server))[2] == b"ok"
    assert len(server.connections) == 3


async def test_a_request_is_not_sent_twice_once_an_answer_began(own):
    async def script(state, peer):
        while request := await peer.request():
            state.requests.append(request)
            if len(state.requests) == 2:
                await peer.send(b"HTTP/1.1 200")
                return
            await peer.send(sized(b"ok"))

    async with raw_server(script) as server:
        await get(own, server)
        with pytest.raises(ConnectionLost):
            await get(own, server)
    assert len(server.requests) == 2


async def test_a_request_is_not_sent_twice_on_a_new_connection(own):
    async with raw_server(once(b"")) as server:
        with pytest.raises(ConnectionLost):
            await get(own, server)
    assert len(server.requests) == 1


async def test_leaving_before_the_end_closes_the_connection(client):
    async def script(state, peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await peer.closed_by_client()
        state.left += 1

    async with raw_server(script) as server:
        async with client.request("POST", server.origin, {}, b"{}", PATIENT) as answer:
            assert answer.status == 200
        await eventually(lambda: server.left == 1)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"])
async def test_a_cancelled_request_closes_the_connection(client, head):
    waiting = anyio.Event()

    async def script(state, peer):
        await peer.request()
        await peer.send(head)
        waiting.set()
        await peer.closed_by_client()
        state.left += 1

    async with raw_server(script) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(get, client, server)
            await waiting.wait()
            group.cancel_scope.cancel()
        await eventually(lambda: server.left == 1)


async def test_an_answer_that_nobody_asked_for_is_never_taken_for_the_next_one(own):
    """Response splitting: the second answer must not reach the second request."""
    async with raw_server(always(sized(b"first") + sized(b"smuggled"))) as server:
        for _ in range(3):
            assert (await get(own, server))[2] == b"first"
    assert len(server.connections) == 3


async def test_bytes_on_a_parked_connection_end_it(own):
    injected = anyio.Event()

    async def script(state, peer):
        while request := await peer.request():
            state.requests.append(request)
            await peer.send(sized(b"first"))
            if len(state.requests) == 1:
                await injected.wait()
                await peer.send(sized(b"smuggled"))
        state.left += 1

    async with raw_server(script) as server:
        await get(own, server)
        injected.set()
        await eventually(lambda: server.left == 1)
        assert (await get(own, server))[2] == b"first"
    assert len(server.connections) == 2


async def test_a_connection_with_a_request_half_sent_is_not_used_again(own):
    """The server answers after the head, reads no body, and keeps the connection."""

    async def script(state, peer):
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(sized(b"too large", status="413 Too Large"))
        if len(state.connections) == 1:
            await peer.writer.wait_closed()

    async with raw_server(script) as server:
        assert (await get(own, server, body=b"x" * 50_000_000))[0] == 413
        with anyio.fail_after(60):
            assert (await get(own, server, body=b"x"))[0] == 413
    assert len(server.connections) == 2


async def test_an_answer_cannot_be_read_after_its_context(own):
    async with raw_server(always(sized(b"ok"))) as server:
        async with own.request("GET", server.origin, {}, b"", PATIENT) as answer:
            pass
        with pytest.raises(RuntimeError, match="after its context"):
            await answer.read()


async def test_closing_the_client_closes_its_connections(client):
    async def script(state, peer):
        await peer.request()
        await peer.send(sized(b"ok"))
        await peer.closed_by_client()
        state.left += 1

    async with raw_server(script) as server:
        await get(client, server)
        await client.aclose()
        await eventually(lambda: server.left == 1)


async def test_a_host_with_several_addresses_is_reached_at_the_one_that_listens(client):
    async with raw_server(always(sized(b"ok"))) as server:
        server.origin = server.origin.replace("127.0.0.1", "localhost")
        assert (await get(client, server))[2] == b"ok"


@pytest.fixture
def silent_port():
    """A port where attempts to connect hang: its queue of connections is full and nobody takes them."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_addresses_that_do_not_answer_do_not_hold_up_those_that_do(own, monkeypatch, silent_port):
    """One address refuses, one is silent, the third listens."""

    async def resolve(host, port):
        return [(socket.AF_INET, ("127.0.0.1", one)) for one in (9, silent_port, port)]

    async with raw_server(always(sized(b"ok"))) as server:
        monkeypatch.setattr("gateway.providers.dialing._resolve", resolve)
        with anyio.fail_after(60):
            assert (await get(own, server))[2] == b"ok"


async def test_a_host_that_does_not_answer_is_left_in_time(client, silent_port):
    hurried = Timeouts(connect=0.2, first_byte=60, idle=60)
    with pytest.raises(DeadlinePassed, match=r"no connection could be made within 0\.2 s") as caught:
        async with client.request("GET", f"http://127.0.0.1:{silent_port}", {}, b"", hurried):
            pass
    assert caught.value.phase == "connect"


async def test_requests_beyond_the_most_connections_wait_their_turn(monkeypatch):
    monkeypatch.setattr("gateway.providers.pooled_client._MOST_CONNECTIONS", 2)
    client = PooledClient()
    async with raw_server(always(sized(b"ok"))) as server, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(get, client, server)
    assert len(server.requests) == 20
    assert len(server.connections) <= 2
    await client.aclose()


async def test_requests_do_not_wait_their_turn_for_ever(monkeypatch):
    monkeypatch.setattr("gateway.providers.pooled_client._MOST_CONNECTIONS", 1)
    client = PooledClient()
    hurried = Timeouts(connect=0.1, first_byte=60, idle=60)
    async with raw_server(always(sized(b"ok"))) as server:
        async with client.request("GET", server.origin, {}, b"", PATIENT):
            with pytest.raises(NotConnected, match="all 1 connections to it are in use"):
                await get(client, server, timeouts=hurried)
        assert (await get(client, server))[2] == b"ok"
    await client.aclose()


async def test_a_connection_that_nobody_uses_is_closed_after_a_while(monkeypatch):
    monkeypatch.setattr("gateway.providers.pooled_client._KEEP_ALIVE", 0.1)
    client = PooledClient()

    async def script(state, peer):
        await peer.request()
        await peer.send(sized(b"ok"))
        await peer.closed_by_client()
        state.left += 1

    async with raw_server(script) as server:
        await get(client, server)
        await eventually(lambda: server.left == 1)
    await client.aclose()


async def test_many_requests_and_cancellations_never_mix_up_answers(own):
    """Every answer repeats its request; a third of the requests is given up at a random moment."""
    chance = random.Random(7)

    async def script(state, peer):
        while request := await peer.request():
            body = request.partition(b"\r\n\r\n")[2]
            answer = chunked(body[:3], body[3:]) if body[0] % 2 else sized(body)
            cut = len(answer) // 2
            await peer.send(answer[:cut])
            await anyio.sleep(0.001 * (body[1] % 3))
            await peer.send(answer[cut:])

    async with raw_server(script) as server:

        async def ask(number):
            body = b"%08d" % number * 50
            with anyio.move_on_after(0.002 if number % 3 == 0 else 60):
                assert (await get(own, server, body=body))[2] == body
                done.append(number)

        done = []
        async with anyio.create_task_group() as group:
            for number in range(600):
                group.start_soon(ask, number)
                if number % 20 == 0:
                    await anyio.sleep(chance.random() * 0.005)
    assert {number for number in range(600) if number % 3} <= set(done)
    assert len(server.connections) < 600


# Real servers.


async def answer_in_pieces(scope, receive, send):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-server", b"uvicorn")]})
    for start in range(0, len(body), 10_000):
        await send({"type": "http.response.body", "body": body[start : start + 10_000], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def uvicorn_server():
    async with serve_app(answer_in_pieces) as origin:
        yield RawServer(origin)


@asynccontextmanager
async def aiohttp_server():
    async def answer(request):
        response = web.StreamResponse(headers={"x-server": "aiohttp"})
        await response.prepare(request)
        await response.write(await request.read())
        await response.write_eof()
        return response

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield RawServer(f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


@pytest.mark.parametrize("serve", [uvicorn_server, aiohttp_server])
async def test_real_servers_are_understood(client, serve):
    body = bytes(range(256)) * 2000

    async with serve() as server:

        async def ask():
            for _ in range(5):
                assert (await get(client, server, body=body))[2] == body

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(ask)
        await client.aclose()
