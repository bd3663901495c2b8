"""`tools/list` and `tools/call`: a key's tools, and calls of them through the one pipeline."""

from __future__ import annotations

from typing import Any

from gateway.api.errors import describe_error
from gateway.api.mcp.asked import Asked, Result
from gateway.api.mcp.envelope import check_argument_headers
from gateway.api.mcp.results import error_result, listing
from gateway.api.mcp.wire import INVALID_PARAMS, Refusal, object_param, text_param
from gateway.api.run_records import RunLog
from gateway.hub import CallResult
from gateway.tool_calls import CallContext, ToolCallRequest, ToolOutcome

DIALECT = "mcp"
"""What the trail says of runs from here."""


async def list_tools(asked: Asked) -> Result:
    """The key's tools, sorted by name."""
    check_no_cursor(asked)
    surface = asked.surface
    return listing("tools", surface.listed_tools if asked.is_modern else surface.listed_tools_for_handshakes)


def check_no_cursor(asked: Asked) -> None:
    """Lists have one page, so no cursor was ever given out. Raises Refusal."""
    if asked.params.get("cursor") is not None:
        raise Refusal(INVALID_PARAMS, "Invalid params: there is no such cursor")


async def call_tool(asked: Asked) -> Result:
    """Call a tool. What a policy refuses is a result for the model; a tool that is not there is an error."""
    name = text_param(asked.params, "name")
    arguments = object_param(asked.params, "arguments")
    exposed = asked.surface.tools.get(name)
    if exposed is not None and exposed.mirrors and asked.is_modern:
        check_argument_headers(exposed.tool.definition["inputSchema"], arguments, asked.request.headers)
    qualified = "" if exposed is None else exposed.tool.qualified
    call = ToolCallRequest(asked.request.run_id, name, arguments, qualified)
    run = RunLog(asked.request, asked.principal, DIALECT, calls=1)
    try:
        outcome = await asked.services.tool_caller.call(call, _context(asked))
        run.outcome = outcome.outcome
    except Exception as error:
        run.outcome = describe_error(error, request_id=asked.request.request_id).outcome
        raise
    finally:
        await run.record(asked.services)
    return _result(outcome, asked)


def _context(asked: Asked) -> CallContext:
    limits = asked.services.loop_limits
    return CallContext(
        asked.principal.key_id,
        asked.request.run_id,
        asked.surface.policy,
        limits.tool_call_seconds,
        limits.result_bytes,
        on_progress=asked.on_progress,
        user=asked.principal.user,
        surface="mcp",
        as_sent=True,
        breaks_off=True,
    )


def _result(outcome: ToolOutcome, asked: Asked) -> Result:
    if outcome.outcome == "unknown_tool":
        raise Refusal(INVALID_PARAMS, outcome.text)
    if outcome.result is None:
        return error_result(outcome.text)
    return _as_sent(outcome.result, is_modern=asked.is_modern)


def _as_sent(result: CallResult, *, is_modern: bool) -> dict[str, Any]:
    sent: dict[str, Any] = {"content": list(result.content)}
    if result.is_error:
        sent["isError"] = True
    structured: object = result.structured
    if structured is not None and (is_modern or isinstance(structured, dict)):
        sent["structuredContent"] = structured
    return sent
