"""Attaching, against an engine of a few lines on a unix socket."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace

import anyio
import pytest

from sandbox.docker.attach import attach
from sandbox.spec import SandboxError

END_OF_HEAD = b"\r\n\r\n"


@asynccontextmanager
async def engine_answering(folder, *pieces: bytes):
    """An engine that answers every request with these pieces, then closes; and the requests' heads."""
    path = str(folder / "engine.sock")
    heads: list[bytes] = []

    async def serve(stream):
        async with stream:
            head = b""
            while END_OF_HEAD not in head:
                head += await stream.receive()
            heads.append(head)
            for piece in pieces:
                await stream.send(piece)

    async with await anyio.create_unix_listener(path) as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield SimpleNamespace(socket=path, api_version="1.44", heads=heads)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n",
    ],
)
async def test_new_engines_and_old_ones_let_us_through_and_no_byte_is_lost(tmp_path, answer):
    async with (
        engine_answering(tmp_path, answer[:10], answer[10:] + b"first", b" rest") as engine,
        attach(engine, "box-1") as attached,
    ):
        received = attached.first
        try:
            while True:
                received += await attached.stream.receive()
        except anyio.EndOfStream:
            pass
    assert received == b"first rest"
    request = engine.heads[0].split(b"\r\n")[0]
    assert request == b"POST /v1.44/containers/box-1/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1"


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([b'HTTP/1.1 404 Not Found\r\n\r\n{"message":"No such container: box-1"}\n'], "No such container: box-1"),
        ([b"HTTP/1.1 409 Conflict\r\n\r\n"], "409 Conflict"),
        ([b'HTTP/1.1 500 Error\r\n\r\n["no object"]'], "500 Error"),
        ([b"SSH-2.0-OpenSSH\r\n\r\n"], "SSH-2.0"),
        ([b"HTTP/1.1 101 "], "closed the connection"),
        ([], "closed the connection"),
        ([b"x" * 20_000], "no HTTP"),
    ],
)
async def test_a_refusal_names_its_reason(tmp_path, pieces, said):
    async with engine_answering(tmp_path, *pieces) as engine:
        with pytest.raises(SandboxError, match=said):
            async with attach(engine, "box-1"):
                pass


async def test_an_engine_that_is_gone_is_an_error_of_ours(tmp_path):
    engine = SimpleNamespace(socket=str(tmp_path / "none.sock"), api_version="1.44")
    with pytest.raises(SandboxError, match="cannot attach"):
        async with attach(engine, "box-1"):
            pass
