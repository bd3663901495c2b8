"""Clients that read slowly: nothing is lost, and nothing is sent after the end."""

from __future__ import annotations

import json
import logging
import socket

import anyio
import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.gateways import SECRET, InProcess, audited

from .asking import HELLO

LARGE = "x" * 12_000_000
"""More than the buffers of both ends hold, in one frame: what follows it waits until the client reads."""


async def test_a_client_that_reads_the_last_frames_late_gets_them_all_and_no_heartbeat_after_the_end(
    gateway: InProcess, upstream: ScriptedUpstream, caplog: pytest.LogCaptureFixture
):
    upstream.add(Turn(text=LARGE))
    body = json.dumps({"model": "tiny", "messages": HELLO, "stream": True}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\nconnection: close\r\n"
    )
    host, port = gateway.origin.removeprefix("http://").split(":")
    pipe = socket.socket()
    pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    pipe.setblocking(False)
    with anyio.fail_after(60), caplog.at_level(logging.ERROR):
        await anyio.wait_writable(pipe) if pipe.connect_ex((host, int(port))) else None
        stream = await anyio.abc.SocketStream.from_socket(pipe)
        async with stream:
            await stream.send(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
            answer = bytearray(await stream.receive())
            await anyio.sleep(2.5)  # two heartbeats long
            try:
                while True:
                    answer += await stream.receive()
            except anyio.EndOfStream:
                pass
    assert answer.count(b"data: [DONE]\n\n") == 1
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    run_id = (
        next(line for line in answer.split(b"\r\n") if line.startswith(b"x-toolgate-run-id")).split()[1].decode()
    )
    run, _ = await audited(gateway.shared, run_id)
    assert run.outcome == "ok"
