"""A provider's stream, event by event.

Each event names the item that it is about; items may come interleaved. Items of kinds that the vocabulary does not
name, and all that is told about them, pass on as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    ToolCallDelta,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.event_reading import EventReader
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import can_be_written, load_object, object_or_none, text_or_empty
from gateway.dialects.openai_responses.errors import told_error
from gateway.dialects.openai_responses.name import NAME, SEPARATOR, SUMMARY, THOUGHT
from gateway.dialects.openai_responses.open_items import ReadItem, ReadItems
from gateway.dialects.openai_responses.responses import extras_of, new_response_id, read_created
from gateway.dialects.openai_responses.status import read_finish
from gateway.dialects.openai_responses.usage import read_usage
from gateway.sse import ServerSentEvent

_MANY = 200
"""Brackets in one event: with fewer it is not nested so deeply that it could not be written again."""
_STARTS = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.cancelled"})
_REPEATS = frozenset(
    {
        *("response.content_part.added", "response.content_part.done", "response.output_text.done"),
        *("response.refusal.done", "response.function_call_arguments.done", "response.reasoning_text.done"),
        *("response.custom_tool_call_input.done", "response.reasoning_summary_part.done", "keepalive"),
        *("response.reasoning_summary_text.done",),
    }
)
"""Events that say again what others have said, or will."""


class ResponsesStreamReader(EventReader):
    """See `gateway.dialects.StreamReader`."""

    __slots__ = ("_items", "_started")

    def __init__(self) -> None:
        super().__init__()
        self._items = ReadItems()
        self._started = False

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped: the last event says it."""
        return self._closed

    def _read_event(self, event: ServerSentEvent, events: list[StreamEvent]) -> None:
        if not event.data or event.data.startswith(b"[DONE]"):
            return
        raw = load_object(event.data)
        kind = text_or_empty(raw.get("type")) or event.kind
        if kind in _REPEATS:
            return
        if event.data.count(b"{") + event.data.count(b"[") > _MANY and not can_be_written(raw):
            raise WireFormatError("a part of the answer is nested too deeply")
        if kind in _STARTS:
            self._start(object_or_none(raw.get("response")) or {}, events)
        elif kind in _ENDS:
            self._finish(object_or_none(raw.get("response")) or {}, events)
        elif kind == "response.failed":
            raise told_error(object_or_none(raw.get("response")) or {})
        elif kind == "error" or (raw.get("error") and "item_id" not in raw):
            raise told_error(raw)
        else:
            self._read_piece(kind, raw, events)

    def _start(self, response: Mapping[str, Any], events: list[StreamEvent]) -> None:
        if self._started:
            return
        self._started = True
        identity = text_or_empty(response.get("id")) or new_response_id()
        model = text_or_empty(response.get("model"))
        events.append(ResponseStarted(identity, model, read_created(response), extras_of(response), NAME))

    def _finish(self, response: Mapping[str, Any], events: list[StreamEvent]) -> None:
        if not self._started:
            self._start(response, events)
        self._closed = True
        self._items.end_all(events)
        ended = {
            **extras_of(response),
            "status": response.get("status"),
            "incomplete_details": response.get("incomplete_details"),
        }
        events.append(Finished(read_finish(response, has_calls=self._items.calls > 0), ended, NAME))
        usage = object_or_none(response.get("usage"))
        if usage is not None:
            events.append(UsageReported(read_usage(usage), usage, NAME))

    def _close(self, events: list[StreamEvent]) -> None:
        """Never called: there is no end without the event that says so."""
        raise WireFormatError("the stream ended before its answer did")

    def _read_piece(self, kind: str, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        if not self._started:
            raise WireFormatError("a part of the answer came before its start")
        item = self._items.get(raw)
        match kind:
            case "response.output_text.delta":
                _read_text(raw, item, events)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                _read_arguments(text_or_empty(raw.get("delta")), item, events)
            case "response.output_item.added":
                self._items.begin(raw, events)
            case "response.output_item.done":
                self._items.end(raw, events)
            case "response.refusal.delta":
                _told(item).has_told = True
                events.append(RefusalDelta(text_or_empty(raw.get("delta"))))
            case "response.reasoning_summary_part.added":
                _begin_part_of_summary(raw, item, events)
            case "response.reasoning_summary_text.delta":
                _read_thought(raw, SUMMARY, item, events)
            case "response.reasoning_text.delta":
                _read_thought(raw, THOUGHT, item, events)
            case "response.output_text.annotation.added":
                events.append(UnknownDelta(NAME, {"annotation": raw.get("annotation")}, in_message=False))
            case _:
                events.append(UnknownDelta(NAME, {"event": raw}, in_message=False))


def _told(item: ReadItem | None) -> ReadItem:
    if item is None:
        raise WireFormatError("a piece came of a part that has not begun")
    return item


def _read_text(raw: Mapping[str, Any], item: ReadItem | None, events: list[StreamEvent]) -> None:
    text = text_or_empty(raw.get("delta"))
    if not text:
        return
    if raw.get("logprobs"):
        events.append(UnknownDelta(NAME, {"logprobs": raw["logprobs"]}, in_message=False))
    _told(item).say(text, events)


def _begin_part_of_summary(raw: Mapping[str, Any], item: ReadItem | None, events: list[StreamEvent]) -> None:
    if raw.get("summary_index") and item is not None and item.has_told:
        events.append(UnknownDelta(NAME, {"summary_part": True}, in_message=False))
        events.append(ReasoningDelta(SEPARATOR, SUMMARY))


def _read_thought(raw: Mapping[str, Any], name: str, item: ReadItem | None, events: list[StreamEvent]) -> None:
    if text := text_or_empty(raw.get("delta")):
        _told(item).has_told = True
        events.append(ReasoningDelta(text, name))


def _read_arguments(piece: str, item: ReadItem | None, events: list[StreamEvent]) -> None:
    if piece:
        item = _told(item)
        if item.number < 0:
            raise WireFormatError("arguments came for a part that is no call")
        events.append(ToolCallDelta(item.number, item.encoded(piece)))
        item.has_told = True
