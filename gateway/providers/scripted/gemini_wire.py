"""Turns as Gemini's answers, whole and streamed. Written apart from the dialect: each checks the other."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.providers.scripted import wire
from gateway.providers.scripted.json_values import as_list, as_object
from gateway.providers.scripted.turns import Call, Turn

_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}
_STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}


def signature_of(text: str) -> str:
    """The proof of a thought: something that is checked by being equal."""
    return base64.b64encode(f"proof of {text}?>".encode()).decode()


def completion(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    candidate = {"content": {"parts": _parts(turn), "role": "model"}, "finishReason": _reason(turn), "index": 0}
    return {"candidates": [candidate], "usageMetadata": _usage(turn, request), **_head(request)}


def events(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """The chunks of a streamed answer; nothing marks its end."""
    head = _head(request)
    for part in _parts(turn):
        for piece in _pieces_of(part):
            yield _chunk({"content": {"parts": [piece], "role": "model"}, "index": 0}, head)
    last = {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": _reason(turn), "index": 0}
    yield _chunk(last, {"usageMetadata": _usage(turn, request), **head})


def error_object(message: str, status: int) -> dict[str, Any]:
    """Google's error object; one that tells of too much says when to come back, in the body alone."""
    error: dict[str, Any] = {"code": status, "message": message, "status": _STATUSES.get(status, "INTERNAL")}
    if status == 429:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
    return {"error": error}


def error_event(message: str) -> bytes:
    """An error within a stream."""
    return wire.event(error_object(message, 503))


def models(names: tuple[str, ...]) -> dict[str, Any]:
    """A list of models."""
    return {"models": [{"name": f"models/{name}", "displayName": name} for name in names]}


def tokens(request: Mapping[str, Any]) -> dict[str, Any]:
    """A count of a request's tokens."""
    return {"totalTokens": _words_in(request)}


def _head(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"modelVersion": request.get("model", ""), "responseId": uuid.uuid4().hex}


def _reason(turn: Turn) -> str:
    return _REASONS.get(turn.reason, turn.reason)


def _parts(turn: Turn) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if turn.reasoning:
        parts.append({"text": turn.reasoning, "thought": True})
    if turn.text:
        parts.append({"text": turn.text})
    calls: list[dict[str, Any]] = [{"functionCall": _call(call)} for call in turn.calls]
    if calls:  # of several at once, the first has the proof
        calls[0]["thoughtSignature"] = signature_of(turn.calls[0].name)
    elif turn.text and turn.reasoning:
        parts.append({"text": "", "thoughtSignature": signature_of(turn.text)})
    return parts + calls


def _call(call: Call) -> dict[str, Any]:
    try:
        given = as_object(json.loads(call.arguments_text))
    except ValueError:
        given = {}
    named = {} if call.id is None else {"id": call.id}
    return {**named, "name": call.name, "args": given}


def _pieces_of(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if not part.get("text"):
        yield part
        return
    for piece in wire.pieces_of(part["text"]):
        yield {**part, "text": piece}


def _chunk(candidate: Mapping[str, Any], beside: Mapping[str, Any]) -> bytes:
    return wire.event({"candidates": [candidate], **beside}).replace(b"\n\n", b"\r\n\r\n")


def _usage(turn: Turn, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the turn says, else a count of words."""
    if turn.usage is not None:
        return turn.usage
    prompt, thoughts = _words_in(request), len(turn.reasoning.split())
    written = len(turn.text.split()) + sum(len(call.arguments_text.split()) + 1 for call in turn.calls)
    told = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": written,
        "totalTokenCount": prompt + written + thoughts,
    }
    return {**told, "thoughtsTokenCount": thoughts} if thoughts else told


def _words_in(request: Mapping[str, Any]) -> int:
    contents = [as_object(content) for content in as_list(request.get("contents"))]
    parts = [as_object(part) for content in contents for part in as_list(content.get("parts"))]
    return sum(len(str(part.get("text", "")).split()) for part in parts)
