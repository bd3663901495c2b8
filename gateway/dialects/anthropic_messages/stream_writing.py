"""A stream for a client.

Blocks follow each other, one at a time; several calls are put in order by `gateway.dialects.call_order`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import orjson

from gateway.conversation import (
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    ServedCall,
    ServedCallEnded,
    ServedCallStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.anthropic_messages.block_writing import served_blocks, served_result
from gateway.dialects.anthropic_messages.errors import write_error
from gateway.dialects.anthropic_messages.name import REDACTED, THINKING, UNPROVEN, own_fields
from gateway.dialects.anthropic_messages.stop_reasons import write_stop_reason
from gateway.dialects.anthropic_messages.usage import write_usage
from gateway.dialects.call_order import CallOrder
from gateway.dialects.faults import ToldFault
from gateway.dialects.json_values import list_or_empty, object_or_none
from gateway.sse import encode_event

_Open = Literal["", "text", "thinking", "tool_use"]
_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class MessagesStreamWriter:
    """See `gateway.dialects.StreamWriter`. Whether the client asked for the usage does not matter here."""

    __slots__ = ("_end", "_index", "_open", "_order", "_refused", "_started")

    def __init__(self) -> None:
        self._started = False
        self._open: _Open = ""
        self._index = -1
        self._order = CallOrder()
        self._refused = False
        self._end: tuple[Finished, Mapping[str, Any] | None] | None = None

    def write(self, event: StreamEvent, *, toolgate: Mapping[str, Any] | None = None) -> bytes:
        """One event as frames, or as none. Raises ValueError before the answer has started."""
        if isinstance(event, ResponseStarted):
            return self._start(event, toolgate)
        if not self._started:
            raise ValueError("a stream begins with ResponseStarted")
        if isinstance(event, Finished):
            self._end = (event, toolgate)
            return self._last_blocks()
        if isinstance(event, UsageReported):
            return self._message_delta(own_fields(event.dialect, event.raw) or write_usage(event.usage), toolgate)
        return self._piece(event) if self._order.admits(event) else b""

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """A ping with more in it than usual."""
        return _frame("ping", {"type": "ping", "toolgate": fields})

    def heartbeat(self) -> bytes:
        """A ping: some clients count events, and not comments, as signs of life."""
        return _PING

    def error(self, fault: ToldFault) -> bytes:
        """The error event. No `message_stop` may follow it."""
        return _frame("error", write_error(fault))

    def done(self) -> bytes:
        """The end."""
        return self._message_delta(write_usage(None), None) + _STOP

    def _start(self, event: ResponseStarted, toolgate: Mapping[str, Any] | None) -> bytes:
        self._started = True
        extras = own_fields(event.dialect, event.extras)
        message: dict[str, Any] = {
            **extras,
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": object_or_none(extras.get("usage")) or write_usage(None),
        }
        beside = {} if toolgate is None else {"toolgate": toolgate}
        return _frame("message_start", {"type": "message_start", "message": message, **beside})

    def _piece(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta() | RefusalDelta():
                return self._text(event)
            case ReasoningDelta():
                return self._reasoning(event)
            case ToolCallStarted():
                return self._call_started(event)
            case ToolCallDelta():
                return self._arguments(event.arguments)
            case ServedCallStarted():
                return self._served(event.served)
            case ServedCallEnded() if event.served.result is not None:
                return self._whole_block(served_result(event.served.result))
            case UnknownDelta() if own_fields(event.dialect, event.raw):
                return self._unknown(event)
            case _:
                return b""

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        self._refused = self._refused or isinstance(event, RefusalDelta)
        if not event.text:
            return b""
        opening = b"" if self._open == "text" else self._open_block("text", {"type": "text", "text": ""})
        return opening + self._delta(b'{"type":"text_delta","text":%b}' % orjson.dumps(event.text))

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        if event.field == REDACTED:
            return self._whole_block({"type": REDACTED, "data": event.signature}) if event.signature else b""
        written = b""
        if (event.text or event.signature) and self._open != "thinking":
            written = self._open_block("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if event.text:
            written += self._delta(b'{"type":"thinking_delta","thinking":%b}' % orjson.dumps(event.text))
        proof = event.signature if event.field == THINKING else UNPROVEN  # another dialect's is none here
        return written + (self._close_block(proof) if event.signature and proof else b"")

    def _call_started(self, event: ToolCallStarted) -> bytes:
        named: dict[str, Any] = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
        return self._open_block("tool_use", {**own_fields(event.dialect, event.raw), **named})

    def _arguments(self, text: str) -> bytes:
        return self._delta(b'{"type":"input_json_delta","partial_json":%b}' % orjson.dumps(text)) if text else b""

    def _unknown(self, event: UnknownDelta) -> bytes:
        if not event.in_message:
            return self._delta(orjson.dumps(event.raw)) if self._open == "text" else b""
        blocks = (object_or_none(block) for block in list_or_empty(event.raw.get("content")))
        return b"".join(self._whole_block(block) for block in blocks if block is not None)

    def _served(self, served: ServedCall) -> bytes:
        """A call that this gateway makes, in one block, as Anthropic tells of those that it makes itself."""
        (block,) = served_blocks(replace(served, result=None))
        opening = self._open_block("tool_use", {**block, "input": {}})
        return opening + self._arguments(orjson.dumps(block["input"]).decode()) + self._close_block()

    def _last_blocks(self) -> bytes:
        """What waited for the first call to be complete."""
        return b"".join(map(self._piece, self._order.rest())) + self._close_block()

    def _open_block(self, kind: _Open, block: Mapping[str, Any]) -> bytes:
        closing = self._close_block()
        self._open = kind
        self._index += 1
        start = {"type": "content_block_start", "index": self._index, "content_block": block}
        return closing + _frame("content_block_start", start)

    def _close_block(self, signature: str = UNPROVEN) -> bytes:
        if not self._open:
            return b""
        last = b""
        if self._open == "thinking":
            last = self._delta(b'{"type":"signature_delta","signature":%b}' % orjson.dumps(signature))
        self._open = ""
        return last + _frame("content_block_stop", {"type": "content_block_stop", "index": self._index})

    def _whole_block(self, block: Mapping[str, Any]) -> bytes:
        opening = self._open_block("tool_use", block)
        return opening + self._close_block()

    def _delta(self, delta: bytes) -> bytes:
        form = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}\n\n'
        return form % (self._index, delta)

    def _message_delta(self, usage: Mapping[str, Any], toolgate: Mapping[str, Any] | None) -> bytes:
        """Why the model stopped and what it used, in one frame, once."""
        if self._end is None:
            return b""
        (event, told), self._end = self._end, None
        raw = own_fields(event.dialect, event.raw)
        is_plain = event.reason is FinishReason.STOP
        reason = FinishReason.CONTENT_FILTER if self._refused and is_plain else event.reason
        word = write_stop_reason(reason, raw.get("stop_reason"))
        sequence = raw.get("stop_sequence") if word == "stop_sequence" else None
        delta = {**raw, "stop_reason": word, "stop_sequence": sequence}
        toolgate = toolgate or told
        beside = {} if toolgate is None else {"toolgate": toolgate}
        return _frame("message_delta", {"type": "message_delta", "delta": delta, "usage": usage, **beside})


def _frame(kind: str, value: Mapping[str, Any]) -> bytes:
    return encode_event(orjson.dumps(value), kind)
