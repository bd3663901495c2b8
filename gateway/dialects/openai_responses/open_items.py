"""The items of a stream that is read: which have begun, and what has been told of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.conversation import (
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UnknownPart,
)
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.openai_responses.calls import CUSTOM, FUNCTION, is_call, read_call
from gateway.dialects.openai_responses.content import read_content
from gateway.dialects.openai_responses.freeform import CLOSING, OPENING, escaped
from gateway.dialects.openai_responses.items import is_to_be_set_apart, message_fields
from gateway.dialects.openai_responses.name import NAME, SEPARATOR
from gateway.dialects.openai_responses.proofs import read_reasoning


@dataclass(slots=True)
class ReadItem:
    """One item. `number` tells calls apart; `separator_due` says of a message that it is to be set apart from one
    before, and `last_said` is the end of what it says.
    """

    raw: Mapping[str, Any]
    number: int = -1
    has_told: bool = False
    separator_due: bool = False
    last_said: str = ""

    @property
    def kind(self) -> str:
        return text_or_empty(self.raw.get("type"))

    def say(self, text: str, events: list[StreamEvent]) -> None:
        """Tell a piece of a message's text."""
        if self.separator_due:
            self.separator_due = False
            events.append(TextDelta(SEPARATOR))
        self.has_told = True
        self.last_said = (self.last_said + text)[-len(SEPARATOR) :]
        events.append(TextDelta(text))

    def encoded(self, piece: str) -> str:
        """A piece of what is asked for, as a piece of JSON; the first one begins it."""
        if self.kind != CUSTOM:
            return piece
        return escaped(piece) if self.has_told else OPENING + escaped(piece)


class ReadItems:
    """All of them, by their place in the output."""

    __slots__ = ("_by_place", "_last_said", "calls")

    def __init__(self) -> None:
        self._by_place: dict[Any, ReadItem] = {}
        self._last_said = ""
        self.calls = 0

    def get(self, event: Mapping[str, Any]) -> ReadItem | None:
        """The item that an event is about, if it has begun and not ended."""
        return self._by_place.get(_place(event))

    def begin(self, event: Mapping[str, Any], events: list[StreamEvent]) -> None:
        """Take the beginning of an item."""
        item = self._by_place[_place(event)] = ReadItem(object_or_none(event.get("item")) or {})
        if item.kind == "message":
            self._begin_message(item, events)
        elif item.kind == "reasoning":
            opened = {"id": item.raw.get("id")}
            events.append(UnknownDelta(NAME, {"reasoning": opened}, in_message=False))
        elif item.kind in (FUNCTION, CUSTOM):
            self._begin_call(item, read_call(item.raw), events)
        elif not is_call(item.raw):
            events.append(UnknownDelta(NAME, {"event": event}, in_message=False))

    def end(self, event: Mapping[str, Any], events: list[StreamEvent]) -> None:
        """Take a whole item, of which as much is told as has not been."""
        raw = object_or_none(event.get("item")) or {}
        if _place(event) not in self._by_place:
            self.begin({**event, "type": "response.output_item.added"}, events)
        item = self._by_place.pop(_place(event))
        match item.kind:
            case "message":
                self._end_message(item, raw, events)
            case "reasoning":
                _end_reasoning(item, raw, events)
            case "function_call" | "custom_tool_call":
                _end_call(item, read_call(raw), events)
            case _:
                self._end_other(item, raw, events)

    def end_all(self, events: list[StreamEvent]) -> None:
        """End the items that the provider has not ended."""
        for item in self._by_place.values():
            if item.kind == CUSTOM:
                _end_call(item, read_call(item.raw), events)
        self._by_place.clear()

    def _begin_message(self, item: ReadItem, events: list[StreamEvent]) -> None:
        item.separator_due = is_to_be_set_apart(self._last_said)
        events.append(UnknownDelta(NAME, {"message": message_fields(item.raw)}, is_part=True))

    def _end_message(self, item: ReadItem, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        parts = read_content(raw.get("content"))
        has_told = item.has_told
        for part in parts:
            if not has_told:
                if isinstance(part, Text):
                    item.say(part.text, events)
                elif isinstance(part, Refusal):
                    events.append(RefusalDelta(part.text))
            if isinstance(part, UnknownPart) and list_or_empty(part.raw.get("content")):
                events.append(UnknownDelta(NAME, part.raw, is_part=True))
        self._last_said = item.last_said or self._last_said

    def _begin_call(self, item: ReadItem, call: ToolCall, events: list[StreamEvent]) -> None:
        if self.calls >= MOST_CALLS:
            raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
        item.number = self.calls
        self.calls += 1
        events.append(ToolCallStarted.of(call, item.number))

    def _end_other(self, item: ReadItem, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        """A call of another kind, all at once; or an item that the vocabulary does not name."""
        if is_call(raw):
            call = read_call(raw)
            self._begin_call(item, call, events)
            events.append(ToolCallDelta(item.number, call.arguments))
        else:
            events.append(UnknownDelta(NAME, {"item": raw}, is_part=True))


def _end_call(item: ReadItem, call: ToolCall, events: list[StreamEvent]) -> None:
    if item.kind != CUSTOM:
        if not item.has_told and call.arguments:
            events.append(ToolCallDelta(item.number, call.arguments))
    elif item.has_told:
        events.append(ToolCallDelta(item.number, CLOSING))
    else:
        events.append(ToolCallDelta(item.number, call.arguments))


def _end_reasoning(item: ReadItem, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
    """The proof of what was thought; and the thoughts, if they have not been told."""
    for thought in read_reasoning(raw):
        text = "" if item.has_told else thought.text
        if text or thought.signature is not None:
            events.append(ReasoningDelta(text, thought.name, thought.signature))


def _place(event: Mapping[str, Any]) -> Any:
    index = event.get("output_index")
    if isinstance(index, int):
        return index
    return text_or_empty(event.get("item_id")) or text_or_empty(
        (object_or_none(event.get("item")) or {}).get("id")
    )
