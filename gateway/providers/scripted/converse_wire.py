"""Turns as Amazon Bedrock tells them, whole and streamed: Converse, and Anthropic's messages in Amazon's frames.

Written apart from the dialects, so that each checks the other.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.providers.scripted import messages_wire, wire
from gateway.providers.scripted.json_values import as_object
from gateway.providers.scripted.turns import Call, Turn

STREAM_TYPE = "application/vnd.amazon.eventstream"
MALFORMED = b"\x00\x00\x00\x20this is no frame of any kind"

_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
}
_KINDS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


def completion(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    return {
        "output": {"message": {"role": "assistant", "content": _blocks(turn)}},
        "stopReason": _reason(turn),
        "usage": _usage(turn, request),
        "metrics": {"latencyMs": 5},
    }


def events(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """The frames of a streamed answer."""
    yield _event("messageStart", role="assistant")
    for index, block in enumerate(_blocks(turn)):
        yield from _block_events(index, block, turn)
    yield _event("messageStop", stopReason=_reason(turn))
    yield _event("metadata", usage=_usage(turn, request), metrics={"latencyMs": 5})


def error_object(message: str, status: int) -> dict[str, Any]:
    """Amazon's error."""
    return {"message": message, "__type": _KINDS.get(status, "InternalServerException")}


def error_event(message: str) -> bytes:
    """An exception within a stream."""
    headers = {":message-type": "exception", ":exception-type": "throttlingException"}
    return _frame(headers, {"message": message})


def framed_messages(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """Anthropic's events, each in a frame."""
    for event in (*messages_wire.events(turn, request), messages_wire.DONE):
        data = event.partition(b"data: ")[2].strip()
        yield _event("chunk", bytes=base64.b64encode(data).decode())


def _reason(turn: Turn) -> str:
    return _REASONS.get(turn.reason, turn.reason)


def _usage(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    counted = wire.usage_of(turn, request)
    if "inputTokens" in counted:
        return dict(counted)
    told, written = counted["prompt_tokens"], counted["completion_tokens"]
    return {"inputTokens": told, "outputTokens": written, "totalTokens": told + written}


def _blocks(turn: Turn) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if turn.reasoning:
        proof = messages_wire.signature_of(turn.reasoning)
        blocks.append({"reasoningContent": {"reasoningText": {"text": turn.reasoning, "signature": proof}}})
    if turn.text:
        blocks.append({"text": turn.text})
    return blocks + [{"toolUse": _call(call, index)} for index, call in enumerate(turn.calls)]


def _call(call: Call, index: int) -> dict[str, Any]:
    try:
        given = as_object(json.loads(call.arguments_text))
    except ValueError:
        given = {}
    return {"toolUseId": call.id or f"tooluse_{wire.new_id()[9:25]}{index}", "name": call.name, "input": given}


def _block_events(index: int, block: Mapping[str, Any], turn: Turn) -> Iterator[bytes]:
    calls = len(_blocks(turn)) - len(turn.calls)
    match block:
        case {"text": text}:
            deltas: list[dict[str, Any]] = [{"text": piece} for piece in wire.pieces_of(text)]
        case {"reasoningContent": {"reasoningText": {"text": text, "signature": proof}}}:
            deltas = [{"reasoningContent": {"text": piece}} for piece in wire.pieces_of(text)]
            deltas.append({"reasoningContent": {"signature": proof}})
        case {"toolUse": call}:
            start = {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}
            yield _event("contentBlockStart", contentBlockIndex=index, start=start)
            pieces = wire.argument_pieces_of(turn.calls[index - calls].arguments_text)
            deltas = [{"toolUse": {"input": piece}} for piece in pieces]
        case _:
            raise ValueError("a block of no kind")
    for delta in deltas:
        yield _event("contentBlockDelta", contentBlockIndex=index, delta=delta)
    yield _event("contentBlockStop", contentBlockIndex=index)


def _event(kind: str, **fields: Any) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return _frame(headers, {**fields, "p": "abc"})  # Amazon pads its events so that their lengths tell nothing


def _frame(headers: Mapping[str, str], value: Mapping[str, Any]) -> bytes:
    head = b"".join(
        struct.pack(f">B{len(name)}sBH{len(text)}s", len(name), name.encode(), 7, len(text), text.encode())
        for name, text in headers.items()
    )
    payload = json.dumps(value).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))
