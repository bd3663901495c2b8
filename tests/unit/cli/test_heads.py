"""Connections that send a head for ever, slowly, or not at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest
import uvicorn
from anyio.abc import SocketStream

from gateway.api.requests import Request
from gateway.cli import heads
from gateway.cli.heads import BoundedHeads


async def echo(scope: object, receive: object, send: object) -> None:
    """Says how many bytes of a body came."""
    request = Request(scope, receive, body_limit=10_000_000)  # pyright: ignore
    said = b"%d" % len(await request.body())
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})  # pyright: ignore
    await send({"type": "http.response.body", "body": said})  # pyright: ignore


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    server = uvicorn.Server(uvicorn.Config(echo, http=BoundedHeads, lifespan="off", log_config=None, port=0))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server._serve)
        with anyio.fail_after(60):
            while not server.started:
                await anyio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True


async def rest(stream: SocketStream) -> bytes:
    """What comes until the server closes."""
    answer = b""
    with anyio.fail_after(60):
        try:
            while True:
                answer += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return answer


async def test_a_head_without_end_is_refused(port: int):
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nhost: x\r\n")
        sent = 0
        try:
            while sent < 100 * heads.LARGEST_HEAD:
                await stream.send(b"x-filler: " + b"y" * 1000 + b"\r\n")
                sent += 1000
                await anyio.sleep(0)
        except anyio.BrokenResourceError:
            pass
        assert sent < 100 * heads.LARGEST_HEAD


async def test_one_header_without_end_is_refused(port: int):
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nx: ")
        await stream.send(b"y" * heads.LARGEST_HEAD)
        assert (await rest(stream)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("beginning", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
async def test_a_head_that_does_not_come_is_not_awaited_for_ever(
    port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.1)
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        if beginning:
            await stream.send(beginning)
        assert await rest(stream) == b""


async def test_a_second_head_on_a_connection_is_bounded_too(port: int, monkeypatch: pytest.MonkeyPatch):
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await stream.receive()).startswith(b"HTTP/1.1 200 ")
        monkeypatch.setattr(heads, "HEAD_SECONDS", 0.1)
        await stream.send(b"GET / HTTP/1.1\r\nhos")
        assert await rest(stream) == b""


async def test_a_large_body_that_begins_in_the_packet_of_a_late_head_is_no_head(port: int):
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-le")
        await anyio.sleep(0.05)
        await stream.send(b"ngth: 1000000\r\n\r\n" + b"z" * 1_000_000)
        assert (await rest(stream)).endswith(b"\r\n1000000")


async def test_a_body_may_take_its_time(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heads, "HEAD_SECONDS", 1.5)
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n\r\na")
        await anyio.sleep(2)
        await stream.send(b"b")
        assert (await rest(stream)).endswith(b"\r\n2")
