"""Images, documents and sounds, which have a word for their format and come as bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.conversation import Media
from gateway.dialects.crossing import refuse_crossing, refuse_media
from gateway.dialects.json_values import object_or_none, text_or_empty

_IMAGES: Mapping[str, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}
_DOCUMENTS: Mapping[str, str] = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
_SOUNDS: Mapping[str, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "mp4": "audio/mp4",
    "ogg": "audio/ogg",
    "m4a": "audio/x-m4a",
    "webm": "audio/webm",
}
_FORMATS: Mapping[str, Mapping[str, str]] = {"image": _IMAGES, "document": _DOCUMENTS, "audio": _SOUNDS}
_BLOCKS: Mapping[str, str] = {"image": "image", "file": "document", "audio": "audio"}
_KINDS = {"image": "image", "document": "file", "audio": "audio"}
_OTHER_NAMES: Mapping[str, str] = {
    "image/jpg": "jpeg",
    "audio/mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "text/x-markdown": "md",
}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9 ()\[\]-]+", re.ASCII)
_LONGEST_NAME = 200


def read_media(kind: str, block: Mapping[str, Any]) -> Media | None:
    """A medium with its bytes; None for one that lies elsewhere."""
    source = object_or_none(block.get("source")) or {}
    data = source.get("bytes")
    if not isinstance(data, str):
        return None
    media_type = _FORMATS[kind].get(text_or_empty(block.get("format")))
    name = text_or_empty(block.get("name")) or None
    return Media(_KINDS[kind], media_type, data=data, name=name)  # type: ignore[arg-type]


def write_media(media: Media, number: int) -> dict[str, Any] | None:
    """A medium as a block; None for what has no format here, or no bytes. `number` tells documents apart."""
    block = _BLOCKS[media.kind]
    if media.data is None:
        return None
    kind = (media.media_type or ("image/png" if media.kind == "image" else "")).partition(";")[0].strip().lower()
    formats = _FORMATS[block]
    word = next((word for word, known in formats.items() if known == kind), _OTHER_NAMES.get(kind))
    if word is None and block == "document" and kind.startswith("text/"):
        word = "txt"
    if word not in formats:
        return None
    named = {"name": _document_name(media.name, number)} if block == "document" else {}
    return {block: {"format": word, **named, "source": {"bytes": media.data}}}


def write_media_of_client(media: Media, number: int) -> dict[str, Any]:
    """The same. Raises InvalidRequest for what this dialect cannot say."""
    if media.data is None and media.url is not None:
        what = f"messages: {media.kind} by URL cannot be shown to this model: send its bytes, as base64"
        refuse_crossing("messages", what)
    return write_media(media, number) or refuse_media(media)


def _document_name(name: str | None, number: int) -> str:
    """A name of the characters that are allowed, which no other document of the request has."""
    stem = " ".join(_NOT_IN_NAMES.sub(" ", name or "").split())[: _LONGEST_NAME - 8]
    return f"{stem or 'document'} {number}"
