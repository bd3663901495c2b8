"""A provider's stream, line by line."""

from __future__ import annotations

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
from gateway.dialects.event_reading import MOST_CALLS, FrameReader
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_lines import JsonLines
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty
from gateway.dialects.ollama.done_reasons import read_done_reason
from gateway.dialects.ollama.errors import raise_error_in
from gateway.dialects.ollama.messages import read_calls, unnamed_fields
from gateway.dialects.ollama.name import NAME, THINKING
from gateway.dialects.ollama.responses import extras_of, place_of, read_created, response_id
from gateway.dialects.ollama.usage import COUNTS, find_usage


class OllamaStreamReader(FrameReader[bytes]):
    """See `gateway.dialects.StreamReader`. A line that says `done` is the last."""

    __slots__ = ("_calls", "_place", "_started")

    _frame_end = b"\n"

    def __init__(self) -> None:
        super().__init__(JsonLines())
        self._calls = 0
        self._place = ""
        self._started = False

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped."""
        return self._closed

    def _read_event(self, event: bytes, events: list[StreamEvent]) -> None:
        raw = load_object(event)
        raise_error_in(raw, event)
        if not self._started:
            self._start(raw, events)
        self._read_message(object_or_none(raw.get("message")) or {}, events)
        if raw.get("done") is True:
            self._finish(raw, events)
        elif raw.get("logprobs"):
            events.append(UnknownDelta(NAME, {"logprobs": raw["logprobs"]}, in_message=False))

    def _start(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        self._started = True
        self._place = place_of(raw)
        extras = {} if raw.get("done") is True else extras_of(raw)
        extras.pop("logprobs", None)
        model = text_or_empty(raw.get("model"))
        events.append(ResponseStarted(response_id(raw), model, read_created(raw), extras, NAME))

    def _read_message(self, message: Mapping[str, Any], events: list[StreamEvent]) -> None:
        if thoughts := text_or_empty(message.get(THINKING)):
            events.append(ReasoningDelta(thoughts, THINKING))
        if text := text_or_empty(message.get("content")):
            events.append(TextDelta(text))
        for call in read_calls(message.get("tool_calls"), self._place, self._calls):
            if self._calls >= MOST_CALLS:
                raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
            events.append(ToolCallStarted.of(call, self._calls))
            events.append(ToolCallDelta(self._calls, call.arguments))
            self._calls += 1
        if unnamed := unnamed_fields(message):
            events.append(UnknownDelta(NAME, unnamed))

    def _finish(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        self._closed = True
        reason = read_done_reason(raw.get("done_reason"), has_calls=self._calls > 0)
        about = {**extras_of(raw), "done_reason": raw.get("done_reason")}
        events.append(Finished(reason, about, NAME))
        usage = find_usage(raw)
        if usage is not None:
            counted = {name: raw[name] for name in COUNTS if name in raw}
            events.append(UsageReported(usage, counted, NAME))

    def _close(self, events: list[StreamEvent]) -> None:
        """Nothing is held back: without its last line a stream has broken off."""
