"""MCP servers over streamable HTTP, made with the official SDK, on a loopback port of this process."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.responses import JSONResponse


@dataclass
class Seen:
    """What reached the server: calls executed, calls cancelled, and the headers of every HTTP request."""

    executed: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    drops_streams: bool = False
    tools: list[str] = field(default_factory=lambda: ["echo", "sleep", "grow", "fail"])

    def headers_of(self, rpc_method: str) -> dict[str, str]:
        """The headers of the last modern request for this method."""
        return next(h for _, h in reversed(self.requests) if h.get("mcp-method") == rpc_method)


def _text(value: str, **more: Any) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=value)], **more)


def build_server(seen: Seen) -> tuple[Server[Any], ListenHandler]:
    """A server with the tools that `seen` lists."""
    bus = InMemorySubscriptionBus()
    listen = ListenHandler(bus)
    header = {"type": "string", "x-mcp-header": "Region"}

    async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
        schema = {"type": "object", "properties": {"region": header}}
        return types.ListToolsResult(tools=[types.Tool(name=name, input_schema=schema) for name in seen.tools])

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        seen.executed.append(params.name)
        arguments = params.arguments or {}
        if params.name == "sleep":
            try:
                for step in range(3):
                    await ctx.session.report_progress(step + 1, 3, f"step {step + 1}")
                if seen.drops_streams:
                    await ctx.close_sse_stream()
                await anyio.sleep(arguments.get("seconds", 0))
            except anyio.get_cancelled_exc_class():
                seen.cancelled.append("sleep")
                raise
        if params.name == "grow":
            seen.tools.append("grown")
            if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
                await bus.publish(ToolsListChanged())
            else:
                await ctx.session.send_tool_list_changed()
        if params.name == "fail":
            return _text("the tool failed", is_error=True)
        return _text(json.dumps(arguments, ensure_ascii=False))

    server = Server("tests", on_list_tools=list_tools, on_call_tool=call_tool, on_subscriptions_listen=listen)
    return server, listen


class Front:
    """Notes every request and, for an old server, refuses the modern era as servers of that time do.

    With `says_400` an unknown session is refused with 400 instead of 404, as some old servers do. The app behind
    it can be exchanged for another.
    """

    def __init__(self, app: Any, seen: Seen, *, legacy: bool, says_400: bool = False) -> None:
        self.app = app
        self.seen = seen
        self._legacy = legacy
        self._says_400 = says_400

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.requests.append((scope["method"], headers))
        if self._legacy and headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS:
            error = {"code": -32600, "message": "Bad Request: Unsupported protocol version"}
            refusal = {"jsonrpc": "2.0", "id": "server-error", "error": error}
            await JSONResponse(refusal, 400)(scope, receive, send)
            return
        await self.app(scope, receive, self._reworded(send) if self._says_400 else send)

    def _reworded(self, send: Any) -> Any:
        async def reworded(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 404:
                message = {**message, "status": 400}
            await send(message)

        return reworded


class MemoryEvents(EventStore):
    """Keeps the events of all streams, so that they can be resumed."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: Any) -> str | None:
        after = int(last_event_id)
        stream = self._events[after - 1][0]
        for number, (stream_id, message) in enumerate(self._events[after:], start=after + 1):
            if stream_id == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


@asynccontextmanager
async def sdk_app(
    *,
    json_response: bool = False,
    event_store: EventStore | None = None,
    drops_streams: bool = False,
    build: Callable[[], tuple[Server[Any], ListenHandler]] | None = None,
) -> AsyncGenerator[tuple[Any, Seen]]:
    """An ASGI app with sessions of its own; leaving the context forgets them. `build` makes another server."""
    seen = Seen(drops_streams=drops_streams)
    server, listen = build() if build is not None else build_server(seen)
    interval = 10 if event_store else None
    manager = StreamableHTTPSessionManager(
        server, json_response=json_response, event_store=event_store, retry_interval=interval
    )
    async with manager.run():
        yield manager.asgi_app, seen
        listen.close()


@asynccontextmanager
async def sdk_server(listener: socket.socket, *, era: str = "modern", **options: Any) -> AsyncGenerator[Seen]:
    """A server of this era behind `listener`."""
    async with sdk_app(**options) as (app, seen), served(Front(app, seen, legacy=era == "legacy"), listener):
        yield seen


@dataclass
class Running:
    """A server in a task of its own, which can be stopped while others go on."""

    seen: Seen
    _stop: anyio.Event = field(default_factory=anyio.Event)
    _stopped: anyio.Event = field(default_factory=anyio.Event)

    async def stop(self) -> None:
        """Cut its connections and close its port."""
        self._stop.set()
        await self._stopped.wait()


async def run_until_stopped(port: int, era: str, *, task_status: Any) -> None:
    """Run a server on this port; hands over a `Running`."""
    with bound_socket(port) as listener:
        async with sdk_server(listener, era=era) as seen:
            running = Running(seen)
            task_status.started(running)
            await running._stop.wait()
    running._stopped.set()


class _Quiet(uvicorn.Server):
    """A server within a test leaves the signals alone, and stops when it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()
        self.stopping = anyio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def main_loop(self) -> None:
        self.listening.set()
        with anyio.CancelScope(shield=True):  # so that it closes what it has opened when the test fails
            await self.stopping.wait()

    def stop(self) -> None:
        """Cut every connection, and come to an end."""
        for connection in list(self.server_state.connections):
            if transport := getattr(connection, "transport", None):
                transport.abort()
        self.stopping.set()


@asynccontextmanager
async def served(app: Any, listener: socket.socket) -> AsyncGenerator[None]:
    """An ASGI app behind a socket that is bound already; the port stays bound when this ends."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = _Quiet(config)
    with listener.dup() as own:
        async with _serving(server, own):
            yield


@asynccontextmanager
async def _serving(server: _Quiet, listener: socket.socket) -> AsyncGenerator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        try:
            await server.listening.wait()
            yield
        finally:
            server.stop()


def bound_socket(port: int = 0) -> socket.socket:
    """A socket bound to this loopback port, or to a free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
