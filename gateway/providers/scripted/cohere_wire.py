"""Turns as Cohere's chat answers, whole and streamed. Written apart from the dialect: each checks the other."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.providers.scripted import wire
from gateway.providers.scripted.turns import Call, Turn

_REASONS = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL", "content_filter": "ERROR_TOXIC"}
_AROUND = 60
"""Tokens that Cohere puts around a prompt, and does not charge."""

DONE = b"data: [DONE]\n\n"


def completion(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer. What a turn thinks before calls is the plan."""
    message: dict[str, Any] = {"role": "assistant"}
    if turn.calls:
        message["tool_plan"] = turn.reasoning
        message["tool_calls"] = [_call(call) for call in turn.calls]
    content = [{"type": kind, kind: text} for kind, text in _content(turn)]
    if content:
        message["content"] = content
    return {
        "id": str(uuid.uuid4()),
        "finish_reason": _reason(turn),
        "message": message,
        "usage": _usage(turn, request),
    }


def events(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """The events of a streamed answer, without the last one, `DONE`."""
    empty: dict[str, Any] = {
        "role": "assistant",
        "content": [],
        "tool_plan": "",
        "tool_calls": [],
        "citations": [],
    }
    yield _event("message-start", id=str(uuid.uuid4()), delta={"message": empty})
    for index, (kind, text) in enumerate(_content(turn)):
        yield _event("content-start", index=index, delta=_message(content={"type": kind, kind: ""}))
        for piece in wire.pieces_of(text):
            yield _event("content-delta", index=index, delta=_message(content={kind: piece}))
        yield _event("content-end", index=index)
    if turn.calls:
        for piece in wire.pieces_of(turn.reasoning):
            yield _event("tool-plan-delta", delta=_message(tool_plan=piece))
    for index, call in enumerate(turn.calls):
        told = _call(call)
        opening = {**told, "function": {"name": call.name, "arguments": ""}}
        yield _event("tool-call-start", index=index, delta=_message(tool_calls=opening))
        for piece in wire.argument_pieces_of(call.arguments_text):
            delta = _message(tool_calls={"function": {"arguments": piece}})
            yield _event("tool-call-delta", index=index, delta=delta)
        yield _event("tool-call-end", index=index)
    yield _event("message-end", delta={"finish_reason": _reason(turn), "usage": _usage(turn, request)})


def models(names: tuple[str, ...]) -> dict[str, Any]:
    """The list of models."""
    return {"models": [{"name": name, "endpoints": ["chat"]} for name in names]}


def error_object(message: str) -> dict[str, Any]:
    """Cohere's error object."""
    return {"id": str(uuid.uuid4()), "message": message}


def error_event(message: str) -> bytes:
    """An error within a stream."""
    return _event("message-end", delta={"finish_reason": "ERROR", "error": message})


def _content(turn: Turn) -> list[tuple[str, str]]:
    thoughts = [("thinking", turn.reasoning)] if turn.reasoning and not turn.calls else []
    return thoughts + ([("text", turn.text)] if turn.text else [])


def _reason(turn: Turn) -> str:
    return _REASONS.get(turn.reason, turn.reason)


def _usage(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    counted = wire.usage_of(turn, request)
    given, written = float(counted["prompt_tokens"]), float(counted["completion_tokens"])
    return {
        "billed_units": {"input_tokens": given, "output_tokens": written},
        "tokens": {"input_tokens": given + _AROUND, "output_tokens": written},
        "cached_tokens": 0.0,
    }


def _message(**fields: Any) -> dict[str, Any]:
    return {"message": fields}


def _call(call: Call) -> dict[str, Any]:
    identity = f"{call.name}_{uuid.uuid4().hex[:12]}" if call.id is None else call.id
    return {"id": identity, "type": "function", "function": {"name": call.name, "arguments": call.arguments_text}}


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + wire.event({"type": kind, **fields})
