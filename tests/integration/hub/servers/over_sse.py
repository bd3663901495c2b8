"""A server of the SDK over the old HTTP+SSE transport, on a loopback port of this process."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.sse import SseServerTransport
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from tests.integration.hub.servers.over_http import Front, Seen, build_server, served


@asynccontextmanager
async def sse_server(listener: socket.socket, build: Any = None) -> AsyncGenerator[Seen]:
    """A server whose stream is at `/sse`; `build` makes another than that of `over_http`."""
    seen = Seen()
    server, _ = build() if build is not None else build_server(seen)
    transport = SseServerTransport("/messages/")

    async def stream(request: Any) -> Response:
        async with transport.connect_sse(request.scope, request.receive, request._send) as (reader, writer):
            await server.run(reader, writer, server.create_initialization_options())
        return Response()

    app = Starlette(routes=[Route("/sse", stream), Mount("/messages/", app=transport.handle_post_message)])
    async with served(Front(app, seen, legacy=False), listener):
        yield seen


def sse_url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/sse"
