"""The parts of a message's `content` and of a tool's `output`, both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.conversation import Media, Part, Refusal, Text, UnknownPart
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.media import describe_media, split_data_url
from gateway.dialects.openai_responses.name import NAME

_SOUNDS = {"wav": "wav", "x-wav": "wav", "mp3": "mp3", "mpeg": "mp3"}
_TEXTS = frozenset({"input_text", "output_text", "text"})


def read_content(content: Any) -> list[Part]:
    """The parts of a content that is a string or a list of objects."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    parts: list[Part] = []
    for value in list_or_empty(content):
        raw = object_or_none(value)
        if raw is not None:
            parts += _read_part(raw)
    return parts


def _read_part(raw: Mapping[str, Any]) -> list[Part]:
    kind = raw.get("type")
    if kind in _TEXTS and isinstance(raw.get("text"), str):
        said: list[Part] = [Text(raw["text"])] if raw["text"] else []
        about = list_or_empty(raw.get("annotations"))
        return [*said, UnknownPart(NAME, {"annotations": about})] if about else said
    if kind == "refusal" and isinstance(raw.get("refusal"), str):
        return [Refusal(raw["refusal"])]
    return [_read_media(raw) or UnknownPart(NAME, {"content": [raw]})]


def _read_media(raw: Mapping[str, Any]) -> Media | None:
    match raw.get("type"):
        case "input_image":
            return _read_image(raw.get("image_url"))
        case "input_file":
            return _read_file(raw)
        case "input_audio":
            audio = object_or_none(raw.get("input_audio")) or {}
            if isinstance(audio.get("data"), str):
                return Media("audio", f"audio/{text_or_empty(audio.get('format')) or 'wav'}", data=audio["data"])
            return None
        case _:
            return None


def _read_image(url: Any) -> Media | None:
    if not isinstance(url, str):
        return None  # a file that was uploaded before is known to its provider alone
    media_type, data = split_data_url(url)
    return Media("image", url=url) if data is None else Media("image", media_type, data=data)


def _read_file(raw: Mapping[str, Any]) -> Media | None:
    name = text_or_empty(raw.get("filename")) or None
    if isinstance(raw.get("file_data"), str):
        media_type, data = split_data_url(raw["file_data"])
        return Media("file", media_type, data=data or raw["file_data"], name=name)
    if isinstance(raw.get("file_url"), str):
        return Media("file", url=raw["file_url"], name=name)
    return None


def write_parts(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """What of these parts a model is shown: text, media, and this dialect's own unknown parts."""
    written: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Text() | Refusal():
                written.append({"type": "input_text", "text": part.text})
            case Media():
                written.append(write_media(part) or {"type": "input_text", "text": describe_media(part)})
            case UnknownPart() if part.dialect == NAME:
                written += list_or_empty(part.raw.get("content"))
            case _:
                pass
    return written


def write_media(media: Media) -> dict[str, Any] | None:
    """A medium as a content part; None for what Responses has no part for."""
    if media.kind == "image":
        url = media.url or f"data:{media.media_type or 'image/png'};base64,{media.data}"
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    if media.kind == "audio":
        sound = _SOUNDS.get((media.media_type or "").removeprefix("audio/"))
        audio = {"data": media.data, "format": sound}
        return {"type": "input_audio", "input_audio": audio} if sound and media.data else None
    if media.data is None:
        return {"type": "input_file", "file_url": media.url}
    data = f"data:{media.media_type or 'application/octet-stream'};base64,{media.data}"
    return {"type": "input_file", "filename": media.name or "file", "file_data": data}
