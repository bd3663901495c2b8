"""A provider's stream, chunk by chunk, each of which is an answer in small.

Nothing marks a stream's end: a reason to finish may stand in any chunk, and older models give one in each. So the
answer ends with the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import (
    Finished,
    Reasoning,
    ReasoningDelta,
    ResponseStarted,
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
from gateway.dialects.event_reading import MOST_CALLS, EventReader
from gateway.dialects.faults import WireFormatError
from gateway.dialects.gemini.errors import raise_error_in
from gateway.dialects.gemini.fields import field, without
from gateway.dialects.gemini.name import NAME, new_call_id
from gateway.dialects.gemini.partial_arguments import PartialArguments
from gateway.dialects.gemini.parts import arguments_text, parts_of, read_answer, read_call
from gateway.dialects.gemini.responses import (
    check_end,
    extras_of,
    first_candidate,
    new_response_id,
    read_created,
    reason_of,
)
from gateway.dialects.gemini.usage import read_usage
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty
from gateway.sse import ServerSentEvent


class GeminiStreamReader(EventReader):
    """See `gateway.dialects.StreamReader`."""

    __slots__ = ("_calls", "_candidate", "_feedback", "_growing", "_says_something", "_started", "_usage")

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0
        self._candidate: dict[str, Any] = {}
        self._feedback: Mapping[str, Any] = {}
        self._growing: PartialArguments | None = None
        self._says_something = False
        self._started = False
        self._usage: dict[str, Any] = {}

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped."""
        return self._closed or bool(field(self._candidate, "finishReason")) or bool(self._feedback)

    def _read_event(self, event: ServerSentEvent, events: list[StreamEvent]) -> None:
        if not event.data.strip():
            return
        raw = load_object(event.data)
        raise_error_in(raw, event.data)
        self._start(raw, events)
        self._usage |= object_or_none(field(raw, "usageMetadata")) or {}
        candidate = first_candidate(raw)
        if candidate is None:
            feedback = object_or_none(field(raw, "promptFeedback")) or {}
            self._feedback = feedback if field(feedback, "blockReason") else self._feedback
            return
        for part in parts_of(object_or_none(candidate.get("content")) or {}):
            self._read_part(part, events)
        beside = without(candidate, "content", "index")
        self._candidate |= {name: value for name, value in beside.items() if value is not None}

    def _start(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        if self._started:
            return
        self._started = True
        identity = text_or_empty(field(raw, "responseId")) or new_response_id()
        model = text_or_empty(field(raw, "modelVersion"))
        events.append(ResponseStarted(identity, model, read_created(raw), extras_of(raw), NAME))

    def _read_part(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        call = object_or_none(field(raw, "functionCall"))
        if call is not None and (self._growing or field(call, "willContinue") or field(call, "partialArgs")):
            self._read_piece(raw, call, events)
            return
        for part in read_answer([raw]):
            match part:
                case Text(text=text, source=source):
                    self._says_something = self._says_something or bool(text)
                    if text or source is not None:
                        events.append(TextDelta(text, source))
                case Reasoning(text=text, signature=signature, name=name):
                    events.append(ReasoningDelta(text, name, signature))
                case ToolCall():
                    self._begin(part, events)
                    events.append(ToolCallDelta(self._calls - 1, part.arguments))
                case UnknownPart(raw=unnamed):
                    self._says_something = True
                    events.append(UnknownDelta(NAME, unnamed, is_part=True))
                case _:
                    pass

    def _begin(self, call: ToolCall, events: list[StreamEvent]) -> None:
        if self._calls >= MOST_CALLS:
            raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
        self._says_something = True
        events.append(ToolCallStarted.of(call, self._calls))
        self._calls += 1

    def _read_piece(self, raw: Mapping[str, Any], call: Mapping[str, Any], events: list[StreamEvent]) -> None:
        """A call in pieces: the first names it, and the last does not say that it will continue."""
        if self._growing is not None and text_or_empty(call.get("name")):
            self._end_call(events)  # whose last piece has not come
        if self._growing is None:
            self._begin(read_call(raw, call, new_call_id), events)
            self._growing = PartialArguments()
            self._growing.value |= object_or_none(call.get("args")) or {}
        self._growing.add(field(call, "partialArgs"))
        if field(call, "willContinue") is not True:
            self._end_call(events)

    def _end_call(self, events: list[StreamEvent]) -> None:
        if self._growing is not None:
            events.append(ToolCallDelta(self._calls - 1, arguments_text(self._growing.value)))
            self._growing = None

    def _close(self, events: list[StreamEvent]) -> None:
        if not self._started:
            raise WireFormatError("the stream ended without an answer")
        self._end_call(events)
        self._closed = True
        check_end(self._candidate, says_something=self._says_something)
        feedback = {"promptFeedback": self._feedback} if self._feedback else {}
        reason = reason_of(feedback, self._candidate, has_calls=self._calls > 0)
        events.append(Finished(reason, self._candidate, NAME))
        if self._usage:
            events.append(UsageReported(read_usage(self._usage), self._usage, NAME))
