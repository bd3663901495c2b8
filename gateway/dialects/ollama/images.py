"""Images as base64 without anything around it, whose type is told by how they begin."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from gateway.conversation import Media, Part
from gateway.dialects.crossing import refuse_crossing, refuse_media
from gateway.dialects.json_values import list_or_empty

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


def read_images(value: Any) -> list[Media]:
    """The images of a message."""
    return [Media("image", _type_of(data), data=data) for data in list_or_empty(value) if isinstance(data, str)]


def _type_of(data: str) -> str | None:
    try:
        head = base64.b64decode(data[:16], validate=True)
    except (binascii.Error, ValueError):
        return None
    return next((kind for beginning, kind in _BEGINNINGS if head.startswith(beginning)), None)


def write_images(parts: Iterable[Part]) -> list[str]:
    """The images among these parts. Raises InvalidRequest for media that a model here cannot be shown."""
    return [_write(part) for part in parts if isinstance(part, Media)]


def _write(media: Media) -> str:
    if media.kind != "image":
        refuse_media(media)
    if media.data is None:
        what = "an image by URL cannot be shown to this model: send its bytes, as a data: URL or as base64"
        refuse_crossing("messages", f"messages: {what}")
    return media.data
