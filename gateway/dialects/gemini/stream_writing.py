"""A stream for a client.

Each chunk is an answer in small. A call stands in one chunk, whole: calls wait until the answer's end, and then
leave in their order. Google's SDKs know no comments in a stream, so that signs of life are chunks as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.conversation import (
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    Source,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UnknownPart,
    UsageReported,
)
from gateway.dialects.faults import ToldFault
from gateway.dialects.gemini.errors import write_error
from gateway.dialects.gemini.fields import field, without
from gateway.dialects.gemini.finish_reasons import write_finish
from gateway.dialects.gemini.name import own_fields
from gateway.dialects.gemini.part_writing import answer_parts, write_said, write_thought
from gateway.dialects.gemini.usage import write_usage
from gateway.sse import encode_event

_HEARTBEAT = b'data: {"candidates":[]}\n\n'


class GeminiStreamWriter:
    """See `gateway.dialects.StreamWriter`. Whether the client asked for the usage does not matter here."""

    __slots__ = ("_arguments", "_calls", "_end", "_extras", "_head", "_refused")

    def __init__(self) -> None:
        self._head: dict[str, Any] | None = None
        self._extras: Mapping[str, Any] = {}
        self._calls: dict[int, ToolCallStarted] = {}
        self._arguments: dict[int, list[str]] = {}
        self._refused = False
        self._end: tuple[Finished, Mapping[str, Any] | None] | None = None

    def write(self, event: StreamEvent, *, toolgate: Mapping[str, Any] | None = None) -> bytes:
        """One event as a chunk, or as none. Raises ValueError before the answer has started."""
        if isinstance(event, ResponseStarted):
            self._head = {"modelVersion": event.model, "responseId": event.id}
            self._extras = own_fields(event.dialect, event.extras)
            return b""
        if self._head is None:
            raise ValueError("a stream begins with ResponseStarted")
        match event:
            case ToolCallStarted():
                self._calls[event.index] = event
            case ToolCallDelta():
                self._arguments.setdefault(event.index, []).append(event.arguments)
            case Finished():
                self._end = (event, toolgate)
                return self._chunk(self._whole_calls())
            case UsageReported():
                return self._last(own_fields(event.dialect, event.raw) or write_usage(event.usage), toolgate)
            case _:
                return self._chunk(self._said(event))
        return b""

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """A chunk of no candidate with more in it than usual."""
        return encode_event(orjson.dumps({"candidates": [], "toolgate": fields}))

    def heartbeat(self) -> bytes:
        """A chunk that says nothing."""
        return _HEARTBEAT

    def error(self, fault: ToldFault) -> bytes:
        """The error as a chunk, by whose first field Google's SDKs know it."""
        return encode_event(orjson.dumps(write_error(fault)))

    def done(self) -> bytes:
        """The end: there is none but the connection's."""
        return self._last(None, None)

    def _said(self, event: StreamEvent) -> Sequence[Mapping[str, Any]]:
        match event:
            case TextDelta():
                return write_said(Text(event.text, event.source))
            case RefusalDelta():
                self._refused = True
                return write_said(Text(event.text))
            case ReasoningDelta() if event.text or event.signature:
                return [write_thought(event.text, event.signature, event.field)]
            case UnknownDelta() if event.in_message:
                return write_said(UnknownPart(event.dialect, event.raw))
            case _:
                return []

    def _whole_calls(self) -> list[Mapping[str, Any]]:
        calls: list[ToolCall] = []
        for index, started in sorted(self._calls.items()):
            source = Source(started.dialect, started.raw) if started.raw or started.dialect else None
            calls.append(ToolCall(started.id, started.name, "".join(self._arguments.get(index, ())), source))
        return answer_parts(calls)

    def _chunk(self, parts: Sequence[Mapping[str, Any]]) -> bytes:
        if not parts:
            return b""
        return self._framed({"content": {"parts": parts, "role": "model"}, "index": 0}, {})

    def _framed(self, candidate: Mapping[str, Any], beside: Mapping[str, Any]) -> bytes:
        extras, self._extras = self._extras, {}
        told = {"candidates": [candidate], **beside, **(self._head or {}), **extras}
        return encode_event(orjson.dumps(told))

    def _last(self, usage: Mapping[str, Any] | None, toolgate: Mapping[str, Any] | None) -> bytes:
        """Why the model stopped and what it used, in one chunk, once."""
        if self._end is None:
            return b""
        (event, told), self._end = self._end, None
        raw = own_fields(event.dialect, event.raw)
        is_plain = event.reason is FinishReason.STOP
        reason = FinishReason.CONTENT_FILTER if self._refused and is_plain else event.reason
        candidate = {
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": write_finish(reason, field(raw, "finishReason")),
            "index": 0,
            **without(raw, "finishReason"),
        }
        beside: dict[str, Any] = {} if usage is None else {"usageMetadata": usage}
        toolgate = toolgate or told
        return self._framed(candidate, beside if toolgate is None else {**beside, "toolgate": toolgate})
