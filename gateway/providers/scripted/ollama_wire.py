"""Turns as Ollama's chat answers, whole and streamed. Written apart from the dialect: each checks the other."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.providers.scripted import wire
from gateway.providers.scripted.json_values import as_object
from gateway.providers.scripted.turns import Call, Turn

_REASONS = {"tool_calls": "stop"}


def completion(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.reasoning:
        message["thinking"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [_call(call) for call in turn.calls]
    return {**_head(request), "message": message, **_end(turn, request)}


def events(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """The lines of a streamed answer."""
    for piece in wire.pieces_of(turn.reasoning):
        yield _line(request, content="", thinking=piece)
    for piece in wire.pieces_of(turn.text):
        yield _line(request, content=piece)
    for call in turn.calls:
        yield _line(request, content="", tool_calls=[_call(call)])
    last = {"message": {"role": "assistant", "content": ""}, **_end(turn, request)}
    yield encode({**_head(request), **last})


def error_object(message: str) -> dict[str, Any]:
    """Ollama's error."""
    return {"error": message}


def error_event(message: str) -> bytes:
    """An error within a stream."""
    return encode(error_object(message))


def tags(models: tuple[str, ...]) -> dict[str, Any]:
    """The list of models."""
    listed = [
        {
            "name": model,
            "model": model,
            "modified_at": "2026-01-01T00:00:00Z",
            "size": 0,
            "digest": "0" * 64,
            "details": {"family": "scripted"},
        }
        for model in models
    ]
    return {"models": listed}


def encode(value: Any) -> bytes:
    """One line."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _line(request: Mapping[str, Any], **message: Any) -> bytes:
    return encode({**_head(request), "message": {"role": "assistant", **message}, "done": False})


def _head(request: Mapping[str, Any]) -> dict[str, Any]:
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {"model": request.get("model", ""), "created_at": f"{moment}.{nanoseconds:09d}Z"}


def _end(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    counted = wire.usage_of(turn, request)
    counts = {"prompt_eval_count": counted["prompt_tokens"], "eval_count": counted["completion_tokens"]}
    times = {"total_duration": 5_000_000, "load_duration": 1_000_000, "eval_duration": 3_000_000}
    return {"done": True, "done_reason": _REASONS.get(turn.reason, turn.reason), **times, **counts}


def _call(call: Call) -> dict[str, Any]:
    """Without an id, as older servers have it, unless the turn gives one."""
    try:
        given = as_object(json.loads(call.arguments_text))
    except ValueError:
        given = {}
    named = {} if call.id is None else {"id": call.id}
    return {**named, "function": {"name": call.name, "arguments": given}}
