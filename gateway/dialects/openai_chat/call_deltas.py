"""Tool calls within a stream.

OpenAI numbers the calls and gives id and name in the first piece of each. Others leave the number out, give every
call the number 0, repeat the id in each piece, give no id at all, or the whole call at once with its arguments as
an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.conversation import StreamEvent, ToolCallDelta, ToolCallStarted
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import object_or_none, text_or_empty
from gateway.dialects.openai_chat.name import NAME
from gateway.dialects.openai_chat.tool_calls import (
    arguments_in,
    called_in,
    new_call_id,
    unnamed_fields,
)


@dataclass(slots=True)
class _Call:
    """One call. It is told of once its name is known; what comes before that waits."""

    index: int
    id: str = ""
    name: str = ""
    raw: dict[str, Any] = field(default_factory=dict[str, Any])
    waiting: list[str] = field(default_factory=list[str])
    is_told: bool = False


class CallDeltas:
    """The tool calls of one stream."""

    __slots__ = ("_by_number", "_last", "count")

    def __init__(self) -> None:
        self._by_number: dict[int, _Call] = {}
        self._last: _Call | None = None
        self.count = 0

    def read(self, pieces: list[Any], events: list[StreamEvent]) -> None:
        """Take the pieces of one delta."""
        for value in pieces:
            piece = object_or_none(value)
            if piece is not None:
                self._read_piece(piece, events)

    def close(self, events: list[StreamEvent]) -> None:
        """Tell of calls that never got a name: they will be refused by that, not lost."""
        for call in self._by_number.values():
            if not call.is_told:
                _tell(call, events)

    def _read_piece(self, piece: Mapping[str, Any], events: list[StreamEvent]) -> None:
        called = called_in(piece)
        name, identity = text_or_empty(called.get("name")), text_or_empty(piece.get("id"))
        call = self._call_of(piece.get("index"), identity, name)
        arguments = arguments_in(called)
        if not call.is_told:
            call.id = call.id or identity
            call.name = call.name or name
            call.raw |= unnamed_fields(piece)
            call.waiting.append(arguments)
            if call.name:
                _tell(call, events)
        elif arguments:
            events.append(ToolCallDelta(call.index, arguments))

    def _call_of(self, number: Any, identity: str, name: str) -> _Call:
        if not isinstance(number, int):
            number = self._number_of(identity, name)
        call = self._by_number.get(number)
        if self.count > MOST_CALLS:
            raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
        if call is None or (name and identity and call.id and identity != call.id):
            call = self._by_number[number] = _Call(self.count)
            self.count += 1
        self._last = call
        return call

    def _number_of(self, identity: str, name: str) -> int:
        """For a piece without a number: that of the call with its id, a new one, or the last one's."""
        for number, call in self._by_number.items():
            if identity and call.id == identity:
                return number
        if identity or name or self._last is None:
            return max(self._by_number, default=-1) + 1
        return next(number for number, call in self._by_number.items() if call is self._last)


def _tell(call: _Call, events: list[StreamEvent]) -> None:
    call.is_told = True
    call.id = call.id or new_call_id()
    events.append(ToolCallStarted(call.index, call.id, call.name, call.raw, NAME))
    if arguments := "".join(call.waiting):
        events.append(ToolCallDelta(call.index, arguments))
    call.waiting.clear()
