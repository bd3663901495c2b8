"""Content blocks as they are read, of requests and of answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.conversation import (
    Media,
    Part,
    Reasoning,
    ServedCall,
    Source,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
)
from gateway.dialects.anthropic_messages.name import NAME, REDACTED, SERVED, THINKING, UNPROVEN
from gateway.dialects.call_arguments import json_text
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty

_CALL = frozenset({"type", "id", "name", "input"})


def read_content(content: Any) -> tuple[Part, ...]:
    """The parts of a content that is a string or a list of blocks."""
    if isinstance(content, str):
        return (Text(content),) if content else ()
    parts: list[Part] = []
    for value in list_or_empty(content):
        block = object_or_none(value)
        if block is not None:
            _read_block(block, parts)
    return tuple(parts)


def _read_block(block: Mapping[str, Any], parts: list[Part]) -> None:
    match block.get("type"):
        case "text" if isinstance(block.get("text"), str):
            if block["text"]:
                parts.append(Text(block["text"]))
        case "image" | "document":
            parts.append(_read_media(block) or unknown(block))
        case "tool_use":
            parts.append(read_call(block))
        case "tool_result":
            _read_result(block, parts)
        case "mcp_tool_use" if text_or_empty(block.get("id")).startswith(SERVED):
            parts.append(ServedCall(_read_served(block), text_or_empty(block.get("server_name"))))
        case "mcp_tool_result" if text_or_empty(block.get("tool_use_id")).startswith(SERVED):
            _read_served_result(block, parts)
        case "thinking":
            parts.append(_read_thinking(block))
        case "redacted_thinking":
            parts.append(Reasoning("", text_or_empty(block.get("data")), REDACTED))
        case _:
            parts.append(unknown(block))


def unknown(block: Mapping[str, Any]) -> UnknownPart:
    """A block that the vocabulary does not name."""
    return UnknownPart(NAME, {"content": [block]})


def _read_thinking(block: Mapping[str, Any]) -> Reasoning:
    text, signature = text_or_empty(block.get("thinking")), text_or_empty(block.get("signature"))
    return Reasoning(text) if signature in ("", UNPROVEN) else Reasoning(text, signature, THINKING)


def _read_media(block: Mapping[str, Any]) -> Media | Text | None:
    """An image or a document; a document that is plain text is text."""
    source = object_or_none(block.get("source")) or {}
    kind, title = source.get("type"), text_or_empty(block.get("title"))
    media_type, data = text_or_empty(source.get("media_type")) or None, source.get("data")
    is_image = block["type"] == "image"
    if kind == "url" and isinstance(source.get("url"), str):
        return Media("image" if is_image else "file", media_type, url=source["url"], name=title or None)
    if kind == "base64" and isinstance(data, str):
        return Media("image" if is_image else "file", media_type, data=data, name=title or None)
    if kind == "text" and isinstance(data, str) and data:
        return Text(f"{title}\n\n{data}" if title else data)
    return None


def read_call(block: Mapping[str, Any]) -> ToolCall:
    """A tool call; `input` is an object there and text here."""
    unnamed = {name: value for name, value in block.items() if name not in _CALL}
    source = Source(NAME, unnamed) if unnamed else None
    return ToolCall(
        text_or_empty(block.get("id")), text_or_empty(block.get("name")), input_text(block.get("input")), source
    )


def input_text(value: Any) -> str:
    """A call's arguments as JSON text."""
    return "" if value is None else json_text(value)


def _read_result(block: Mapping[str, Any], parts: list[Part]) -> None:
    """A tool's result, and beside it whatever it holds that the vocabulary does not name."""
    inner = read_content(block.get("content"))
    content = tuple(part for part in inner if isinstance(part, Text | Media))
    parts.append(ToolResult(text_or_empty(block.get("tool_use_id")), content, block.get("is_error") is True))
    parts += [part for part in inner if not isinstance(part, Text | Media)]


def _read_served(block: Mapping[str, Any]) -> ToolCall:
    """A call that this gateway ran, under the model's own id for it."""
    call_id = text_or_empty(block.get("id")).removeprefix(SERVED)
    return ToolCall(call_id, text_or_empty(block.get("name")), input_text(block.get("input")))


def _read_served_result(block: Mapping[str, Any], parts: list[Part]) -> None:
    """The result of such a call, which goes to where the call stands; without one it says nothing."""
    call_id = text_or_empty(block.get("tool_use_id")).removeprefix(SERVED)
    for place, part in enumerate(parts):
        if isinstance(part, ServedCall) and part.made.id == call_id and part.result is None:
            content = tuple(part for part in read_content(block.get("content")) if isinstance(part, Text | Media))
            parts[place] = replace(part, result=ToolResult(call_id, content, block.get("is_error") is True))
            return
