"""Content blocks as they are written, for providers and for clients."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway.conversation import (
    Media,
    Part,
    Reasoning,
    Refusal,
    ServedCall,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
)
from gateway.dialects.anthropic_messages.name import NAME, REDACTED, SERVED, THINKING, UNPROVEN, own_object
from gateway.dialects.call_arguments import arguments_object
from gateway.dialects.crossing import refuse_media
from gateway.dialects.json_values import list_or_empty
from gateway.dialects.media import describe_media

_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z", re.ASCII)


def answer_blocks(parts: Iterable[Part]) -> list[Mapping[str, Any]]:
    """A model's answer, as a client is given it."""
    written: list[Mapping[str, Any]] = []
    for part in parts:
        match part:
            case Text() | Refusal():
                written += text_blocks(part.text)
            case Reasoning(name=name) if name == REDACTED:
                written += redacted_blocks(part)
            case Reasoning():
                if part.text or part.signature:
                    written.append({"type": THINKING, "thinking": part.text, "signature": _proof(part)})
            case ToolCall():
                written.append(write_call(part))
            case ServedCall():
                written += served_blocks(part)
            case UnknownPart() if part.dialect == NAME:
                written += list_or_empty(part.raw.get("content"))
            case _:
                pass
    return written


def _proof(part: Reasoning) -> str:
    """Another dialect's proof is none here."""
    return part.signature if part.signature and part.name == THINKING else UNPROVEN


def replayed_blocks(parts: Iterable[Part]) -> list[Mapping[str, Any]]:
    """A model's answer, as a provider takes it back: only thoughts that it can check, and ids that it accepts."""
    kept = [part for part in parts if not isinstance(part, Reasoning) or _is_proven(part)]
    safe = [replace(part, id=safe_id(part.id)) if isinstance(part, ToolCall) else part for part in kept]
    return answer_blocks(safe)


def _is_proven(part: Reasoning) -> bool:
    return bool(part.signature) and part.name in (THINKING, REDACTED)


def text_blocks(text: str) -> list[Mapping[str, Any]]:
    """A text; Anthropic refuses one that is empty."""
    return [{"type": "text", "text": text}] if text else []


def redacted_blocks(part: Reasoning) -> list[Mapping[str, Any]]:
    """Thoughts that are their proof alone."""
    return [{"type": REDACTED, "data": part.signature}] if part.signature else []


def write_call(call: ToolCall) -> dict[str, Any]:
    """A tool call, whose arguments must be an object here."""
    named = {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_object(call.arguments)}
    return {**own_object(call.source), **named}


def served_blocks(served: ServedCall) -> list[Mapping[str, Any]]:
    """A call that this gateway ran for the client, and its result once there is one."""
    call = served.made
    named = {"type": "mcp_tool_use", "id": SERVED + call.id, "name": call.name, "server_name": served.server}
    use = {**named, "input": arguments_object(call.arguments)}
    return [use] if served.result is None else [use, served_result(served.result)]


def served_result(result: ToolResult) -> dict[str, Any]:
    """The result of such a call: text alone, by Anthropic's types. What cannot be shown of it is named."""
    texts = [part.text if isinstance(part, Text) else describe_media(part) for part in result.content]
    blocks = [block for text in texts for block in text_blocks(text)]
    named = {"type": "mcp_tool_result", "tool_use_id": SERVED + result.call_id}
    return {**named, "is_error": result.is_error, "content": blocks}


def safe_id(call_id: str) -> str:
    """An id of the form that Anthropic takes; another one is always replaced by the same."""
    if _ID.match(call_id):
        return call_id
    return f"toolu_{hashlib.sha256(call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def write_result(result: ToolResult) -> dict[str, Any]:
    """A tool's result. What cannot be shown of it is named."""
    content: list[Mapping[str, Any]] = []
    for part in result.content:
        if isinstance(part, Text):
            content += text_blocks(part.text)
        else:
            content.append(write_media(part) or {"type": "text", "text": describe_media(part)})
    written: dict[str, Any] = {"type": "tool_result", "tool_use_id": safe_id(result.call_id)}
    if len(content) == 1 and content[0]["type"] == "text":
        written["content"] = content[0]["text"]
    elif content:
        written["content"] = content
    return {**written, "is_error": True} if result.is_error else written


def user_blocks(parts: Iterable[Part]) -> list[Mapping[str, Any]]:
    """What a user says; results of tools must come first. Raises InvalidRequest for media that have no block."""
    results: list[Mapping[str, Any]] = []
    said: list[Mapping[str, Any]] = []
    for part in parts:
        match part:
            case ToolResult():
                results.append(write_result(part))
            case Text() | Refusal():
                said += text_blocks(part.text)
            case Media():
                said.append(write_media(part) or refuse_media(part))
            case UnknownPart() if part.dialect == NAME:
                said += list_or_empty(part.raw.get("content"))
            case _:
                pass
    return results + said


def write_media(media: Media) -> dict[str, Any] | None:
    """A medium as a block; None for what Anthropic has no block for."""
    if media.kind == "image":
        source = _source(media, media.media_type or "image/png")
        return None if media.data and source["media_type"] not in _IMAGES else {"type": "image", "source": source}
    if media.kind == "audio":
        return None
    titled = {"title": media.name} if media.name else {}
    if media.url or media.media_type == "application/pdf":
        return {"type": "document", "source": _source(media, "application/pdf"), **titled}
    text = _plain_text(media)
    if text is None:
        return None
    return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}, **titled}


def _source(media: Media, media_type: str) -> dict[str, Any]:
    if media.url:
        return {"type": "url", "url": media.url}
    return {"type": "base64", "media_type": media_type, "data": media.data or ""}


def _plain_text(media: Media) -> str | None:
    if not (media.media_type or "").startswith("text/"):
        return None
    try:
        return base64.b64decode(media.data or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
