"""The parts of a message's `content`, both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.conversation import Media, Part, Reasoning, Refusal, Text, UnknownPart
from gateway.dialects.cohere_v2.name import NAME, THINKING
from gateway.dialects.crossing import refuse_media
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty

_BASE64 = ";base64"


def read_content(content: Any) -> list[Part]:
    """The parts of a content that is a string, a list of objects, or null."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    parts = (_read_part(raw) for part in list_or_empty(content) if (raw := object_or_none(part)) is not None)
    return [part for part in parts if not isinstance(part, Text | Reasoning) or part.text]


def _read_part(raw: Mapping[str, Any]) -> Part:
    match raw.get("type"):
        case "text" if isinstance(raw.get("text"), str):
            return Text(raw["text"])
        case "thinking" if isinstance(raw.get("thinking"), str):
            return Reasoning(raw["thinking"], name=THINKING)
        case "image_url":
            return _read_image(raw) or _unknown(raw)
        case "document":
            return Text(_text_of(raw.get("document")))
        case _:
            return _unknown(raw)


def _unknown(raw: Mapping[str, Any]) -> UnknownPart:
    return UnknownPart(NAME, {"content": [raw]})


def _text_of(document: Any) -> str:
    """A document as text: its fields, which the model sees, as JSON."""
    fields = (object_or_none(document) or {}).get("data", document)
    try:
        return fields if isinstance(fields, str) else orjson.dumps(fields).decode()
    except TypeError:
        return "(a document that is nested too deeply)"


def _read_image(raw: Mapping[str, Any]) -> Media | None:
    url = text_or_empty((object_or_none(raw.get("image_url")) or {}).get("url"))
    if not url:
        return None
    head, comma, data = url.partition(",")
    if url.startswith("data:") and comma and head.endswith(_BASE64):
        return Media("image", head[5:].removesuffix(_BASE64) or None, data=data)
    return Media("image", url=url)


def write_content(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Text and images, and this dialect's own unknown parts. Raises InvalidRequest for other media."""
    written: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Text() | Refusal():
                written += [{"type": "text", "text": part.text}] if part.text else []
            case Media():
                written.append(_write_media(part))
            case UnknownPart() if part.dialect == NAME:
                written += list_or_empty(part.raw.get("content"))
            case _:
                pass
    return written


def _write_media(media: Media) -> dict[str, Any]:
    if media.kind != "image":
        refuse_media(media)
    url = media.url or f"data:{media.media_type or 'image/png'};base64,{media.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def plain_or_list(content: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """One text as a string."""
    is_plain = len(content) == 1 and content[0].keys() == {"type", "text"}
    return content[0]["text"] if is_plain else content
