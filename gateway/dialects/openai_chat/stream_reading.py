"""A provider's stream, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    TextDelta,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.event_reading import EventReader
from gateway.dialects.faults import UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import list_or_empty, load_object, object_or_none, text_or_empty
from gateway.dialects.openai_chat.call_deltas import CallDeltas
from gateway.dialects.openai_chat.content import thoughts_in
from gateway.dialects.openai_chat.finish import read_finish
from gateway.dialects.openai_chat.messages import NAMED, REASONING_FIELDS, tells_something
from gateway.dialects.openai_chat.name import NAME
from gateway.dialects.openai_chat.responses import (
    extras_of,
    first_choice,
    new_response_id,
    raise_error_in,
    read_created,
)
from gateway.dialects.openai_chat.usage import find_usage, read_usage
from gateway.sse import ServerSentEvent

_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "usage"})
_LISTED = frozenset({*NAMED, "content"})


class ChatStreamReader(EventReader):
    """See `gateway.dialects.StreamReader`.

    The end is held back until the stream has ended: some providers repeat `finish_reason`, or give it before the
    last delta, and the usage comes after it.
    """

    __slots__ = ("_calls", "_early", "_finish", "_started", "_thought", "_usage")

    def __init__(self) -> None:
        super().__init__()
        self._calls = CallDeltas()
        self._early: dict[str, Any] = {}
        self._started = False
        self._thought = False
        self._finish: Mapping[str, Any] | None = None
        self._usage: Mapping[str, Any] | None = None

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped."""
        return self._closed or self._finish is not None

    def _read_event(self, event: ServerSentEvent, events: list[StreamEvent]) -> None:
        data = event.data
        if not data:
            return
        if data.startswith(b"[DONE]"):
            self._close(events)
            return
        chunk = load_object(data)
        if event.kind == "error":
            raise UpstreamStreamError(data)
        raise_error_in(chunk, data)
        choice = first_choice(chunk)
        if b'"usage"' in data:
            self._usage = find_usage(chunk) or self._usage
        if choice is not None:
            if not self._started:
                self._start(chunk, events)
            self._read_choice(choice, events)
        elif not self._started:
            self._early |= extras_of(chunk)  # Azure tells of its filters before the answer begins

    def _start(self, chunk: Mapping[str, Any], events: list[StreamEvent]) -> None:
        self._started = True
        identity = text_or_empty(chunk.get("id")) or new_response_id()
        extras = {**self._early, **extras_of(chunk)}
        model = text_or_empty(chunk.get("model"))
        events.append(ResponseStarted(identity, model, read_created(chunk), extras, NAME))

    def _read_choice(self, choice: Mapping[str, Any], events: list[StreamEvent]) -> None:
        delta = object_or_none(choice.get("delta"))
        if delta:
            self._read_delta(delta, events)
        unnamed = {name: value for name, value in choice.items() if name not in _CHOICE and tells_something(value)}
        finish = choice.get("finish_reason")
        if finish:
            self._finish = {**unnamed, "finish_reason": finish}
        elif unnamed:
            events.append(UnknownDelta(NAME, unnamed, in_message=False))

    def _read_delta(self, delta: Mapping[str, Any], events: list[StreamEvent]) -> None:
        content = delta.get("content")
        if len(delta) == 1 and isinstance(content, str):  # nearly all there are
            if content:
                events.append(TextDelta(content))
            return
        self._read_reasoning(delta, events)
        if content:
            _read_content(content, events)
        if refusal := text_or_empty(delta.get("refusal")):
            events.append(RefusalDelta(refusal))
        if calls := list_or_empty(delta.get("tool_calls")):
            self._calls.read(calls, events)
        unnamed = {name: value for name, value in delta.items() if name not in _LISTED and tells_something(value)}
        if unnamed:
            events.append(UnknownDelta(NAME, unnamed))

    def _read_reasoning(self, delta: Mapping[str, Any], events: list[StreamEvent]) -> None:
        """Reasoning; one empty piece is told too, because providers may want even an empty field back."""
        for name in REASONING_FIELDS:
            text = delta.get(name)
            if isinstance(text, str) and (text or not self._thought):
                self._thought = True
                events.append(ReasoningDelta(text, name))

    def _close(self, events: list[StreamEvent]) -> None:
        if not self._started:
            raise WireFormatError("the stream ended without an answer")
        self._closed = True
        self._calls.close(events)
        finish = self._finish or {}
        reason = read_finish(finish.get("finish_reason"), has_calls=self._calls.count > 0)
        events.append(Finished(reason, finish, NAME))
        if self._usage is not None:
            events.append(UsageReported(read_usage(self._usage), self._usage, NAME))


def _read_content(content: Any, events: list[StreamEvent]) -> None:
    """Mistral gives thoughts as parts of the content; what is neither text nor thought goes back as it came."""
    if isinstance(content, str):
        events.append(TextDelta(content))
    for value in list_or_empty(content):
        part = object_or_none(value)
        if part is not None and part.get("type") == "text":
            events.append(TextDelta(text_or_empty(part.get("text"))))
        elif part is not None and part.get("type") == "thinking" and (thoughts := thoughts_in(part)):
            events.append(ReasoningDelta(thoughts, "thinking"))
        elif part is not None:
            events.append(UnknownDelta(NAME, {"content": [part]}))
