"""Content blocks as they are read, of requests and of answers.

A block is an object whose one field is its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Media, Part, Reasoning, Source, Text, ToolCall, ToolResult, UnknownPart
from gateway.dialects.bedrock_converse.media import read_media
from gateway.dialects.bedrock_converse.name import NAME, REASONING, REDACTED, UNPROVEN
from gateway.dialects.call_arguments import json_text
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty

_CALL = frozenset({"toolUseId", "name", "input"})
_TOO_DEEP = "(JSON that is nested too deeply)"
"""Not JSON: whoever is to run a call with it refuses it, and never takes it for one without arguments."""


def read_content(content: Any) -> tuple[Part, ...]:
    """The parts of a list of blocks."""
    parts: list[Part] = []
    for value in list_or_empty(content):
        block = object_or_none(value)
        if block:
            _read_block(block, parts)
    return tuple(parts)


def _read_block(block: Mapping[str, Any], parts: list[Part]) -> None:
    kind, value = next(iter(block.items()))
    inner = object_or_none(value) or {}
    match kind:
        case "text" if isinstance(value, str):
            if value:
                parts.append(Text(value))
        case "image" | "audio" | "document":
            _read_medium(kind, block, inner, parts)
        case "toolUse" if "type" not in inner:
            parts.append(read_call(inner))
        case "toolResult" if "type" not in inner:
            _read_result(inner, parts)
        case "reasoningContent":
            parts.append(_read_reasoning(inner) or unknown(block))
        case "citationsContent":
            parts.append(Text(_text_of(inner.get("content")), Source(NAME, block)))
        case "cachePoint":
            pass  # a hint: what is said is the same without it
        case _:
            parts.append(unknown(block))


def unknown(block: Mapping[str, Any]) -> UnknownPart:
    """A block that the vocabulary does not name."""
    return UnknownPart(NAME, {"content": [block]})


def _read_medium(kind: str, block: Mapping[str, Any], inner: Mapping[str, Any], parts: list[Part]) -> None:
    """An image, a sound or a document; a document that is text is text here, and so is what is said of one."""
    if kind == "document":
        if context := text_or_empty(inner.get("context")):
            parts.append(Text(context))
        text = text_or_empty((object_or_none(inner.get("source")) or {}).get("text"))
        if text:
            parts.append(Text(f"{text_or_empty(inner.get('name'))}\n\n{text}"))
            return
    parts.append(read_media(kind, inner) or unknown(block))


def read_call(block: Mapping[str, Any]) -> ToolCall:
    """A tool call; `input` is an object there and text here."""
    unnamed = {name: value for name, value in block.items() if name not in _CALL}
    source = Source(NAME, unnamed) if unnamed else None
    name = text_or_empty(block.get("name"))
    return ToolCall(text_or_empty(block.get("toolUseId")), name, _as_json(block.get("input")), source)


def _as_json(value: Any) -> str:
    """A JSON value as text."""
    return "" if value is None else json_text(value, too_deep=_TOO_DEEP)


def _read_result(block: Mapping[str, Any], parts: list[Part]) -> None:
    """A tool's result, and beside it whatever it holds that the vocabulary does not name."""
    content: list[Text | Media] = []
    beside: list[Part] = []
    for value in list_or_empty(block.get("content")):
        inner = object_or_none(value) or {}
        if "json" in inner:
            content.append(Text(_as_json(inner["json"])))
            continue
        read = read_content([inner])
        content += [part for part in read if isinstance(part, Text | Media)]
        beside += [part for part in read if not isinstance(part, Text | Media)]
    is_error = block.get("status") == "error"
    parts.append(ToolResult(text_or_empty(block.get("toolUseId")), tuple(content), is_error))
    parts += beside


def _read_reasoning(block: Mapping[str, Any]) -> Reasoning | None:
    if isinstance(block.get(REDACTED), str):
        return Reasoning("", block[REDACTED], REDACTED)
    told = object_or_none(block.get("reasoningText"))
    if told is None:
        return None
    signature = text_or_empty(told.get("signature")) or None
    text = text_or_empty(told.get("text"))
    return Reasoning(text) if signature == UNPROVEN else Reasoning(text, signature, REASONING)


def _text_of(content: Any) -> str:
    blocks = (object_or_none(value) or {} for value in list_or_empty(content))
    return "".join(text_or_empty(block.get("text")) for block in blocks)
