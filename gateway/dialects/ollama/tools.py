"""Tools, both directions: OpenAI's form. There is no choice among them to be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.conversation import ModelRequest, Source, ToolDefinition
from gateway.dialects.crossing import refuse_crossing
from gateway.dialects.json_values import object_or_none, text_or_empty
from gateway.dialects.ollama.name import NAME, own_object
from gateway.dialects.tool_types import ProviderTool, openai_tools
from gateway.errors import InvalidRequest


def read_tool(value: Any, where: str) -> ToolDefinition:
    """A tool of a request, at `where`. Raises InvalidRequest."""
    raw = object_or_none(value)
    if raw is None:
        raise InvalidRequest(f"{where} must be an object", param=where)
    kind = text_or_empty(raw.get("type")) or "function"
    if kind != "function":
        return ToolDefinition(kind, "", {}, Source(NAME, raw), is_function=False)
    function = object_or_none(raw.get("function")) or {}
    name = function.get("name")
    if not isinstance(name, str) or not name:
        where = f"{where}.function.name"
        raise InvalidRequest(f"{where} must be a string", param=where)
    parameters = object_or_none(function.get("parameters")) or {}
    return ToolDefinition(name, text_or_empty(function.get("description")), parameters, Source(NAME, raw))


def write_tools(tools: Iterable[ToolDefinition]) -> list[Mapping[str, Any]]:
    """The tools, in their order."""
    return [own_object(tool.source) or _write_tool(tool) for tool in tools]


def _write_tool(tool: ToolDefinition) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    parameters = tool.parameters if "type" in tool.parameters else {"type": "object", **tool.parameters}
    return {"type": "function", "function": {"name": tool.name, **described, "parameters": parameters}}


def check_choice(request: ModelRequest) -> None:
    """A call can be neither forced nor kept from having company. Raises InvalidRequest."""
    choice = request.tool_choice
    if choice is not None and choice.forces_a_call:
        what = "this model's provider cannot be told to call a tool: use auto, and say in the prompt what to call"
        refuse_crossing("tool_choice", f"tool_choice: {what}")
    if request.parallel_calls is False and request.tools:
        what = "this model's provider cannot be told to make one call at a time"
        refuse_crossing("parallel_tool_calls", f"parallel_tool_calls: {what}; leave it out")


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Those that the client does not run; on a request that need not be valid."""
    if "tools" in body:
        yield from openai_tools(body["tools"], "tools")
