"""Turns as Anthropic messages, whole and streamed. Written apart from the dialect: each checks the other."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.providers.scripted import wire
from gateway.providers.scripted.json_values import as_object
from gateway.providers.scripted.turns import Call, Turn

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_KINDS = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}

DONE = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'


def signature_of(text: str) -> str:
    """The proof of a thought: something that is checked by being equal."""
    return f"sig+{len(text)}/=="


def completion(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    usage = _usage(turn, request)
    return {**_head(request), "content": _blocks(turn), "stop_reason": _reason(turn), "usage": usage}


def events(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """The events of a streamed answer, without the last one, `DONE`."""
    usage = _usage(turn, request)
    message = {**_head(request), "usage": {**usage, "output_tokens": 1}}
    yield _event("message_start", message=message)
    blocks = _blocks(turn)
    texts = [""] * (len(blocks) - len(turn.calls)) + [call.arguments_text for call in turn.calls]
    for index, (block, arguments) in enumerate(zip(blocks, texts, strict=True)):
        yield from _block_events(index, block, arguments)
    delta = {"stop_reason": _reason(turn), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]})


def error_object(message: str, status: int) -> dict[str, Any]:
    """Anthropic's error object."""
    return {"type": "error", "error": {"type": _KINDS.get(status, "api_error"), "message": message}}


def error_event(message: str) -> bytes:
    """An error within a stream."""
    return b"event: error\n" + wire.event(error_object(message, 529))


def _head(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": request.get("model", ""),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _reason(turn: Turn) -> str:
    return _REASONS.get(turn.reason, turn.reason)


def _usage(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    counted = wire.usage_of(turn, request)
    if "input_tokens" in counted:
        return dict(counted)
    return {"input_tokens": counted["prompt_tokens"], "output_tokens": counted["completion_tokens"]}


def _blocks(turn: Turn) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if turn.reasoning:
        signature = signature_of(turn.reasoning)
        blocks.append({"type": "thinking", "thinking": turn.reasoning, "signature": signature})
    if turn.text:
        blocks.append({"type": "text", "text": turn.text})
    return blocks + [_call(call) for call in turn.calls]


def _call(call: Call) -> dict[str, Any]:
    try:
        given = as_object(json.loads(call.arguments_text))
    except ValueError:
        given = {}
    return {
        "type": "tool_use",
        "id": f"toolu_{uuid.uuid4().hex[:24]}" if call.id is None else call.id,
        "name": call.name,
        "input": given,
    }


def _block_events(index: int, block: Mapping[str, Any], arguments: str) -> Iterator[bytes]:
    beginning, deltas = _opened(block, arguments)
    yield _event("content_block_start", index=index, content_block=beginning)
    for delta in deltas:
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _opened(block: Mapping[str, Any], arguments: str) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """A block as it begins, and the pieces that follow."""
    match block["type"]:
        case "thinking":
            pieces = [{"type": "thinking_delta", "thinking": piece} for piece in wire.pieces_of(block["thinking"])]
            pieces.append({"type": "signature_delta", "signature": block["signature"]})
            return {**block, "thinking": "", "signature": ""}, pieces
        case "text":
            pieces = [{"type": "text_delta", "text": piece} for piece in wire.pieces_of(block["text"])]
            return {**block, "text": ""}, pieces
        case _:
            texts = ("", *wire.argument_pieces_of(arguments))
            pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in texts]
            return {**block, "input": {}}, pieces


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + wire.event({"type": kind, **fields})
