"""The SDK's own pattern for a proxy: its low-level server, whose handlers call one client of the tool server.

`python -m bench.mcp.peers.sdk_proxy PORT stdio|http TOOL_SERVER_PORT`. It checks no key, records nothing, and
offers the tools as they are: what is left is the least that the SDK costs on both sides.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import mcp_types
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Route

from bench.mcp.calls import RESULT, modern_call
from bench.mcp.hub import STDIO_SERVER, Hub, Place, Started
from bench.servers import Launch


def launch(place: Place) -> Launch:
    """Start this module as a program."""
    arguments = (str(place.port), place.way, str(place.tool_server))
    return Launch((sys.executable, "-m", "bench.mcp.peers.sdk_proxy", *arguments))


def prepare(place: Place) -> Started:
    """A call at its `/mcp`."""
    return Started({"/mcp": modern_call("/mcp", "calculate", "none")}, {"/mcp": RESULT})


class _Proxy:
    """One client for everybody, as the SDK's handlers see it."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.tools: dict[str, mcp_types.Tool] = {}
        # Without `get_tool_input_schema` each call would list the tools first.
        self.server: Server[Any] = Server(
            "proxy",
            version="1",
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            get_tool_input_schema=lambda name: self.tools[name].input_schema if name in self.tools else None,
        )

    async def list_tools(self, _context: Any, _params: Any) -> mcp_types.ListToolsResult:
        return mcp_types.ListToolsResult(tools=list(self.tools.values()), ttl_ms=5000, cache_scope="public")

    async def call_tool(self, _context: Any, params: mcp_types.CallToolRequestParams) -> Any:
        assert self.client is not None
        return await self.client.call_tool(params.name, params.arguments)


@asynccontextmanager
async def _connected(proxy: _Proxy, way: str, tool_server: str) -> AsyncGenerator[None]:
    async with AsyncExitStack() as stack:
        if way == "http":
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=300)
            http = await stack.enter_async_context(httpx2.AsyncClient(limits=limits, timeout=30))
            url = f"http://127.0.0.1:{tool_server}/mcp"
            transport: Any = streamable_http_client(url, http_client=http)
        else:
            transport = StdioServerParameters(command=sys.executable, args=["-m", STDIO_SERVER])
        proxy.client = await stack.enter_async_context(Client(transport, cache=None))
        proxy.tools = {tool.name: tool for tool in (await proxy.client.list_tools()).tools}
        yield


def _application(way: str, tool_server: str) -> Starlette:
    proxy = _Proxy()
    manager = StreamableHTTPSessionManager(proxy.server)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with _connected(proxy, way, tool_server), manager.run():
            yield

    return Starlette(routes=[Route("/mcp", endpoint=StreamableHTTPASGIApp(manager))], lifespan=lifespan)


HUB = Hub("SDK proxy", ("stdio", "http"), launch, prepare)


if __name__ == "__main__":
    uvicorn.run(
        _application(sys.argv[2], sys.argv[3]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        access_log=False,
    )
