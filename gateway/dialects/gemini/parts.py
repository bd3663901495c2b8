"""Parts as they are read, of requests and of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.conversation import Media, Part, Reasoning, Source, Text, ToolCall, ToolResult, UnknownPart
from gateway.dialects.call_arguments import json_text
from gateway.dialects.gemini.fields import as_list, field, without
from gateway.dialects.gemini.name import NAME, THOUGHT, new_call_id
from gateway.dialects.json_values import object_or_none, text_or_empty

SIGNATURE = "thoughtSignature"
_RESULT_KEYS = ("output", "result", "content")
"""Where a tool's result stands, if the object holds nothing else; Google's word for it is the first."""


def parts_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a content that are objects."""
    return [part for value in as_list(content.get("parts")) if (part := object_or_none(value)) is not None]


def read_answer(raws: Iterable[Mapping[str, Any]], mint: Callable[[], str] = new_call_id) -> tuple[Part, ...]:
    """The parts of what a model said; `mint` gives ids to calls that came without one."""
    return tuple(_read_said(raw, mint) for raw in raws if raw)


def _read_said(raw: Mapping[str, Any], mint: Callable[[], str]) -> Part:
    call = object_or_none(field(raw, "functionCall"))
    if call is not None:
        return read_call(raw, call, mint)
    text = raw.get("text")
    if isinstance(text, str) and raw.get("thought") is True:
        return Reasoning(text, text_or_empty(field(raw, SIGNATURE)) or None, THOUGHT)
    if isinstance(text, str):
        return Text(text, _beside(raw, "text"))
    if not without(raw, SIGNATURE, "thought"):
        return Text("", Source(NAME, dict(raw)))  # a proof that stands alone
    return unknown(raw)


def _beside(raw: Mapping[str, Any], *named: str) -> Source | None:
    """What else a part says."""
    rest = {name: value for name, value in without(raw, *named).items() if value not in (None, False)}
    return Source(NAME, rest) if rest else None


def read_call(raw: Mapping[str, Any], call: Mapping[str, Any], mint: Callable[[], str]) -> ToolCall:
    """A tool call with the proof beside it; `args` is an object there and text here."""
    beside = without(raw, "functionCall")
    inner = without(call, "id", "name", "args", "partialArgs", "willContinue")
    if inner:
        beside["functionCall"] = inner
    call_id = text_or_empty(call.get("id")) or mint()
    # Also where there is nothing else: calls that are Gemini's own need no stand-in for a proof.
    source = Source(NAME, beside)
    return ToolCall(call_id, text_or_empty(call.get("name")), arguments_text(call.get("args")), source)


def arguments_text(value: Any) -> str:
    """A call's arguments as JSON text."""
    return "{}" if value is None else json_text(value)


def unknown(raw: Mapping[str, Any]) -> UnknownPart:
    """A part that the vocabulary does not name."""
    return UnknownPart(NAME, {"parts": [raw]})


def read_said_by_user(raw: Mapping[str, Any], call_id: str = "") -> Part:
    """A part of what a user, or a tool, says; `call_id` is that of a result which does not say."""
    result = object_or_none(field(raw, "functionResponse"))
    if result is not None:
        return _read_result(result, call_id)
    if isinstance(raw.get("text"), str):
        return Text(raw["text"])
    return read_media(raw) or unknown(raw)


def _read_result(result: Mapping[str, Any], call_id: str) -> ToolResult:
    response = object_or_none(result.get("response")) or {}
    text, is_error = _result_text(response)
    media = [read_media(part) for part in parts_of(result)]
    shown = [medium for medium in media if medium is not None]
    content = (*((Text(text),) if text else ()), *shown)
    return ToolResult(text_or_empty(result.get("id")) or call_id, content, is_error)


def _result_text(response: Mapping[str, Any]) -> tuple[str, bool]:
    """The text of a result's object, and whether it says that the tool failed."""
    if len(response) == 1:
        (name, value), *_ = response.items()
        if name == "error":
            return value if isinstance(value, str) else arguments_text(value), True
        if name in _RESULT_KEYS and isinstance(value, str):
            return value, False
    return (arguments_text(response) if response else ""), False


def read_media(raw: Mapping[str, Any]) -> Media | None:
    """A medium: its bytes, or where it is."""
    inline = object_or_none(field(raw, "inlineData"))
    if inline is not None and isinstance(inline.get("data"), str):
        media_type, name = _told_of(inline)
        return Media(_kind_of(media_type), media_type, data=_plain_base64(inline["data"]), name=name)
    file = object_or_none(field(raw, "fileData"))
    if file is not None and isinstance(address := field(file, "fileUri"), str):
        media_type, name = _told_of(file)
        return Media(_kind_of(media_type), media_type, url=address, name=name)
    return None


def _told_of(raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
    media_type = text_or_empty(field(raw, "mimeType")) or None
    return media_type, text_or_empty(field(raw, "displayName")) or None


def _kind_of(media_type: str | None) -> Any:
    kind = (media_type or "").partition("/")[0]
    return kind if kind in ("image", "audio") else "file"


def _plain_base64(data: str) -> str:
    """Google takes both alphabets, and its own SDK writes the one for URLs; others take the usual one alone."""
    return data.replace("-", "+").replace("_", "/") if "-" in data or "_" in data else data
