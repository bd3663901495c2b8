"""Tools and the choice among them, both directions.

Custom tools and kinds that are unknown to us are tools as well, with their wire object as the source: so the loop
knows their names for the client's own, and they are written back as they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from gateway.conversation import Source, ToolChoice, ToolDefinition
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.openai_chat.name import NAME, own_object
from gateway.errors import InvalidRequest

_MODES: Mapping[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",  # Mistral's word
}


def read_tool(value: Any, where: str) -> ToolDefinition:
    """A tool of a request, at `where`. Raises InvalidRequest."""
    raw = object_or_none(value)
    kind = None if raw is None else raw.get("type")
    if raw is None or not (isinstance(kind, str) or (kind is None and "function" in raw)):
        raise InvalidRequest(f"{where} must be an object with a type", param=where)
    kind = kind or "function"
    if kind not in ("function", "custom"):
        name = text_or_empty(raw.get("name")) or kind
        return ToolDefinition(
            name, text_or_empty(raw.get("description")), {}, Source(NAME, raw), is_function=False
        )
    described = object_or_none(raw.get(kind)) or {}
    name = described.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"{where}.{kind}.name must be a string", param=f"{where}.{kind}.name")
    parameters = described.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        where = f"{where}.{kind}.parameters"
        raise InvalidRequest(f"{where} must be a JSON Schema object", param=where)
    schema = object_or_none(parameters) or {}
    description, is_function = text_or_empty(described.get("description")), kind == "function"
    strict = described.get("strict") is True
    return ToolDefinition(name, description, schema, Source(NAME, raw), is_function, strict)


def read_tool_choice(value: Any) -> ToolChoice | None:
    """The choice; None where there is none. Raises InvalidRequest."""
    if value is None:
        return None
    source = Source(NAME, {"tool_choice": value})
    if isinstance(value, str):
        if value not in _MODES:
            raise InvalidRequest("tool_choice must be none, auto, required or an object", param="tool_choice")
        return ToolChoice(_MODES[value], source=source)
    raw = object_or_none(value)
    if raw is None:
        raise InvalidRequest("tool_choice must be a string or an object", param="tool_choice")
    kind = raw.get("type")
    if kind == "allowed_tools":
        return _read_allowed_tools(raw, source)
    named = object_or_none(raw.get(kind)) if isinstance(kind, str) else None
    if named is not None and isinstance(named.get("name"), str):
        return ToolChoice("named", named["name"], source)
    return ToolChoice("unknown", source=source)


def _read_allowed_tools(raw: Mapping[str, Any], source: Source) -> ToolChoice:
    """A choice among some of the tools, which remain the only ones when a call is not forced any more."""
    allowed = object_or_none(raw.get("allowed_tools")) or {}
    among = tuple(_named_in(allowed))
    if allowed.get("mode") == "auto":
        return ToolChoice("auto", source=source, among=among)
    relaxed = Source(NAME, {"tool_choice": {**raw, "allowed_tools": {**allowed, "mode": "auto"}}})
    return ToolChoice("required", None, source, ToolChoice("auto", source=relaxed, among=among), among)


def _named_in(allowed: Mapping[str, Any]) -> Iterator[str]:
    for value in list_or_empty(allowed.get("tools")):
        tool = object_or_none(value) or {}
        described = object_or_none(tool.get(text_or_empty(tool.get("type")))) or tool
        yield text_or_empty(described.get("name"))


def write_tools(tools: Iterable[ToolDefinition]) -> list[Mapping[str, Any]]:
    """The tools, in their order."""
    return [_write_tool(tool) for tool in tools]


def _write_tool(tool: ToolDefinition) -> Mapping[str, Any]:
    if raw := own_object(tool.source):
        return raw
    described: dict[str, Any] = {"description": tool.description} if tool.description else {}
    strict = {"strict": True} if tool.strict else {}
    function = {"name": tool.name, **described, "parameters": tool.parameters, **strict}
    return {"type": "function", "function": function}


def write_tool_choice(choice: ToolChoice) -> Any:
    """The choice as this dialect says it; None where it cannot."""
    if raw := own_object(choice.source):
        return raw["tool_choice"]
    if choice.among is not None and choice.mode in ("auto", "required"):
        tools = [{"type": "function", "function": {"name": name}} for name in choice.among]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": tools}}
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.name}}
    return None if choice.mode == "unknown" else choice.mode
