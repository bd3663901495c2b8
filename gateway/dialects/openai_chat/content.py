"""The parts of a message's `content`, both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.conversation import Media, Part, Reasoning, Refusal, Text, UnknownPart
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.media import describe_media, split_data_url
from gateway.dialects.openai_chat.name import NAME

_SOUNDS = {"wav": "wav", "x-wav": "wav", "mp3": "mp3", "mpeg": "mp3"}


def read_content(content: Any) -> list[Part]:
    """The parts of a content that is a string, a list of objects, or null."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [_read_part(raw) for part in list_or_empty(content) if (raw := object_or_none(part)) is not None]


def _read_part(raw: Mapping[str, Any]) -> Part:
    kind = raw.get("type")
    if kind == "text" and isinstance(raw.get("text"), str):
        return Text(raw["text"])
    if kind == "image_url":
        return _read_image(raw) or _unknown(raw)
    if kind == "input_audio":
        return _read_audio(raw) or _unknown(raw)
    if kind == "file":
        return _read_file(raw) or _unknown(raw)
    if kind == "thinking" and (thoughts := thoughts_in(raw)):
        return Reasoning(thoughts, name="thinking")
    if kind == "refusal" and isinstance(raw.get("refusal"), str):
        return Refusal(raw["refusal"])
    return _unknown(raw)


def thoughts_in(raw: Mapping[str, Any]) -> str:
    """What Mistral's models think, which stands in parts of the content; a part with a proof stays as it is."""
    if raw.get("signature"):
        return ""
    parts = (object_or_none(part) or {} for part in list_or_empty(raw.get("thinking")))
    return "".join(text_or_empty(part.get("text")) for part in parts)


def _unknown(raw: Mapping[str, Any]) -> UnknownPart:
    return UnknownPart(NAME, {"content": [raw]})


def _read_image(raw: Mapping[str, Any]) -> Media | None:
    image = object_or_none(raw.get("image_url"))
    url = raw.get("image_url") if image is None else image.get("url")
    if not isinstance(url, str):
        return None
    media_type, data = split_data_url(url)
    return Media("image", url=url) if data is None else Media("image", media_type, data=data)


def _read_audio(raw: Mapping[str, Any]) -> Media | None:
    audio = object_or_none(raw.get("input_audio")) or {}
    if not isinstance(audio.get("data"), str):
        return None
    return Media("audio", f"audio/{text_or_empty(audio.get('format')) or 'wav'}", data=audio["data"])


def _read_file(raw: Mapping[str, Any]) -> Media | None:
    file = object_or_none(raw.get("file")) or {}
    if not isinstance(file.get("file_data"), str):
        return None  # a file that was uploaded before is known to its provider alone
    media_type, data = split_data_url(file["file_data"])
    name = text_or_empty(file.get("filename")) or None
    return Media("file", media_type, data=data or file["file_data"], name=name)


def write_parts(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """What of these parts belongs into a content: text, media, and this dialect's own unknown parts."""
    written: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Text():
                written.append({"type": "text", "text": part.text})
            case Media():
                written.append(write_media(part) or {"type": "text", "text": describe_media(part)})
            case UnknownPart() if part.dialect == NAME:
                written += list_or_empty(part.raw.get("content"))
            case _:
                pass
    return written


def write_media(media: Media) -> dict[str, Any] | None:
    """A medium as a content part; None for what Chat has no part for."""
    if media.kind == "image":
        url = media.url or f"data:{media.media_type or 'image/png'};base64,{media.data}"
        return {"type": "image_url", "image_url": {"url": url}}
    if media.data is None:
        return None
    if media.kind == "audio":
        sound = _SOUNDS.get((media.media_type or "").removeprefix("audio/"))
        audio = {"data": media.data, "format": sound}
        return None if sound is None else {"type": "input_audio", "input_audio": audio}
    data = f"data:{media.media_type or 'application/octet-stream'};base64,{media.data}"
    return {"type": "file", "file": {"filename": media.name or "file", "file_data": data}}
