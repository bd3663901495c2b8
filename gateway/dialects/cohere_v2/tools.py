"""Tools and the choice among them, both directions.

A model may be left free, must call some tool, or must call none. To call a certain one it is shown that one alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from gateway.conversation import ModelRequest, Source, ToolChoice, ToolDefinition
from gateway.dialects.cohere_v2.name import NAME, own_object
from gateway.dialects.crossing import refuse_crossing
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.tool_types import ProviderTool, openai_tools
from gateway.errors import InvalidRequest

_MODES: Mapping[str, Literal["required", "none"]] = {"REQUIRED": "required", "NONE": "none"}


def read_tools(value: Any, *, strict: bool) -> tuple[ToolDefinition, ...]:
    """The tools of a request, all of them strict or none. Raises InvalidRequest."""
    if value is not None and not isinstance(value, list):
        raise InvalidRequest("tools must be a list", param="tools")
    return tuple(
        _read_tool(tool, f"tools[{index}]", strict=strict) for index, tool in enumerate(list_or_empty(value))
    )


def _read_tool(value: Any, where: str, *, strict: bool) -> ToolDefinition:
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
    schema = object_or_none(function.get("parameters")) or {}
    description = text_or_empty(function.get("description"))
    return ToolDefinition(name, description, schema, Source(NAME, raw), strict=strict)


def read_tool_choice(value: Any) -> ToolChoice | None:
    """The choice; None where there is none. Raises InvalidRequest."""
    if value is None:
        return None
    mode = _MODES.get(value) if isinstance(value, str) else None
    if mode is None:
        raise InvalidRequest("tool_choice must be REQUIRED or NONE, or left out", param="tool_choice")
    return ToolChoice(mode)


def write_tools(request: ModelRequest) -> dict[str, Any]:
    """The fields `tools`, `strict_tools` and `tool_choice`.

    One strict tool makes all of them so: no less is asked of the model than the client asked. Raises
    InvalidRequest for a choice that cannot be said.
    """
    choice = request.tool_choice
    if not request.tools:
        return {"tool_choice": "NONE"} if choice is not None and choice.mode == "none" else {}
    tools = request.tools
    if choice is not None and choice.mode == "named":
        tools = _only(choice.name, tools)
    written: dict[str, Any] = {"tools": [own_object(tool.source) or _write_tool(tool) for tool in tools]}
    if any(tool.strict for tool in tools):
        written["strict_tools"] = True
    if choice is not None and choice.mode != "auto":
        written["tool_choice"] = _write_mode(choice)
    return written


def _only(name: str | None, tools: Sequence[ToolDefinition]) -> list[ToolDefinition]:
    found = [tool for tool in tools if tool.name == name]
    if not found:
        refuse_crossing("tool_choice", f"tool_choice: there is no tool {name!r} among tools")
    return found


def _write_mode(choice: ToolChoice) -> str:
    if choice.mode == "unknown":
        what = "this model's provider can be told to call some tool, a certain one, or none"
        refuse_crossing("tool_choice", f"tool_choice: {what}: use required, a name, or none")
    return "NONE" if choice.mode == "none" else "REQUIRED"


def _write_tool(tool: ToolDefinition) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    schema = tool.parameters if "type" in tool.parameters else {"type": "object", **tool.parameters}
    return {"type": "function", "function": {"name": tool.name, **described, "parameters": schema}}


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Those that the client does not run; on a request that need not be valid."""
    if "tools" in body:
        yield from openai_tools(body["tools"], "tools")
