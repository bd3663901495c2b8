"""Messages as both requests and answers have them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.conversation import Message, Part, Reasoning, Source, Text, ToolCall, ToolResult, UnknownPart
from gateway.dialects.call_arguments import NOT_JSON
from gateway.dialects.cohere_v2.content import plain_or_list, read_content, write_content
from gateway.dialects.cohere_v2.name import NAME, PLAN, THINKING, own_object
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.media import describe_media

_NAMED = frozenset({"role", "content", "tool_calls", PLAN})
_CALL = frozenset({"id", "type", "function"})


def read_assistant(raw: Mapping[str, Any]) -> tuple[Part, ...]:
    """The parts of a model's answer: plan, content, calls, and what is left (citations, say)."""
    parts: list[Part] = []
    if plan := text_or_empty(raw.get(PLAN)):
        parts.append(Reasoning(plan, name=PLAN))
    parts += read_content(raw.get("content"))
    parts += (read_call(call) for item in list_or_empty(raw.get("tool_calls")) if (call := object_or_none(item)))
    unnamed = {name: value for name, value in raw.items() if name not in _NAMED and value not in (None, [])}
    if unnamed:
        parts.append(UnknownPart(NAME, unnamed))
    return tuple(parts)


def read_call(raw: Mapping[str, Any]) -> ToolCall:
    """A call; one that has no id gets one from what it says."""
    function = object_or_none(raw.get("function")) or {}
    name, arguments = text_or_empty(function.get("name")), text_or_empty(function.get("arguments"))
    unnamed = {field: value for field, value in raw.items() if field not in _CALL and value is not None}
    identity = text_or_empty(raw.get("id")) or f"{name}_{_digest(name, arguments)}"
    return ToolCall(identity, name, arguments, Source(NAME, unnamed) if unnamed else None)


def _digest(*told: str) -> str:
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def write_answer(parts: Iterable[Part]) -> dict[str, Any]:
    """A model's answer, for a client: all that it thought is told."""
    parts = tuple(parts)
    thoughts = [part for part in parts if isinstance(part, Reasoning) and part.text and part.name != PLAN]
    content = [{"type": "thinking", "thinking": part.text} for part in thoughts]
    content += write_content(parts)
    return {**_write_calls(parts), **({"content": content} if content else {})}


def write_replay(parts: Iterable[Part]) -> dict[str, Any]:
    """The same for a provider: of thoughts, those of its own models."""
    parts = tuple(parts)
    thoughts = [part for part in parts if isinstance(part, Reasoning) and part.name == THINKING]
    content = [
        {"type": "thinking", "thinking": part.text} for part in thoughts if part.text and not part.signature
    ]
    content += write_content(parts)
    written = _write_calls(parts)
    if content or "tool_calls" not in written:
        written["content"] = plain_or_list(content) if content else "(no text)"
    return written


def _write_calls(parts: Iterable[Part]) -> dict[str, Any]:
    written: dict[str, Any] = {"role": "assistant"}
    calls: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Reasoning(name=name) if name == PLAN and part.text:
                written[PLAN] = part.text
            case ToolCall():
                calls.append(_write_call(part))
            case UnknownPart() if part.dialect == NAME:
                written |= {name: value for name, value in part.raw.items() if name != "content"}
            case _:
                pass
    return {**written, "tool_calls": calls} if calls else written


def _write_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {**own_object(call.source), "id": call.id, "type": "function", "function": function}


def with_sound_arguments(written: dict[str, Any]) -> dict[str, Any]:
    """An answer as a provider takes it back: with arguments that are a JSON object each."""
    for call in written.get("tool_calls", ()):
        text: str = call["function"]["arguments"]
        if not text.strip():
            call["function"]["arguments"] = "{}"
        elif not _is_object(text):
            call["function"]["arguments"] = orjson.dumps({NOT_JSON: text}).decode()
    return written


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def write_message(message: Message) -> list[dict[str, Any]]:
    """A message for a provider; each result of a tool is one of its own.

    Raises InvalidRequest for media that a model here cannot be shown.
    """
    if message.role == "assistant":
        return [with_sound_arguments(write_replay(message.parts))]
    is_clients = message.source is not None
    results = [
        _write_result(part, is_clients=is_clients) for part in message.parts if isinstance(part, ToolResult)
    ]
    content = write_content(message.parts)
    if message.role == "tool" or not content:
        return results
    role = "system" if message.role == "developer" else message.role
    return [*results, {"role": role, "content": plain_or_list(content)}]


def _write_result(result: ToolResult, *, is_clients: bool) -> dict[str, Any]:
    """A tool's result, which is text: a model that calls tools sees no images. Media are named.

    That a client's tool failed need not stand in its text, and is put in front of it.
    """
    mark = "Error: " if result.is_error and is_clients else ""
    texts = [part.text if isinstance(part, Text) else describe_media(part) for part in result.content]
    return {"role": "tool", "tool_call_id": result.call_id, "content": mark + "\n".join(texts)}
