"""Tool calls of whole messages, both directions.

Calls to functions and to custom tools are both tool calls here; a custom tool's free text stands where a
function's JSON does. Fields that are not named (Gemini's `extra_content` with its proof of thought) stay with the
call and are written back to it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.conversation import Source, ToolCall
from gateway.dialects.call_arguments import json_text
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.openai_chat.name import NAME, own_object

_NAMED = frozenset({"id", "type", "index", "function", "custom"})


def read_tool_calls(value: Any) -> list[ToolCall]:
    """The calls in a `tool_calls` field; null and nonsense are none."""
    calls = (object_or_none(raw) for raw in list_or_empty(value))
    return [_read_call(raw) for raw in calls if raw is not None]


def _read_call(raw: Mapping[str, Any]) -> ToolCall:
    called = called_in(raw)
    arguments = arguments_in(called)
    unnamed = unnamed_fields(raw)
    identity = text_or_empty(raw.get("id")) or new_call_id()
    source = Source(NAME, unnamed) if unnamed else None
    return ToolCall(identity, text_or_empty(called.get("name")), arguments, source)


def called_in(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with the name and the arguments."""
    return object_or_none(raw.get("function")) or object_or_none(raw.get("custom")) or {}


def arguments_in(called: Mapping[str, Any]) -> str:
    """The arguments as text; some providers give the object itself."""
    arguments = called.get("input" if "input" in called else "arguments")
    if isinstance(arguments, str):
        return arguments
    if arguments is None:
        return ""
    return json_text(arguments)


def unnamed_fields(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the vocabulary does not name of a call, its type included where that is not `function`."""
    unnamed = {name: value for name, value in raw.items() if name not in _NAMED and value is not None}
    if raw.get("type") == "custom" or ("custom" in raw and "function" not in raw):
        unnamed["type"] = "custom"
    function = object_or_none(raw.get("function"))
    if function and (
        inner := {name: value for name, value in function.items() if name not in ("name", "arguments")}
    ):
        unnamed["function"] = inner
    return unnamed


def new_call_id() -> str:
    """An id for a call that came without one."""
    return f"call_{secrets.token_hex(12)}"


def write_tool_calls(calls: Iterable[ToolCall]) -> list[dict[str, Any]]:
    """The calls as a message has them."""
    return [_write_call(call) for call in calls]


def _write_call(call: ToolCall) -> dict[str, Any]:
    raw = own_object(call.source)
    if raw.get("type") == "custom":
        return {**raw, "id": call.id, "custom": {"name": call.name, "input": call.arguments}}
    function = {**raw.get("function", {}), "name": call.name, "arguments": call.arguments}
    return {**raw, "id": call.id, "type": "function", "function": function}
