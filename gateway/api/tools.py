"""`GET /v1/tools` and `POST /v1/tools/{name}`: the tools of a key, listed and called without a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.requests import Request, parse_json_object
from gateway.api.responses import Response, json_response
from gateway.api.run_records import RunLog
from gateway.api.services import Services
from gateway.api.tool_access import expose_tools
from gateway.api.toolgate_field import read_options
from gateway.auth import Principal
from gateway.conversation import Media, Text
from gateway.errors import InvalidRequest
from gateway.hub import CatalogueTool
from gateway.tool_calls import CallContext, OutcomeKind, ToolCallRequest, ToolOutcome

PREFIX = "/v1/tools/"

_STATUS: Mapping[OutcomeKind, int] = {
    "ok": 200,
    "tool_error": 200,
    "denied": 403,
    "unknown_tool": 404,
    "invalid_arguments": 422,
    "timeout": 504,
    "server_down": 503,
    "not_connected": 403,
    "server_fault": 502,
}
_CODES: Mapping[OutcomeKind, str] = {
    "denied": "tool_denied",
    "unknown_tool": "tool_not_found",
    "invalid_arguments": "invalid_arguments",
    "timeout": "tool_timeout",
    "server_down": "tool_server_down",
    "not_connected": "tool_server_not_connected",
    "server_fault": "tool_server_fault",
}
_KINDS: Mapping[int, str] = {403: "permission_error", 404: "invalid_request_error", 422: "invalid_request_error"}


async def list_tools(request: Request, services: Services) -> Response:
    """The tools that this key has now, in the catalogue's order; a key with `tools: off` has none."""
    principal = await services.callers.identify(request.headers)
    exposure = expose_tools(services, asking(principal), read_options(request.headers, {}))
    listed = [describe_tool(tool) for tool in exposure.tools]
    return json_response({"object": "list", "data": listed, "unavailable": list(exposure.unavailable)})


async def call_tool(request: Request, services: Services) -> Response:
    """Call one tool. A tool's own failure is an answer with `is_error`; a refusal and a fault are HTTP errors."""
    principal = await services.callers.identify(request.headers)
    body = await request.body()
    fields = parse_json_object(body) if body.strip() else {}
    exposure = expose_tools(services, asking(principal), read_options(request.headers, fields))
    call = ToolCallRequest(request.run_id, request.path_after(PREFIX), _arguments(fields))
    context = CallContext(
        principal.key_id,
        request.run_id,
        exposure.policy,
        services.loop_limits.tool_call_seconds,
        services.loop_limits.result_bytes,
        user=principal.user,
        surface="tools",
    )
    run = RunLog(request, principal, "tools", calls=1)
    async with run.recorded(services):
        with CancelledWhenClientLeaves(request):
            outcome = await services.tool_caller.call(call, context)
        run.outcome = outcome.outcome
    return _answer(outcome, request.run_id)


def asking(principal: Principal) -> Principal:
    """Whoever comes here asks for tools: what `on_request` waits for."""
    if principal.tools != "on_request":
        return principal
    return replace(principal, tools="auto")


def _arguments(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in fields:
        if name not in ("arguments", "toolgate"):
            raise InvalidRequest(f"{name[:80]} is not known; send the arguments as `arguments`", param=name[:80])
    arguments: Any = fields.get("arguments", {})
    if not isinstance(arguments, dict):
        raise InvalidRequest("arguments must be a JSON object", param="arguments")
    return cast("Mapping[str, Any]", arguments)


def describe_tool(tool: CatalogueTool) -> dict[str, Any]:
    """A tool as JSON: its names, its schema, and what its server claims of it."""
    return {
        "name": tool.wire_name,
        "server": tool.server,
        "tool": tool.name,
        "qualified_name": tool.qualified,
        "title": tool.title,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "read_only": tool.annotations.read_only,
    }


def describe_outcome(outcome: ToolOutcome) -> dict[str, Any]:
    """A call's end as JSON, with what the tool gave, in MCP's form of content."""
    return {
        "tool": outcome.qualified,
        "verdict": outcome.verdict,
        "rule": outcome.rule,
        "outcome": outcome.outcome,
        "duration_seconds": round(outcome.duration_seconds, 6),
        "is_error": outcome.is_error,
        "content": [_part(part) for part in outcome.content],
        "structured_content": outcome.structured,
    }


def _answer(outcome: ToolOutcome, run_id: str) -> Response:
    status = _STATUS[outcome.outcome]
    told = {"run_id": run_id, **describe_outcome(outcome)}
    if status == 200:
        return json_response(told)
    error = {
        "message": outcome.text,
        "type": _KINDS.get(status, "tool_error"),
        "param": "arguments" if outcome.outcome == "invalid_arguments" else None,
        "code": _CODES[outcome.outcome],
    }
    headers = {"x-should-retry": "false"} if outcome.ran and outcome.may_write else {}
    return json_response({"error": error, "toolgate": told}, status=status, headers=headers)


def _part(part: Text | Media) -> dict[str, Any]:
    """In MCP's form of a content block."""
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": part.kind, "mimeType": part.media_type, "data": part.data, "uri": part.url}
