"""Tools and the choice among them, both directions.

A namespace is flattened: each tool in it is a tool of its own, called `NAMESPACE__NAME`, and a custom tool takes
its text as a parameter. Tools may also stand within the input, where they came to be known in the middle of a
conversation; they are offered like all others. Each has the object that it stands in as its source, so that it is
written back as it came, once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from gateway.conversation import Source, ToolChoice, ToolDefinition
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.openai_responses.freeform import parameters_of
from gateway.dialects.openai_responses.name import NAME, own_object
from gateway.errors import InvalidRequest

_MODES: Mapping[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
}
_COMPUTER = frozenset({"computer", "computer_use", "computer_use_preview"})
_LONGEST_NAME = 64
_DEFAULT = "functions"
"""The namespace of tools that have none: OpenAI's models name it, or leave it out."""
BRINGS_TOOLS = frozenset({"additional_tools", "tool_search_output"})
"""Items that tell of further tools."""


def read_tools(value: Any, where: str = "tools", holder: Mapping[str, Any] | None = None) -> list[ToolDefinition]:
    """The tools of a request, or of the input item `holder`. Raises InvalidRequest."""
    if value is not None and not isinstance(value, list):
        raise InvalidRequest(f"{where} must be a list", param=where)
    found: list[ToolDefinition] = []
    for index, tool in enumerate(list_or_empty(value)):
        found += _read_tool(tool, f"{where}[{index}]", holder)
    return found


def _read_tool(value: Any, where: str, holder: Mapping[str, Any] | None) -> Iterator[ToolDefinition]:
    raw = object_or_none(value)
    if raw is None or not isinstance(raw.get("type"), str):
        raise InvalidRequest(f"{where} must be an object with a type", param=where)
    source = Source(NAME, raw if holder is None else holder)
    match raw["type"]:
        case "function" | "custom":
            yield _described(raw, where, source, None)
        case "namespace":
            space = _name_in(raw, where)
            for index, inner in enumerate(list_or_empty(raw.get("tools"))):
                yield _described(object_or_none(inner) or {}, f"{where}.tools[{index}]", source, space)
        case kind:
            name = "computer" if kind in _COMPUTER else kind
            description = text_or_empty(raw.get("description"))
            yield ToolDefinition(name, description, {}, source, is_function=False)


def _described(raw: Mapping[str, Any], where: str, source: Source, space: str | None) -> ToolDefinition:
    name = flat_name(space, _name_in(raw, where))
    description = text_or_empty(raw.get("description"))
    if raw.get("type") == "custom":
        return ToolDefinition(name, description, parameters_of(raw), source)
    parameters = raw.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        where = f"{where}.parameters"
        raise InvalidRequest(f"{where} must be a JSON Schema object", param=where)
    schema = object_or_none(parameters) or {}
    return ToolDefinition(name, description, schema, source, strict=raw.get("strict") is True)


def _name_in(raw: Mapping[str, Any], where: str) -> str:
    name = raw.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"{where}.name must be a string", param=f"{where}.name")
    return name


def flat_name(space: str | None, name: str) -> str:
    """The name of a tool outside its namespace; of one that is too long for others, the end is a digest."""
    if not space or space == _DEFAULT:
        return name
    flat = f"{space}__{name}"
    if len(flat) <= _LONGEST_NAME:
        return flat
    digest = hashlib.sha256(flat.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{flat[: _LONGEST_NAME - 9]}_{digest}"


def described_in(tools: Iterable[ToolDefinition]) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """The functions and custom tools as this dialect describes them, each with its namespace."""
    seen: set[int] = set()
    for tool in tools:
        raw = own_object(tool.source)
        if raw and id(raw) not in seen:
            seen.add(id(raw))
            yield from _inside(raw)


def _inside(raw: Mapping[str, Any]) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    if raw.get("type") in ("function", "custom"):
        yield None, raw
        return
    space = text_or_empty(raw.get("name")) if raw.get("type") == "namespace" else None
    for value in list_or_empty(raw.get("tools")):
        inner = object_or_none(value) or {}
        if space is not None:
            yield space, inner
        else:
            yield from _inside(inner)


def write_tools(tools: Iterable[ToolDefinition]) -> list[Mapping[str, Any]]:
    """The tools, in their order; without those that stand in the input."""
    written: list[Mapping[str, Any]] = []
    seen: set[int] = set()
    for tool in tools:
        raw = own_object(tool.source)
        if not raw:
            written.append(_write_tool(tool))
        elif id(raw) not in seen:
            seen.add(id(raw))
            if raw.get("type") not in BRINGS_TOOLS:
                written.append(raw)
    return written


def _write_tool(tool: ToolDefinition) -> Mapping[str, Any]:
    """A function; without `strict`, OpenAI would take the schema for one that may be tightened."""
    parameters = tool.parameters or {"type": "object", "properties": {}}
    described = {"description": tool.description} if tool.description else {}
    return {
        "type": "function",
        "name": tool.name,
        **described,
        "parameters": parameters,
        "strict": tool.strict,
    }


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
    if raw is None or not isinstance(raw.get("type"), str):
        raise InvalidRequest("tool_choice must be a string or an object with a type", param="tool_choice")
    if raw["type"] == "allowed_tools":
        return _read_allowed_tools(raw, source)
    if raw["type"] in ("function", "custom"):
        return ToolChoice("named", _name_in(raw, "tool_choice"), source)
    return ToolChoice("unknown", source=source)


def _read_allowed_tools(raw: Mapping[str, Any], source: Source) -> ToolChoice:
    """A choice among some of the tools, which remain the only ones when a call is not forced any more."""
    tools = (object_or_none(value) or {} for value in list_or_empty(raw.get("tools")))
    among = tuple(
        flat_name(text_or_empty(tool.get("namespace")) or None, text_or_empty(tool.get("name"))) for tool in tools
    )
    if raw.get("mode") == "auto":
        return ToolChoice("auto", source=source, among=among)
    relaxed = Source(NAME, {"tool_choice": {**raw, "mode": "auto"}})
    return ToolChoice("required", None, source, ToolChoice("auto", source=relaxed, among=among), among)


def write_tool_choice(choice: ToolChoice) -> Any:
    """The choice as this dialect says it; None where it cannot."""
    if raw := own_object(choice.source):
        return raw["tool_choice"]
    if choice.among is not None and choice.mode in ("auto", "required"):
        tools = [{"type": "function", "name": name} for name in choice.among]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": tools}
    if choice.mode == "named":
        return {"type": "function", "name": choice.name}
    return None if choice.mode == "unknown" else choice.mode
