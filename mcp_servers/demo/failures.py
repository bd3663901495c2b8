"""Tools that behave badly, for tests: slow, failing, crashing and flooding."""

from __future__ import annotations

import os
from typing import Annotated

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
_ENDS_IT = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)


def add_test_tools(server: MCPServer) -> None:
    """Add the tools to `server`."""
    server.tool(annotations=_READS, structured_output=False)(slow)
    server.tool(annotations=_READS, structured_output=False)(fail)
    server.tool(annotations=_READS, structured_output=False)(flood)
    server.tool(annotations=_ENDS_IT, structured_output=False)(crash)
    server.tool(annotations=_WRITES, structured_output=False)(slow_write)


async def slow(
    context: Context,
    seconds: Annotated[float, Field(description="How long to take", ge=0, le=3600)],
    steps: Annotated[int, Field(description="Progress reports on the way", ge=1, le=100)] = 1,
) -> str:
    """Take a while, and report progress."""
    for step in range(steps):
        await context.report_progress(step, steps, f"step {step} of {steps}")
        await anyio.sleep(seconds / steps)
    return f"took {seconds} s"


async def slow_write(seconds: Annotated[float, Field(description="How long to take", ge=0, le=3600)]) -> str:
    """Take a while, as a tool that may write."""
    await anyio.sleep(seconds)
    return f"wrote for {seconds} s"


def fail(message: Annotated[str, Field(description="What the error says")] = "failed as asked") -> str:
    """Answer with a tool error."""
    raise ToolError(message)


def flood(size: Annotated[int, Field(description="Bytes of text to return", ge=0, le=64 * 1024 * 1024)]) -> str:
    """Return a large result."""
    return "x" * size


def crash(code: Annotated[int, Field(description="Exit status", ge=0, le=255)] = 1) -> str:
    """End the process in the middle of the call."""
    os._exit(code)
