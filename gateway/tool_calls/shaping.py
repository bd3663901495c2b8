"""What a tool gave, made fit for a model: text and media within limits, nothing in it that deceives a reader.

MCP content blocks (2025-11-25 and 2026-07-28, "Tool result") become conversation parts. Text, whatever it came
in, shares one budget of bytes; media have one of their own, because their base64 is not counted in tokens.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from gateway.conversation import Media, Text
from gateway.hub import CallResult, ContentBlock
from gateway.telemetry.visible import make_visible, one_line

_MOST_MEDIA_BYTES = 8 * 1024 * 1024  # of base64, in one result
_MOST_PARTS = 256
_NOTHING = "[no output]"


@dataclass(frozen=True, slots=True)
class ShapedResult:
    """Parts for a model. `text_bytes` counts their text in UTF-8, `escaped` the characters made visible."""

    parts: tuple[Text | Media, ...]
    structured: Any | None = None
    text_bytes: int = 0
    escaped: int = 0
    is_cut: bool = False
    result: CallResult | None = None
    """What the server sent, where that is to be kept as it is; of what is no tool, `answer`."""
    answer: Mapping[str, Any] | None = None


def keep_result(result: CallResult) -> ShapedResult:
    """A tool's result for a program: untouched, with its text counted."""
    texts = (block.get("text") for block in result.content)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts if isinstance(text, str))
    return ShapedResult((), result.structured, size, result=result)


def keep_answer(answer: Mapping[str, Any]) -> ShapedResult:
    """What a server gave of what it offers beside tools: untouched, with its bytes counted."""
    return ShapedResult((), text_bytes=len(_written(answer) or b""), answer=answer)


def shape_result(result: CallResult, *, text_limit: int) -> ShapedResult:
    """A tool's result with at most `text_limit` bytes of text; what was cut off is said in its place."""
    shaper = _Shaper(text_limit)
    for block in result.content[:_MOST_PARTS]:
        shaper.add(block)
    if len(result.content) > _MOST_PARTS:
        shaper.add_text(f"[{len(result.content) - _MOST_PARTS} more parts are left out]")
    structured = _json(result.structured)
    if not result.content:
        shaper.add_text(_NOTHING if structured is None else structured)
    keeps = structured is not None and len(structured.encode()) <= text_limit
    return shaper.finish(result.structured if keeps else None)


def shape_text(text: str, *, text_limit: int) -> ShapedResult:
    """A message of a server or of the gateway, treated like a tool's text."""
    shaper = _Shaper(text_limit)
    shaper.add_text(text)
    return shaper.finish(None)


class _Shaper:
    def __init__(self, text_limit: int) -> None:
        self._text_left = max(0, text_limit)
        self._media_left = _MOST_MEDIA_BYTES
        self._parts: list[Text | Media] = []
        self._text_bytes = 0
        self._escaped = 0
        self._is_cut = False

    def finish(self, structured: Any | None) -> ShapedResult:
        parts = tuple(self._parts)
        return ShapedResult(parts, structured, self._text_bytes, self._escaped, self._is_cut)

    def add(self, block: ContentBlock) -> None:
        kind = block.get("type")
        if kind == "text" and isinstance(block.get("text"), str):
            self.add_text(block["text"])
        elif kind in ("image", "audio"):
            self._add_media(kind, block.get("data"), block.get("mimeType"), name=None)
        elif kind == "resource" and isinstance(block.get("resource"), Mapping):
            self._add_resource(cast("Mapping[str, Any]", block["resource"]))
        elif kind == "resource_link":
            self.add_text(_link_text(block))
        else:
            self.add_text(_json(block) or "[a part that cannot be shown]")

    def add_text(self, text: str) -> None:
        """Append text, or what fits of it; once the budget is spent, further text is only counted as cut."""
        if self._text_left == 0 and self._is_cut:
            return
        candidate = text[: self._text_left + 1]  # a character has at least one byte, so no more can fit
        visible, escaped = make_visible(candidate)
        data = visible.encode()
        if len(data) > self._text_left:
            visible = _cut(data, self._text_left, whole=len(text.encode("utf-8", "replace")))
            data = visible.encode()
            self._is_cut, self._text_left = True, 0
        else:
            self._text_left -= len(data)
        self._escaped += escaped
        self._text_bytes += len(data)
        self._parts.append(Text(visible))

    def _add_resource(self, resource: Mapping[str, Any]) -> None:
        uri = _label(resource.get("uri")) or "without a name"
        blob, mime = resource.get("blob"), _label(resource.get("mimeType"))
        if isinstance(resource.get("text"), str):
            self.add_text(f"[resource {uri}]\n{resource['text']}")
        elif blob is not None and mime.startswith(("image/", "audio/")):
            kind: Literal["image", "audio"] = "image" if mime.startswith("image/") else "audio"
            self._add_media(kind, blob, mime, name=uri)
        else:
            size = len(blob) * 3 // 4 if isinstance(blob, str) else 0
            self.add_text(f"[resource {uri}: about {size} bytes of {mime or 'unknown type'}, not shown]")

    def _add_media(self, kind: Literal["image", "audio"], data: Any, mime: Any, *, name: str | None) -> None:
        if not isinstance(data, str) or not _is_base64(data):
            self.add_text(f"[{kind} left out: its data is not base64]")
        elif len(data) > self._media_left:
            self.add_text(f"[{kind} left out: {len(data)} bytes are over the limit on media in one result]")
        else:
            self._media_left -= len(data)
            self._parts.append(Media(kind, _label(mime) or None, data=data, name=name))


def _cut(data: bytes, limit: int, *, whole: int) -> str:
    """What fits of `data`, and a marker within the same limit, as long as the marker fits into it."""
    marker = f"\n[cut here: the whole text has {whole} bytes]"
    kept = data[: max(0, limit - len(marker))].decode("utf-8", "ignore")
    return kept + marker


def _link_text(block: ContentBlock) -> str:
    name = _label(block.get("title")) or _label(block.get("name"))
    about = _label(block.get("description"))
    target = _label(block.get("uri")) or "nowhere"
    label = f"link to {name}: {target}" if name else f"link to {target}"
    return f"[{label} - {about}]" if about else f"[{label}]"


def _label(value: Any) -> str:
    return one_line(value, 1000) if isinstance(value, str) else ""


def _json(value: Any) -> str | None:
    written = None if value is None else _written(value)
    return None if written is None else written.decode()


def _written(value: Any) -> bytes | None:
    try:
        return orjson.dumps(value)
    except TypeError:  # what JSON cannot hold: a lone surrogate, an integer beyond 64 bits, too many levels
        return None


def _is_base64(data: str) -> bool:
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
