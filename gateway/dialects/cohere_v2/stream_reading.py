"""A provider's stream, event by event."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gateway.conversation import (
    Finished,
    ReasoningDelta,
    ResponseStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.cohere_v2.errors import raise_failure
from gateway.dialects.cohere_v2.finish_reasons import read_finish
from gateway.dialects.cohere_v2.messages import read_call
from gateway.dialects.cohere_v2.name import NAME, PLAN, THINKING
from gateway.dialects.cohere_v2.responses import new_response_id
from gateway.dialects.cohere_v2.usage import read_usage
from gateway.dialects.event_reading import MOST_CALLS, EventReader
from gateway.dialects.faults import UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty
from gateway.sse import ServerSentEvent

_ENDS = frozenset({"content-end", "tool-call-end", "citation-end"})
_STARTED = frozenset({"role", "content", "tool_plan", "tool_calls", "citations"})


class CohereStreamReader(EventReader):
    """See `gateway.dialects.StreamReader`. `message-end` is the last event that counts."""

    __slots__ = ("_calls", "_started")

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[Any, int] = {}
        self._started = False

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped."""
        return self._closed

    def _read_event(self, event: ServerSentEvent, events: list[StreamEvent]) -> None:
        if not event.data or event.data.startswith(b"[DONE]"):
            return
        raw = load_object(event.data)
        kind = text_or_empty(raw.get("type")) or event.kind
        delta = object_or_none(raw.get("delta")) or {}
        if kind == "message-start":
            self._start(raw, delta, events)
        elif not self._started:
            if "message" in raw and "delta" not in raw:
                raise UpstreamStreamError(event.data)
            raise WireFormatError("a part of the answer came before its start")
        elif kind == "message-end":
            self._finish(delta, events)
        elif kind not in _ENDS:
            self._read_piece(kind, raw, object_or_none(delta.get("message")) or {}, events)

    def _start(self, raw: Mapping[str, Any], delta: Mapping[str, Any], events: list[StreamEvent]) -> None:
        self._started = True
        identity = text_or_empty(raw.get("id")) or new_response_id()
        events.append(ResponseStarted(identity, "", int(time.time()), {}, NAME))
        message = object_or_none(delta.get("message")) or {}
        if unnamed := {name: value for name, value in message.items() if name not in _STARTED}:
            events.append(UnknownDelta(NAME, unnamed))

    def _read_piece(
        self, kind: str, raw: Mapping[str, Any], message: Mapping[str, Any], events: list[StreamEvent]
    ) -> None:
        match kind:
            case "content-delta" | "content-start":
                _read_content(object_or_none(message.get("content")) or {}, events)
                if raw.get("logprobs"):
                    events.append(UnknownDelta(NAME, {"logprobs": raw["logprobs"]}, in_message=False))
            case "tool-plan-delta":
                if plan := text_or_empty(message.get(PLAN)):
                    events.append(ReasoningDelta(plan, PLAN))
            case "tool-call-start":
                self._begin_call(raw.get("index"), _call_in(message), events)
            case "tool-call-delta":
                self._add_arguments(raw.get("index"), _call_in(message), events)
            case "citation-start":
                if citation := object_or_none(message.get("citations")):
                    events.append(UnknownDelta(NAME, {"citations": [citation]}))
            case _:
                if not kind.isprintable():
                    raise WireFormatError("an event has a type that none can have")
                events.append(UnknownDelta(NAME, {"event": {**raw, "type": kind}}, in_message=False))

    def _begin_call(self, index: Any, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        number = len(self._calls)
        if number >= MOST_CALLS:
            raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
        self._calls[index if index not in self._calls else object()] = number
        call = read_call(raw)
        events.append(ToolCallStarted.of(call, number))
        if call.arguments:
            events.append(ToolCallDelta(number, call.arguments))

    def _add_arguments(self, index: Any, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        if index not in self._calls:
            raise WireFormatError("a piece came of a tool call that has not begun")
        if piece := text_or_empty((object_or_none(raw.get("function")) or {}).get("arguments")):
            events.append(ToolCallDelta(self._calls[index], piece))

    def _finish(self, delta: Mapping[str, Any], events: list[StreamEvent]) -> None:
        raise_failure(delta.get("finish_reason"), delta.get("error"))
        self._closed = True
        usage = object_or_none(delta.get("usage"))
        about = {name: value for name, value in delta.items() if name != "usage" and value is not None}
        reason = read_finish(delta.get("finish_reason"), has_calls=bool(self._calls))
        events.append(Finished(reason, about, NAME))
        if usage is not None:
            events.append(UsageReported(read_usage(usage), usage, NAME))

    def _close(self, events: list[StreamEvent]) -> None:
        """Nothing is held back: without its last event a stream has broken off."""


def _read_content(content: Mapping[str, Any], events: list[StreamEvent]) -> None:
    if thoughts := text_or_empty(content.get(THINKING)):
        events.append(ReasoningDelta(thoughts, THINKING))
    if text := text_or_empty(content.get("text")):
        events.append(TextDelta(text))


def _call_in(message: Mapping[str, Any]) -> Mapping[str, Any]:
    return object_or_none(message.get("tool_calls")) or {}
