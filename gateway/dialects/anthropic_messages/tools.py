"""Tools and the choice among them, both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from gateway.conversation import Source, ToolChoice, ToolDefinition
from gateway.dialects.anthropic_messages.name import NAME, own_object
from gateway.dialects.json_values import object_or_none, text_or_empty
from gateway.errors import InvalidRequest

_MODES: Mapping[str, Literal["auto", "none", "required"]] = {"auto": "auto", "none": "none", "any": "required"}
_SERIAL = "disable_parallel_tool_use"


def read_tool(value: Any, where: str) -> ToolDefinition:
    """A tool of a request, at `where`. Raises InvalidRequest."""
    raw = object_or_none(value)
    if raw is None:
        raise InvalidRequest(f"{where} must be an object", param=where)
    kind = raw.get("type") or "custom"
    name = text_or_empty(raw.get("name"))
    description = text_or_empty(raw.get("description"))
    if kind != "custom":
        return ToolDefinition(name or str(kind)[:64], description, {}, Source(NAME, raw), is_function=False)
    if not name:
        raise InvalidRequest(f"{where}.name must be a string", param=f"{where}.name")
    schema = object_or_none(raw.get("input_schema"))
    if schema is None:
        where = f"{where}.input_schema"
        raise InvalidRequest(f"{where} must be a JSON Schema object", param=where)
    return ToolDefinition(name, description, schema, Source(NAME, raw), strict=raw.get("strict") is True)


def read_tool_choice(value: Any) -> ToolChoice | None:
    """The choice; None where there is none. Raises InvalidRequest."""
    if value is None:
        return None
    raw = object_or_none(value)
    kind = raw.get("type") if raw is not None else None
    if raw is None or not isinstance(kind, str):
        raise InvalidRequest("tool_choice must be an object with a type", param="tool_choice")
    source = Source(NAME, {"tool_choice": raw})
    relaxed = {"type": "auto", _SERIAL: True} if raw.get(_SERIAL) is True else None
    afterwards = None if relaxed is None else ToolChoice("auto", None, Source(NAME, {"tool_choice": relaxed}))
    if kind == "tool":
        name = raw.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidRequest("tool_choice.name must be a string", param="tool_choice.name")
        return ToolChoice("named", name, source, afterwards)
    mode = _MODES.get(kind)
    if mode is None:
        return ToolChoice("unknown", source=source)
    return ToolChoice(mode, None, source, afterwards if mode == "required" else None)


def forbids_parallel_calls(value: Any) -> bool:
    """Whether a choice allows one call at a time only."""
    return (object_or_none(value) or {}).get(_SERIAL) is True


def write_tools(tools: Iterable[ToolDefinition]) -> list[Mapping[str, Any]]:
    """The tools, in their order."""
    return [_write_tool(tool) for tool in tools]


def _write_tool(tool: ToolDefinition) -> Mapping[str, Any]:
    if raw := own_object(tool.source):
        return raw
    described = {"description": tool.description} if tool.description else {}
    schema = tool.parameters if "type" in tool.parameters else {"type": "object", **tool.parameters}
    strict = {"strict": True} if tool.strict else {}
    return {"name": tool.name, **described, "input_schema": schema, **strict}


def write_tool_choice(choice: ToolChoice | None, *, parallel: bool | None) -> Mapping[str, Any] | None:
    """The choice as this dialect says it; None where there is nothing to say.

    `parallel` is what a request of another dialect says of calls at once.
    """
    if choice is not None and (raw := own_object(choice.source)):
        return raw["tool_choice"]
    if parallel is not False:
        return None if choice is None else _write_mode(choice)
    written = _write_mode(choice or ToolChoice("auto"))
    return written if written is None or written["type"] == "none" else {**written, _SERIAL: True}


def _write_mode(choice: ToolChoice) -> dict[str, Any] | None:
    match choice.mode:
        case "named":
            return {"type": "tool", "name": choice.name}
        case "required":
            return {"type": "any"}
        case "unknown":
            return None
        case _:
            return {"type": choice.mode}
