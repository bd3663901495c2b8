"""`tools/list` and `tools/call`: a key's tools, and calls of them through the one pipeline."""

from __future__ import annotations

from typing import Any

from gateway.api.mcp.asked import Asked, Result
from gateway.api.mcp.asking import in_rounds, unanswered
from gateway.api.mcp.envelope import check_argument_headers
from gateway.api.mcp.offers import context_of
from gateway.api.mcp.questions import Unanswered
from gateway.api.mcp.refusals import passed_on
from gateway.api.mcp.results import check_no_cursor, error_result, listing
from gateway.api.mcp.rounds import given_input, place_of, wanted_input
from gateway.api.mcp.wire import INVALID_PARAMS, Refusal, object_param, text_param
from gateway.api.run_records import RunLog
from gateway.hub import CallResult, GivenInput, InputRequired
from gateway.tool_calls import ToolCallRequest, ToolOutcome


async def list_tools(asked: Asked) -> Result:
    """The key's tools, sorted by name."""
    check_no_cursor(asked.params)
    surface = asked.surface
    return listing("tools", surface.listed_tools if asked.is_modern else surface.listed_tools_for_handshakes)


async def call_tool(asked: Asked) -> Result:
    """Call a tool. What a policy refuses is a result for the model; a tool that is not there is an error."""
    name = text_param(asked.params, "name")
    arguments = object_param(asked.params, "arguments")
    exposed = asked.surface.tools.get(name)
    if exposed is not None and exposed.mirrors and asked.is_modern:
        check_argument_headers(exposed.tool.definition["inputSchema"], arguments, asked.request.headers)
    qualified = "" if exposed is None else exposed.tool.qualified
    is_further_round = "requestState" in asked.params or "inputResponses" in asked.params
    given = given_input(asked, _place(asked, qualified)) if is_further_round else None
    server = "" if exposed is None else exposed.tool.server
    run = RunLog(asked.request, asked.principal, "mcp")

    async def call(given: GivenInput | None) -> ToolOutcome:
        run.calls += 1
        request = ToolCallRequest(asked.request.run_id, name, arguments, qualified, given)
        outcome = await asked.services.tool_caller.call(request, context_of(asked, server))
        run.outcome = outcome.outcome
        return outcome

    async with run.recorded(asked.services):
        try:
            outcome = await in_rounds(asked, given, call, _wanted)
        except Unanswered as problem:
            return error_result(unanswered(problem))
    return _result(outcome, asked)


def _wanted(outcome: ToolOutcome) -> InputRequired | None:
    return None if outcome.result is None else outcome.result.input_required


def _place(asked: Asked, qualified: str) -> bytes:
    return place_of(asked, qualified, object_param(asked.params, "arguments"))


def _result(outcome: ToolOutcome, asked: Asked) -> Result:
    if outcome.outcome == "unknown_tool":
        raise Refusal(INVALID_PARAMS, outcome.text)
    if refusal := passed_on(outcome.error):
        raise refusal
    result = outcome.result
    if result is None:
        return error_result(outcome.text)
    if result.input_required is not None and asked.is_modern:
        wanted = result.input_required
        return wanted_input(asked, wanted.requests, wanted.state, _place(asked, outcome.qualified or ""))
    return _as_sent(result, is_modern=asked.is_modern)


def _as_sent(result: CallResult, *, is_modern: bool) -> dict[str, Any]:
    sent: dict[str, Any] = {"content": list(result.content)}
    if result.is_error:
        sent["isError"] = True
    structured: object = result.structured
    if structured is not None and (is_modern or isinstance(structured, dict)):
        sent["structuredContent"] = structured
    if result.meta:
        sent["_meta"] = result.meta
    return sent
