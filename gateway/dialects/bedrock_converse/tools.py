"""Tools and the choice among them, both directions.

There is no choice that forbids all calls, and a history with calls is taken only along with tools: see
`write_tool_config`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gateway.conversation import ModelRequest, Source, ToolChoice, ToolDefinition
from gateway.dialects.anthropic_messages.provider_tools import provider_tools as of_anthropic
from gateway.dialects.bedrock_converse.name import NAME, own_object
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.kept_elsewhere import kept_files
from gateway.dialects.tool_types import ProviderTool
from gateway.errors import InvalidRequest

_SYSTEM_TOOLS = frozenset({"nova_grounding", "nova_code_interpreter"})
"""Tools that Amazon runs, as its documentation names them."""
_ANYTHING: Mapping[str, Any] = {"type": "object"}


def read_tools(config: Mapping[str, Any]) -> tuple[ToolDefinition, ...]:
    """The tools of a request. Raises InvalidRequest."""
    value = config.get("tools")
    if value is not None and not isinstance(value, list):
        raise InvalidRequest("toolConfig.tools must be a list", param="toolConfig.tools")
    tools = enumerate(list_or_empty(value))
    found = (_read_tool(tool, f"toolConfig.tools[{index}]") for index, tool in tools)
    return tuple(tool for tool in found if tool is not None)


def _read_tool(value: Any, where: str) -> ToolDefinition | None:
    raw = object_or_none(value)
    if not raw:
        raise InvalidRequest(f"{where} must be an object with one field", param=where)
    if "cachePoint" in raw:
        return None
    spec = object_or_none(raw.get("toolSpec"))
    if spec is None:
        kind, inner = next(iter(raw.items()))
        name = text_or_empty((object_or_none(inner) or {}).get("name")) or kind[:64]
        return ToolDefinition(name, "", {}, Source(NAME, raw), is_function=False)
    name = text_or_empty(spec.get("name"))
    if not name:
        where = f"{where}.toolSpec.name"
        raise InvalidRequest(f"{where} must be a string", param=where)
    schema = object_or_none((object_or_none(spec.get("inputSchema")) or {}).get("json"))
    if schema is None:
        where = f"{where}.toolSpec.inputSchema.json"
        raise InvalidRequest(f"{where} must be a JSON Schema object", param=where)
    description = text_or_empty(spec.get("description"))
    return ToolDefinition(name, description, schema, Source(NAME, raw), strict=spec.get("strict") is True)


def read_tool_choice(config: Mapping[str, Any]) -> ToolChoice | None:
    """The choice; None where there is none. Raises InvalidRequest."""
    value = config.get("toolChoice")
    if value is None:
        return None
    raw = object_or_none(value)
    if not raw:
        raise InvalidRequest("toolConfig.toolChoice must be an object", param="toolConfig.toolChoice")
    source = Source(NAME, raw)
    if "tool" in raw:
        name = text_or_empty((object_or_none(raw["tool"]) or {}).get("name"))
        if not name:
            where = "toolConfig.toolChoice.tool.name"
            raise InvalidRequest(f"{where} must be a string", param=where)
        return ToolChoice("named", name, source)
    if "any" in raw:
        return ToolChoice("required", source=source)
    return ToolChoice("auto" if "auto" in raw else "unknown", source=source)


def write_tool_config(
    request: ModelRequest, messages: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any] | None, bool]:
    """The field `toolConfig`, None where it would be empty; and whether the model must be told to call nothing.

    Where no call is wanted but the history holds some, the tools are sent along all the same: those that there
    are, or else their bare names. `messages` are those that are sent.
    """
    choice = request.tool_choice
    is_wanted = bool(request.tools) and (choice is None or choice.mode != "none")
    used = {} if is_wanted else dict.fromkeys(_names_used(messages))
    if not is_wanted and not used:
        return None, False
    tools = _with_cache_points(request, [_write_tool(tool) for tool in request.tools])
    known = {tool.name for tool in request.tools}
    tools += [_bare(name) for name in used if name not in known]
    config: dict[str, Any] = {"tools": tools}
    if is_wanted and choice is not None and (written := _write_choice(choice)) is not None:
        config["toolChoice"] = written
    return config, not is_wanted


def _names_used(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The tools that were called."""
    for message in messages:
        for block in list_or_empty(message.get("content")):
            if call := object_or_none((object_or_none(block) or {}).get("toolUse")):
                yield text_or_empty(call.get("name")) or "unknown"


def _bare(name: str) -> dict[str, Any]:
    return {"toolSpec": {"name": name, "inputSchema": {"json": _ANYTHING}}}


def _with_cache_points(request: ModelRequest, tools: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tools, with the client's cache points where they stood among them."""
    config = object_or_none(request.extras.get("toolConfig")) if request.dialect == NAME else None
    given = list_or_empty((config or {}).get("tools"))
    own = [id(tool) for tool in given]
    placed: list[Mapping[str, Any]] = []
    for tool in tools:
        placed.append(tool)
        if id(tool) in own:
            after = given[own.index(id(tool)) + 1 :]
            if after and "cachePoint" in (object_or_none(after[0]) or {}):
                placed.append(after[0])
    return placed


def _write_tool(tool: ToolDefinition) -> Mapping[str, Any]:
    if raw := own_object(tool.source):
        return raw
    described = {"description": tool.description} if tool.description.strip() else {}
    schema = tool.parameters if "type" in tool.parameters else {"type": "object", **tool.parameters}
    strict = {"strict": True} if tool.strict else {}
    return {"toolSpec": {"name": tool.name, **described, "inputSchema": {"json": schema}, **strict}}


def _write_choice(choice: ToolChoice) -> Mapping[str, Any] | None:
    if raw := own_object(choice.source):
        return raw
    match choice.mode:
        case "named":
            return {"tool": {"name": choice.name}}
        case "required":
            return {"any": {}}
        case "auto":
            return {"auto": {}}
        case _:
            return None


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Each tool that the provider would run itself, and those of unknown kinds; on a request that need not be
    valid. What is sent on to the model as it is may name some of the model's maker.
    """
    config = object_or_none(body.get("toolConfig")) or {}
    for index, value in enumerate(list_or_empty(config.get("tools"))):
        raw = object_or_none(value) or {}
        for kind, inner in raw.items():
            if kind not in ("toolSpec", "cachePoint") and inner is not None:
                name = text_or_empty((object_or_none(inner) or {}).get("name"))[:64]
                is_known = kind == "systemTool" and name in _SYSTEM_TOOLS
                yield ProviderTool(f"toolConfig.tools[{index}]", name or kind[:64], is_known)
    beside = object_or_none(body.get("additionalModelRequestFields")) or {}
    for tool in of_anthropic(beside):
        yield tool._replace(param=f"additionalModelRequestFields.{tool.param}")
    yield from kept_files(body.get("messages"), "messages")
    yield from kept_files(body.get("system"), "system")
