"""A stream for a client.

Blocks follow each other, one at a time; several calls are put in order by `gateway.dialects.call_order`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from gateway.conversation import (
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.bedrock_converse.errors import error_frame
from gateway.dialects.bedrock_converse.name import REASONING, REDACTED, UNPROVEN, own_fields
from gateway.dialects.bedrock_converse.responses import NO_METRICS
from gateway.dialects.bedrock_converse.stop_reasons import write_stop_reason
from gateway.dialects.bedrock_converse.usage import write_usage
from gateway.dialects.call_order import CallOrder
from gateway.dialects.event_stream import encode_frame
from gateway.dialects.faults import ToldFault
from gateway.dialects.json_values import list_or_empty, object_or_none

_Open = Literal["", "text", "reasoning", "call", "whole"]


class ConverseStreamWriter:
    """See `gateway.dialects.StreamWriter`. The usage is told in any case."""

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
            self._started = True
            return _frame("messageStart", {"role": "assistant"})
        if not self._started:
            raise ValueError("a stream begins with ResponseStarted")
        if isinstance(event, Finished):
            self._end = (event, toolgate)
            return self._last_blocks()
        if isinstance(event, UsageReported):
            return self._last(own_fields(event.dialect, event.raw) or write_usage(event.usage), toolgate)
        return self._piece(event) if self._order.admits(event) else b""

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """An event of a kind that Amazon's SDKs do not know, and skip."""
        return _frame("toolgate", {"toolgate": fields})

    def heartbeat(self) -> bytes:
        """The same, saying nothing."""
        return _PING

    def error(self, fault: ToldFault) -> bytes:
        """The exception, which ends the stream."""
        return error_frame(fault)

    def done(self) -> bytes:
        """The end, of a stream whose usage nobody knows."""
        return self._last(write_usage(None), None)

    def _piece(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta() | RefusalDelta():
                return self._text(event)
            case ReasoningDelta():
                return self._reasoning(event)
            case ToolCallStarted():
                return self._call_started(event)
            case ToolCallDelta():
                return self._delta({"toolUse": {"input": event.arguments}}) if event.arguments else b""
            case UnknownDelta() if raw := own_fields(event.dialect, event.raw):
                if not event.in_message:
                    return self._delta(raw) if self._open == "text" else b""
                return self._unknown(raw)
            case _:
                return b""

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        self._refused = self._refused or isinstance(event, RefusalDelta)
        return self._switch("text") + self._delta({"text": event.text}) if event.text else b""

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        if event.field == REDACTED:
            if not event.signature:
                return b""
            return (
                self._switch("whole") + self._delta({REASONING: {REDACTED: event.signature}}) + self._close_block()
            )
        written = b""
        if event.text or event.signature:
            written = self._switch("reasoning")
        if event.text:
            written += self._delta({REASONING: {"text": event.text}})
        proof = event.signature if event.field == REASONING else UNPROVEN  # another dialect's is none here
        return written + (self._close_block(proof) if event.signature and proof else b"")

    def _call_started(self, event: ToolCallStarted) -> bytes:
        named = {"toolUseId": event.id, "name": event.name}
        return self._begin("call", {"toolUse": {**own_fields(event.dialect, event.raw), **named}})

    def _unknown(self, raw: Mapping[str, Any]) -> bytes:
        """Blocks that came whole, as far as a stream can tell them."""
        written = b""
        for value in list_or_empty(raw.get("content")):
            kind, inner = next(iter((object_or_none(value) or {"": None}).items()))
            whole = object_or_none(inner) or {}
            match kind:
                case "toolUse":
                    start = {name: field for name, field in whole.items() if name != "input"}
                    given = orjson.dumps(whole.get("input") or {}).decode()
                    written += self._begin("whole", {kind: start}) + self._delta({kind: {"input": given}})
                case "toolResult":
                    start = {name: field for name, field in whole.items() if name != "content"}
                    content = list_or_empty(whole.get("content"))
                    written += self._begin("whole", {kind: start}) + self._delta({kind: content})
                case "image":
                    start = {"format": whole.get("format")}
                    rest = {name: field for name, field in whole.items() if name != "format"}
                    written += self._begin("whole", {kind: start}) + self._delta({kind: rest})
                case _:
                    continue
            written += self._close_block()
        return written

    def _last_blocks(self) -> bytes:
        """What waited for the first call to be complete."""
        return b"".join(map(self._piece, self._order.rest())) + self._close_block()

    def _switch(self, kind: _Open) -> bytes:
        """See that a block of this kind is open; only calls, and what is no text, are told to begin."""
        if self._open == kind and kind != "whole":
            return b""
        closing = self._close_block()
        self._open = kind
        self._index += 1
        return closing

    def _begin(self, kind: _Open, start: Mapping[str, Any]) -> bytes:
        closing = self._close_block()
        self._open = kind
        self._index += 1
        return closing + _frame("contentBlockStart", {"start": start, "contentBlockIndex": self._index})

    def _close_block(self, signature: str = UNPROVEN) -> bytes:
        if not self._open:
            return b""
        last = self._delta({REASONING: {"signature": signature}}) if self._open == "reasoning" else b""
        self._open = ""
        return last + _frame("contentBlockStop", {"contentBlockIndex": self._index})

    def _delta(self, delta: Mapping[str, Any]) -> bytes:
        return _frame("contentBlockDelta", {"delta": delta, "contentBlockIndex": self._index})

    def _last(self, usage: Mapping[str, Any], toolgate: Mapping[str, Any] | None) -> bytes:
        """Why the model stopped and what it used, once."""
        if self._end is None:
            return b""
        (event, earlier), self._end = self._end, None
        raw = dict(own_fields(event.dialect, event.raw))
        about = object_or_none(raw.pop("metadata", None)) or {}
        is_plain = event.reason is FinishReason.STOP
        reason = FinishReason.CONTENT_FILTER if self._refused and is_plain else event.reason
        stop = {**raw, "stopReason": write_stop_reason(reason, raw.get("stopReason"))}
        toolgate = toolgate or earlier
        beside = {} if toolgate is None else {"toolgate": toolgate}
        metadata = {"metrics": NO_METRICS, **about, "usage": usage, **beside}
        return _frame("messageStop", stop) + _frame("metadata", metadata)


def _frame(kind: str, value: Mapping[str, Any]) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, orjson.dumps(value))


_PING = _frame("ping", {})
