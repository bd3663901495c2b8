"""Turns as OpenAI chat completions, whole and streamed. Written apart from the dialect, so that each checks the
other.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.providers.scripted.json_values import as_list, as_object
from gateway.providers.scripted.turns import Call, Turn

_CREATED = 1_700_000_000  # seconds since the epoch; a fixed time keeps answers comparable
_PIECE = re.compile(r"\s*\S+|\s+\Z")
_ARGUMENTS_PIECE = 12  # characters of a call's arguments in one delta

DONE = b"data: [DONE]\n\n"


def new_id() -> str:
    """An id for an answer: clients merge answers that share one."""
    return f"chatcmpl-{uuid.uuid4().hex}"


def completion(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, "refusal": None}
    if turn.reasoning:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [_call(call, index) for index, call in enumerate(turn.calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": turn.reason}
    head = {"id": new_id(), "object": "chat.completion", "created": _CREATED, "model": request.get("model", "")}
    return {**head, "choices": [choice], "usage": usage_of(turn, request)}


def events(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """The events of a streamed answer, without the last one, `DONE`."""
    head = {
        "id": new_id(),
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": request.get("model", ""),
    }
    for delta in _deltas(turn):
        yield event({**head, "choices": [_choice(delta, None)]})
    yield event({**head, "choices": [_choice({}, turn.reason)]})
    if _wants_usage(request):
        yield event({**head, "choices": [], "usage": usage_of(turn, request)})


def event(value: Any) -> bytes:
    """One server-sent event with JSON in it."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def error_object(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def usage_of(turn: Turn, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the turn says, else a count of words."""
    if turn.usage is not None:
        return turn.usage
    prompt = sum(len(text_of(message).split()) for message in request.get("messages", ()))
    written = len(turn.text.split()) + sum(len(call.arguments_text.split()) + 1 for call in turn.calls)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message of a request, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(str(as_object(part).get("text", "")) for part in as_list(content))


def pieces_of(text: str) -> list[str]:
    """A text as it is streamed, word by word."""
    return _PIECE.findall(text)


def argument_pieces_of(text: str) -> list[str]:
    """The arguments of a call as they are streamed."""
    return [text[start : start + _ARGUMENTS_PIECE] for start in range(0, len(text), _ARGUMENTS_PIECE)]


def error_event(message: str) -> bytes:
    """An error within a stream."""
    return event(error_object(message, "scripted_error", "scripted"))


def _wants_usage(request: Mapping[str, Any]) -> bool:
    return bool(as_object(request.get("stream_options")).get("include_usage"))


def _choice(delta: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _call(call: Call, index: int) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments_text}
    return {"id": _call_id(call, index), "type": "function", "function": function}


def _call_id(call: Call, index: int) -> str:
    return f"call_{uuid.uuid4().hex[:16]}{index}" if call.id is None else call.id


def _deltas(turn: Turn) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": "" if turn.text or not turn.calls else None}
    for piece in pieces_of(turn.reasoning):
        yield {"reasoning_content": piece}
    for piece in pieces_of(turn.text):
        yield {"content": piece}
    for index, call in enumerate(turn.calls):
        opening = {"index": index, **_call(call, index)}
        opening["function"] = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [opening]}
        for text in argument_pieces_of(call.arguments_text):
            yield {"tool_calls": [{"index": index, "function": {"arguments": text}}]}
