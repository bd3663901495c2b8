"""An HTTP server over bare sockets, for answers that no library would give."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream

MODERN = "2026-07-28"
_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass
class Exchange:
    """One request, and the connection to answer it on."""

    method: str
    headers: Mapping[str, str]
    message: dict[str, Any]
    stream: SocketStream
    path: str = ""
    body: bytes = b""

    @property
    def tool(self) -> str:
        return self.message.get("params", {}).get("name", "")

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)

    async def reply(
        self, status: str, body: bytes, *, kind: str = "application/json", headers: Mapping[str, str] | None = None
    ) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def result(self, result: Any) -> None:
        await self.reply("200 OK", json.dumps(self.response(result)).encode())

    def response(self, result: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": self.message.get("id"), "result": result}

    async def begin_events(self) -> None:
        await self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

    async def event(self, data: str) -> None:
        chunk = f"data: {data}\n\n".encode()
        await self.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))


Manner = Callable[[Exchange], Awaitable[None]]


@dataclass
class RawServer:
    """A modern MCP server whose tools answer as their manners say; every other request is answered well."""

    manners: Mapping[str, Manner]
    port: int = 0
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def answer(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        method = exchange.message.get("method", "")
        manner = self.manners.get(exchange.tool or method or exchange.method)
        if manner is not None:
            await manner(exchange)
        elif method == "server/discover":
            await exchange.result({"supportedVersions": [MODERN], "capabilities": {"tools": {}}})
        elif method == "tools/list":
            tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("good", *self.manners)]
            await exchange.result({"tools": tools})
        elif method == "tools/call":
            await exchange.result({"content": [{"type": "text", "text": "fine"}]})
        else:
            error = {
                "jsonrpc": "2.0",
                "id": exchange.message.get("id"),
                "error": {"code": -32601, "message": "no"},
            }
            await exchange.reply("404 Not Found", json.dumps(error).encode())

    async def handle(self, stream: SocketStream) -> None:
        with suppress(*_GONE):
            async with stream:
                buffered = b""
                while True:
                    head, _, buffered = (await _receive_until(stream, buffered, b"\r\n\r\n")).partition(
                        b"\r\n\r\n"
                    )
                    first, *lines = head.decode("latin-1").split("\r\n")
                    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                    length = int(headers.get("content-length", "0"))
                    while len(buffered) < length:
                        buffered += await stream.receive()
                    body, buffered = buffered[:length], buffered[length:]
                    message = json.loads(body) if body else {}
                    method, path, _ = first.split(" ")
                    await self.answer(Exchange(method, headers, message, stream, path, body))


async def _receive_until(stream: SocketStream, buffered: bytes, mark: bytes) -> bytes:
    while mark not in buffered:
        buffered += await stream.receive()
    return buffered


@asynccontextmanager
async def raw_server(**manners: Manner) -> AsyncGenerator[RawServer]:
    """A server on a free loopback port; underscores in the names of manners stand for slashes."""
    server = RawServer({name.replace("__", "/"): manner for name, manner in manners.items()})
    async with listening(server):
        yield server


@asynccontextmanager
async def listening(server: RawServer) -> AsyncGenerator[None]:
    """Let it listen on a free loopback port."""
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        server.port = listener.extra(SocketAttribute.local_port)
        tasks.start_soon(listener.serve, server.handle)
        yield
        tasks.cancel_scope.cancel()
