"""Messages as both requests and answers have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.conversation import (
    Message,
    Part,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
)
from gateway.dialects.call_arguments import arguments_object, json_text
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.media import describe_media
from gateway.dialects.ollama.call_ids import made_id
from gateway.dialects.ollama.images import read_images, write_images
from gateway.dialects.ollama.name import NAME, THINKING, own_object

NAMED = frozenset({"role", "content", THINKING, "images", "tool_calls", "tool_name", "tool_call_id", "name"})
_CALL = frozenset({"id", "function", "type"})
_FUNCTION = frozenset({"name", "arguments"})


def read_parts(raw: Mapping[str, Any], place: str) -> tuple[Part, ...]:
    """The parts of a message; `place` tells it apart from all others, for calls without ids."""
    parts: list[Part] = []
    if thoughts := text_or_empty(raw.get(THINKING)):
        parts.append(Reasoning(thoughts, name=THINKING))
    if text := text_or_empty(raw.get("content")):
        parts.append(Text(text))
    parts += read_images(raw.get("images"))
    parts += read_calls(raw.get("tool_calls"), place)
    if unnamed := unnamed_fields(raw):
        parts.append(UnknownPart(NAME, unnamed))
    return tuple(parts)


def unnamed_fields(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What the vocabulary does not name of a message."""
    return {name: value for name, value in raw.items() if name not in NAMED and value is not None}


def read_calls(value: Any, place: str, first: int = 0) -> list[ToolCall]:
    """The calls in a `tool_calls` field, of which `first` came before; null and nonsense are none."""
    calls = [raw for item in list_or_empty(value) if (raw := object_or_none(item)) is not None]
    return [_read_call(raw, place, first + index) for index, raw in enumerate(calls)]


def _read_call(raw: Mapping[str, Any], place: str, index: int) -> ToolCall:
    function = object_or_none(raw.get("function")) or {}
    name, arguments = text_or_empty(function.get("name")), _text_of(function.get("arguments"))
    identity = text_or_empty(raw.get("id")) or made_id(place, str(index), name, arguments)
    unnamed = {field: value for field, value in raw.items() if field not in _CALL}
    if inner := {field: value for field, value in function.items() if field not in _FUNCTION}:
        unnamed["function"] = inner
    return ToolCall(identity, name, arguments, Source(NAME, unnamed) if unnamed else None)


def _text_of(arguments: Any) -> str:
    if arguments is None:
        return ""
    if isinstance(arguments, str):
        return arguments
    return json_text(arguments)


def write_answer(parts: Iterable[Part]) -> dict[str, Any]:
    """A model's answer, for a client."""
    return _with_thoughts(parts, _write_said("assistant", parts))


def write_message(message: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """A message for a provider; each result of a tool is one of its own, with its tool's name from `names`.

    Raises InvalidRequest for media that a model here cannot be shown.
    """
    if message.role == "assistant":
        return [_with_thoughts(message.parts, _write_said("assistant", message.parts))]
    is_clients = message.source is not None
    results = [
        _write_result(part, names, is_clients=is_clients) for part in message.parts if isinstance(part, ToolResult)
    ]
    said = [part for part in message.parts if not isinstance(part, ToolResult)]
    if message.role == "tool" or not said:
        return results
    role = "system" if message.role == "developer" else message.role
    return [*results, _write_said(role, said)]


def _write_said(role: str, parts: Iterable[Part]) -> dict[str, Any]:
    parts = tuple(parts)
    written: dict[str, Any] = {"role": role}
    for part in parts:
        if isinstance(part, UnknownPart) and part.dialect == NAME:
            written |= part.raw
    texts = [part.text for part in parts if isinstance(part, Text | Refusal)]
    written["content"] = ("" if role == "assistant" else "\n\n").join(texts)
    if images := write_images(parts):
        written["images"] = images
    if calls := [part for part in parts if isinstance(part, ToolCall)]:
        written["tool_calls"] = [write_call(call) for call in calls]
    return written


def _with_thoughts(parts: Iterable[Part], written: dict[str, Any]) -> dict[str, Any]:
    """Without such as are another provider's to check."""
    thoughts = [part.text for part in parts if isinstance(part, Reasoning) and part.signature is None]
    return {**written, THINKING: "".join(thoughts)} if any(thoughts) else written


def write_call(call: ToolCall) -> dict[str, Any]:
    """A tool call, whose arguments must be an object here."""
    raw = own_object(call.source)
    function = {**raw.get("function", {}), "name": call.name, "arguments": arguments_object(call.arguments)}
    return {**raw, "id": call.id, "function": function}


def _write_result(result: ToolResult, names: Mapping[str, str], *, is_clients: bool) -> dict[str, Any]:
    """A tool's result, which is text. Images in it are shown beside it; other media are named.

    That a client's tool failed need not stand in its text, and is put in front of it.
    """
    shown = [part for part in result.content if not isinstance(part, Text) and part.kind == "image" and part.data]
    texts = [
        part.text if isinstance(part, Text) else describe_media(part)
        for part in result.content
        if part not in shown
    ]
    mark = "Error: " if result.is_error and is_clients else ""
    written: dict[str, Any] = {"role": "tool", "content": mark + "\n".join(texts)}
    if name := names.get(result.call_id):
        written["tool_name"] = name
    written["tool_call_id"] = result.call_id
    return {**written, "images": write_images(shown)} if shown else written
