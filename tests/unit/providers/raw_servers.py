"""Servers that say exactly what a test wants, byte for byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio


@dataclass
class Peer:
    """One connection, on the server's side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Read one request whole; its head and body. Empty when the client closed."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return head + await self.reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def closed_by_client(self) -> None:
        """Wait until the client closes the connection."""
        while await self.reader.read(65536):
            pass


@dataclass
class RawServer:
    origin: str
    connections: list[Peer] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    left: int = 0
    close: Callable[[], None] = lambda: None
    """Stops listening; connections go on."""


Script = Callable[[RawServer, Peer], Awaitable[None]]


@asynccontextmanager
async def raw_server(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncGenerator[RawServer]:
    """Run `script` for each connection, which is closed when it returns."""
    state = RawServer("")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        state.connections.append(peer)
        tasks.add(asyncio.current_task())
        try:
            await script(state, peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            tasks.discard(asyncio.current_task())
            writer.transport.abort() if tls else writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    state.close = server.close
    scheme = "https" if tls else "http"
    state.origin = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield state
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        with anyio.move_on_after(5):
            await asyncio.gather(*tasks, return_exceptions=True)


def always(answer: bytes) -> Script:
    """Answer every request on a connection with the same bytes."""

    async def script(state: RawServer, peer: Peer) -> None:
        while request := await peer.request():
            state.requests.append(request)
            await peer.send(answer)

    return script


def once(answer: bytes) -> Script:
    """Answer one request, then close the connection."""

    async def script(state: RawServer, peer: Peer) -> None:
        state.requests.append(await peer.request())
        await peer.send(answer)

    return script


def sized(body: bytes, *, status: str = "200 OK", headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n%s\r\n%s" % (status.encode(), len(body), headers, body)


def chunked(*pieces: bytes, trailer: bytes = b"") -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + framed + b"0\r\n" + trailer + b"\r\n"
