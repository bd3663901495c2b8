"""Tool calls as items, both directions.

Beside functions and custom tools there are tools of OpenAI's making that the client runs (shells, patches, the
search for tools): their calls are tool calls as well, with what is asked for as JSON.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.conversation import Source, ToolCall, ToolDefinition
from gateway.dialects.call_arguments import json_text
from gateway.dialects.json_values import object_or_none, text_or_empty
from gateway.dialects.openai_responses.freeform import unwrapped, wrapped
from gateway.dialects.openai_responses.name import NAME, own_object
from gateway.dialects.openai_responses.tools import described_in, flat_name

FUNCTION = "function_call"
CUSTOM = "custom_tool_call"

_ASKED: Mapping[str, tuple[str, str]] = {
    "local_shell_call": ("local_shell", "action"),
    "shell_call": ("shell", "action"),
    "apply_patch_call": ("apply_patch", "operation"),
    "computer_call": ("computer", "action"),
    "tool_search_call": ("tool_search", "arguments"),
}
"""The name of the tool, and the field that says what is asked for."""
_NAMED = frozenset({"type", "call_id", "name", "arguments", "input", "namespace", "status"})


def is_call(item: Mapping[str, Any]) -> bool:
    """Whether an item is a call that the client, or this gateway, is to answer."""
    kind = item.get("type")
    if kind in (FUNCTION, CUSTOM):
        return True
    if kind not in _ASKED or not isinstance(item.get("call_id"), str):
        return False
    if kind == "tool_search_call":
        return item.get("execution") == "client"
    place = object_or_none(item.get("environment")) or {}
    return place.get("type") in (None, "local")


def read_call(item: Mapping[str, Any]) -> ToolCall:
    """A call, from its item."""
    call_id = text_or_empty(item.get("call_id")) or text_or_empty(item.get("id")) or new_id("call")
    return ToolCall(call_id, called_name(item), _arguments(item), Source(NAME, unnamed_fields(item)))


def called_name(item: Mapping[str, Any]) -> str:
    """The name of the tool that is called, namespace and all."""
    kind = text_or_empty(item.get("type"))
    if kind in _ASKED:
        return _ASKED[kind][0]
    return flat_name(text_or_empty(item.get("namespace")) or None, text_or_empty(item.get("name")))


def unnamed_fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """What the vocabulary does not name, and what tells how the call is written."""
    kind = text_or_empty(item.get("type"))
    left_out = {*_NAMED, _ASKED[kind][1]} if kind in _ASKED else _NAMED
    unnamed = {name: value for name, value in item.items() if name not in left_out}
    if item.get("namespace"):
        unnamed |= {"namespace": item["namespace"], "name": item.get("name")}
    return {**unnamed, "type": kind}


def _arguments(item: Mapping[str, Any]) -> str:
    match item.get("type"):
        case "function_call":
            return text_or_empty(item.get("arguments"))
        case "custom_tool_call":
            return wrapped(text_or_empty(item.get("input")))
        case kind:
            return json_text(item.get(_ASKED[text_or_empty(kind)][1]))


@dataclass(frozen=True, slots=True)
class _Known:
    space: str | None
    name: str
    is_custom: bool


class CallWriter:
    """Writes calls for whoever described the tools in this dialect: each in the kind and under the name that the
    tool has there.
    """

    __slots__ = ("_known",)

    def __init__(self, tools: Iterable[ToolDefinition] = ()) -> None:
        self._known: dict[str, _Known] = {}
        for space, raw in described_in(tools):
            name = text_or_empty(raw.get("name"))
            self._known[flat_name(space, name)] = _Known(space, name, raw.get("type") == "custom")

    def is_custom(self, name: str, own: Mapping[str, Any]) -> bool:
        """Whether a call takes a text; `own` is what this dialect knows of the call."""
        if own.get("type"):
            return own["type"] == CUSTOM
        return name in self._known and self._known[name].is_custom

    def head(self, call_id: str, name: str, own: Mapping[str, Any]) -> dict[str, Any]:
        """The item without what is asked for."""
        kind = own.get("type") or (CUSTOM if self.is_custom(name, own) else FUNCTION)
        fields = {field: value for field, value in own.items() if field not in ("type", "name", "namespace")}
        item: dict[str, Any] = {"type": kind, **fields, "call_id": call_id}
        if kind in _ASKED:
            return {**item, "status": "completed"}
        known = self._known.get(name)
        if own.get("namespace"):
            inner = own.get("name") or name.removeprefix(f"{own['namespace']}__")
            return {**item, "name": inner, "namespace": own["namespace"]}
        if known is not None and known.space is not None and "type" not in own:
            return {**item, "name": known.name, "namespace": known.space}
        return {**item, "name": name}

    def write(self, call: ToolCall) -> dict[str, Any]:
        """A whole call."""
        return self.filled(self.head(call.id, call.name, own_object(call.source)), call.arguments)

    @staticmethod
    def filled(head: Mapping[str, Any], arguments: str) -> dict[str, Any]:
        """The item, with what is asked for."""
        match head["type"]:
            case "function_call":
                return {**head, "arguments": arguments}
            case "custom_tool_call":
                return {**head, "input": unwrapped(arguments)}
            case kind:
                return {**head, _ASKED[kind][1]: _parsed(arguments)}


def _parsed(arguments: str) -> Any:
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def new_id(prefix: str) -> str:
    """An id for an item that came without one."""
    return f"{prefix}_{secrets.token_hex(12)}"


def item_id(kind: str) -> str:
    """An id for a call's item."""
    return new_id({FUNCTION: "fc", CUSTOM: "ctc"}.get(kind, "call"))
