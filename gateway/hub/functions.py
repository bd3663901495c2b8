"""Python functions as tools: a server of this process, made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.config.server_config import OnChange
from gateway.hub.specs import InProcessServerSpec


def functions_server(
    name: str, *functions: Callable[..., Any], timeout: float | None = None, on_change: OnChange = "hide"
) -> InProcessServerSpec:
    """A server whose tools are these functions: named by their names, described by their docstrings.

    Their schemas are made of their annotations. `timeout` bounds a call, in seconds. Raises the SDK's errors for
    functions that cannot be tools.
    """
    from mcp.server.mcpserver import MCPServer  # noqa: PLC0415 - it takes most of a second, which others do without

    server: MCPServer[Any] = MCPServer(name)
    for function in functions:
        server.add_tool(function)
    return InProcessServerSpec(name, server, timeout, on_change=on_change)
