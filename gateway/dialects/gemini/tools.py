"""Tools and the choice among them, both directions.

One entry of a request's list of tools may hold many functions and several tools of Google's own; here each is a
tool by itself, and they are written in one entry for all functions and one for each other tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from gateway.conversation import Source, ToolChoice, ToolDefinition
from gateway.dialects.gemini.fields import as_list, field, snake, without
from gateway.dialects.gemini.model_kinds import ModelKind
from gateway.dialects.gemini.name import NAME, own_object
from gateway.dialects.gemini.schemas import from_openapi, tidy, to_openapi
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.errors import InvalidRequest

_FUNCTIONS = "functionDeclarations"
_CALLING = "functionCallingConfig"
_CHOICE = "toolConfig"
_MODES: Mapping[str, Literal["auto", "none", "required"]] = {
    "AUTO": "auto",
    "MODE_UNSPECIFIED": "auto",
    "VALIDATED": "auto",
    "NONE": "none",
    "ANY": "required",
}


def read_tools(value: Any) -> tuple[ToolDefinition, ...]:
    """The tools of a request. Raises InvalidRequest."""
    if value is not None and not isinstance(value, list | dict):
        raise InvalidRequest("tools must be a list", param="tools")
    found: list[ToolDefinition] = []
    for index, entry in enumerate(as_list(value)):
        raw, where = object_or_none(entry), f"tools[{index}]"
        if raw is None:
            raise InvalidRequest(f"{where} must be an object", param=where)
        for place, declared in enumerate(as_list(field(raw, _FUNCTIONS))):
            found.append(_read_function(declared, f"{where}.{_FUNCTIONS}[{place}]"))
        for name, other in without(raw, _FUNCTIONS).items():
            source = Source(NAME, {name: other})
            found.append(ToolDefinition(snake(name)[:64], "", {}, source, is_function=False))
    return tuple(found)


def _read_function(value: Any, where: str) -> ToolDefinition:
    raw = object_or_none(value)
    name = None if raw is None else raw.get("name")
    if raw is None or not isinstance(name, str) or not name:
        raise InvalidRequest(f"{where}.name must be a string", param=f"{where}.name")
    schema = object_or_none(field(raw, "parametersJsonSchema"))
    if schema is None:
        schema = from_openapi(object_or_none(raw.get("parameters")) or {})
    return ToolDefinition(name, text_or_empty(raw.get("description")), schema, Source(NAME, raw))


def write_tools(tools: Iterable[ToolDefinition], kind: ModelKind) -> list[Mapping[str, Any]]:
    """The tools, in their order."""
    functions: list[Mapping[str, Any]] = []
    others: list[Mapping[str, Any]] = []
    for tool in tools:
        if tool.is_function:
            functions.append(own_object(tool.source) or _write_function(tool, kind))
        else:
            others.append(own_object(tool.source))
    return [*([{_FUNCTIONS: functions}] if functions else []), *others]


def _write_function(tool: ToolDefinition, kind: ModelKind) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    if kind.json_schema:
        schema = tidy(tool.parameters)
        return {**written, "parametersJsonSchema": schema if "type" in schema else {"type": "object", **schema}}
    if not object_or_none(tool.parameters.get("properties")) and "$ref" not in tool.parameters:
        return written  # an object without properties is refused there
    return {**written, "parameters": to_openapi({"type": "object", **tool.parameters})}


def read_tool_choice(config: Any) -> ToolChoice | None:
    """The choice in a `toolConfig`; None where there is none. Raises InvalidRequest."""
    raw = object_or_none(config)
    if config is not None and raw is None:
        raise InvalidRequest(f"{_CHOICE} must be an object", param=_CHOICE)
    calling = object_or_none(field(raw or {}, _CALLING))
    if not calling:
        return None
    word = calling.get("mode")
    mode = _MODES.get(word.upper()) if isinstance(word, str) else "auto" if word is None else None
    source = Source(NAME, {_CALLING: calling})
    if mode is None:
        return ToolChoice("unknown", source=source)
    if mode != "required":
        return ToolChoice(mode, source=source)
    names = [name for name in list_or_empty(field(calling, "allowedFunctionNames")) if isinstance(name, str)]
    relaxed = Source(NAME, {_CALLING: {**calling, "mode": "VALIDATED"}}) if names else None
    afterwards = None if relaxed is None else ToolChoice("auto", source=relaxed)
    if len(names) == 1:
        return ToolChoice("named", names[0], source, afterwards)
    return ToolChoice("required", None, source, afterwards)


def write_tool_choice(choice: ToolChoice | None, *, strict: bool) -> Mapping[str, Any] | None:
    """The choice as a `functionCallingConfig`; None where there is nothing to say.

    `strict` says whether calls must satisfy their schemas without exception.
    """
    if choice is not None and (raw := own_object(choice.source)):
        return raw[_CALLING]
    match None if choice is None else choice.mode:
        case "named":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name if choice else ""]}
        case "required":
            return {"mode": "ANY"}
        case "none":
            return {"mode": "NONE"}
        case _:
            return {"mode": "VALIDATED"} if strict else None
