"""Attaches to a container's pipes: one HTTP request on the engine's socket, which then carries the pipes.

Above: `sandbox.docker.backend`. Done by hand because docker-py's attached socket may keep the first bytes to
itself, and would need a thread for each box.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import anyio
from anyio.abc import SocketStream

from sandbox.docker.engine import Engine
from sandbox.spec import SandboxError

_DEADLINE_SECONDS = 15
_LONGEST_HEAD = 16384
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Attached:
    """The stream to and from the container, and what of it came together with the engine's answer."""

    stream: SocketStream
    first: bytes


@asynccontextmanager
async def attach(engine: Engine, container: str) -> AsyncGenerator[Attached]:
    """Attach before the container is started, so that nothing of its output is missed. Raises SandboxError."""
    try:
        with anyio.fail_after(_DEADLINE_SECONDS):
            stream = await anyio.connect_unix(engine.socket)
    except (OSError, TimeoutError) as error:
        raise SandboxError(f"cannot attach to the container: {error}") from error
    async with stream:
        try:
            with anyio.fail_after(_DEADLINE_SECONDS):
                await stream.send(_request(engine.api_version, container))
                first = await _receive_head(stream)
        except (anyio.BrokenResourceError, anyio.EndOfStream, TimeoutError) as error:
            raise SandboxError("cannot attach to the container: the engine closed the connection") from error
        yield Attached(stream, first)


def _request(api_version: str, container: str) -> bytes:
    path = f"/v{api_version}/containers/{quote(container, safe='')}/attach?stream=1&stdin=1&stdout=1&stderr=1"
    head = (
        f"POST {path} HTTP/1.1",
        "Host: docker",
        "Connection: Upgrade",
        "Upgrade: tcp",
        "Content-Length: 0",
    )
    return "\r\n".join((*head, "", "")).encode("ascii")


async def _receive_head(stream: SocketStream) -> bytes:
    """Read the answer's head; what followed it. Raises SandboxError if the engine refuses."""
    received = b""
    while _END_OF_HEAD not in received:
        received += await stream.receive()
        if len(received) > _LONGEST_HEAD:
            raise SandboxError("cannot attach to the container: the engine's answer is no HTTP")
    head, _, first = received.partition(_END_OF_HEAD)
    check_status(head, first)
    return first


def check_status(head: bytes, body: bytes) -> None:
    """Engines of today answer 101, older ones 200. Raises SandboxError, with the engine's reason, for the rest."""
    status_line = head.split(b"\r\n", 1)[0].decode("latin-1")
    _, _, status = status_line.partition(" ")
    if status[:3] not in ("101", "200"):
        raise SandboxError(f"cannot attach to the container: {_reason_in(body) or status or status_line}")


def _reason_in(body: bytes) -> str | None:
    start, end = body.find(b"{"), body.rfind(b"}")
    try:
        said: Any = json.loads(body[start : end + 1])
        return str(said["message"])
    except (ValueError, KeyError, TypeError):
        return None
