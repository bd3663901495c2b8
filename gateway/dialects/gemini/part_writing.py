"""Parts as they are written, for providers and for clients."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.conversation import Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, UnknownPart
from gateway.dialects.call_arguments import arguments_object
from gateway.dialects.gemini.name import NAME, THOUGHT, UNSIGNED, is_minted, own_object
from gateway.dialects.gemini.parts import SIGNATURE
from gateway.dialects.json_values import list_or_empty, object_or_none

_IN_RESULTS = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})
_USUAL_TYPES = {"image": "image/png", "audio": "audio/wav", "file": "application/octet-stream"}


def answer_parts(parts: Iterable[Part], *, shows_ids: bool = True) -> list[Mapping[str, Any]]:
    """A model's answer, as a client is given it. A call that Gemini did not make says so, where its proof would
    be.

    With `shows_ids` False, ids that were made up here are left out.
    """
    written: list[Mapping[str, Any]] = []
    signed = False
    for part in parts:
        if isinstance(part, ToolCall):
            written.append(write_call(part, stands_alone=not signed, shows_ids=shows_ids))
            signed = True
        else:
            written += write_said(part)
    return written


def write_said(part: Part) -> list[Mapping[str, Any]]:
    """A part of an answer that is no call."""
    match part:
        case Text(text=text, source=source):
            beside = own_object(source)
            return [{"text": text, **beside}] if text or beside else []
        case Refusal(text=text):
            return [{"text": text}] if text else []
        case Reasoning():
            return [write_thought(part.text, part.signature, part.name)] if part.text or part.signature else []
        case UnknownPart(dialect=dialect, raw=raw) if dialect == NAME:
            return list_or_empty(raw.get("parts"))
        case _:
            return []


def write_thought(text: str, signature: str | None, name: str) -> dict[str, Any]:
    """A thought, with its proof where that is Gemini's."""
    written = {"text": text, "thought": True}
    return {**written, SIGNATURE: signature} if signature and name == THOUGHT else written


def write_call(call: ToolCall, *, stands_alone: bool, shows_ids: bool) -> dict[str, Any]:
    """A tool call. Of several at once, the first has the proof: `stands_alone` says that this is it."""
    beside = dict(own_object(call.source))
    inner = object_or_none(beside.pop("functionCall", None)) or {}
    named = {} if is_minted(call.id) and not shows_ids else {"id": call.id}
    args = arguments_object(call.arguments)
    written = {"functionCall": {**inner, **named, "name": call.name, "args": args}, **beside}
    is_foreign = call.source is None or call.source.dialect != NAME
    return (
        {**written, SIGNATURE: UNSIGNED} if is_foreign and stands_alone and SIGNATURE not in written else written
    )


def write_result(result: ToolResult, name: str, *, shows_media: bool) -> dict[str, Any]:
    """A tool's result. Of media that do not stand within it, it says that they follow."""
    texts: list[str] = []
    shown: list[Mapping[str, Any]] = []
    for part in result.content:
        if isinstance(part, Text):
            texts.append(part.text)
        elif shows_media and fits_in_result(part):
            shown.append(write_media(part))
        else:
            texts.append(f"[{part.kind} from this tool: follows the results of this turn's tools]")
    response = {"error" if result.is_error else "output": "\n".join(texts)}
    named = {} if is_minted(result.call_id) else {"id": result.call_id}
    written: dict[str, Any] = {**named, "name": name, "response": response}
    return {"functionResponse": {**written, "parts": shown} if shown else written}


def fits_in_result(part: Part) -> bool:
    """Whether models that can be shown media within a tool's result can be shown this."""
    return isinstance(part, Media) and part.data is not None and part.media_type in _IN_RESULTS


def write_media(media: Media) -> dict[str, Any]:
    """A medium: its bytes, or where it is."""
    if media.data is not None:
        media_type = media.media_type or _guessed(media.name) or _USUAL_TYPES[media.kind]
        return {"inlineData": {"mimeType": media_type, "data": media.data}}
    media_type = media.media_type or _guessed(media.url)
    told = {"mimeType": media_type} if media_type else {}
    return {"fileData": {**told, "fileUri": media.url}}


def _guessed(name: str | None) -> str | None:
    return mimetypes.guess_type(name.partition("?")[0])[0] if name else None
