"""Puts the events of one stream together into the answer that they told.

Above: the tool loop, which needs a whole answer to go on. Below: the vocabulary. Refuses to know: wire formats;
what a dialect does not name is merged by rules that hold for all of them (`merging`), and the dialect finds it
again in the parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.conversation.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    ServedCallEnded,
    ServedCallStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    ToolsListed,
    UnknownDelta,
    UsageReported,
)
from gateway.conversation.merging import merge_into
from gateway.conversation.messages import Message
from gateway.conversation.parts import Part, Reasoning, Refusal, Text, ToolCall, UnknownPart
from gateway.conversation.responses import ModelResponse
from gateway.conversation.source import Source


@dataclass(slots=True)
class _Growing:
    """A run of deltas of one kind: text, a refusal, or reasoning under one name."""

    kind: type[Text] | type[Refusal] | type[Reasoning]
    name: str
    pieces: list[str] = field(default_factory=list[str])
    signature: str | None = None

    def part(self) -> Part:
        text = "".join(self.pieces)
        return Reasoning(text, self.signature, self.name) if self.kind is Reasoning else self.kind(text)


@dataclass(slots=True)
class _GrowingCall:
    """A tool call whose arguments are still coming."""

    started: ToolCallStarted
    arguments: list[str] = field(default_factory=list[str])

    def part(self) -> Part:
        raw, dialect = self.started.raw, self.started.dialect
        source = Source(dialect, raw) if raw or dialect else None
        return ToolCall(self.started.id, self.started.name, "".join(self.arguments), source)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A part that came whole."""

    whole: Part

    def part(self) -> Part:
        return self.whole


@dataclass(slots=True)
class _GrowingUnknown:
    """All the unknown fields of one dialect."""

    dialect: str
    raw: dict[str, Any] = field(default_factory=dict[str, Any])

    def part(self) -> Part:
        return UnknownPart(self.dialect, self.raw)


class ResponseAssembler:
    """Takes the events of one stream, in order; parts stand in the order in which they began."""

    __slots__ = ("_calls", "_finished", "_last", "_parts", "_started", "_unknown", "_usage")

    def __init__(self) -> None:
        self._started: ResponseStarted | None = None
        self._finished: Finished | None = None
        self._usage: UsageReported | None = None
        self._parts: list[_Growing | _GrowingCall | _GrowingUnknown | _Whole] = []
        self._last: _Growing | None = None
        self._calls: dict[int, _GrowingCall] = {}
        self._unknown: dict[str, _GrowingUnknown] = {}

    def add(self, event: StreamEvent) -> None:
        """Take in the next event. Raises ValueError for arguments of a call that has not begun."""
        match event:
            case TextDelta(text=text, source=source) if source is not None:
                self._parts.append(_Whole(Text(text, source)))
                self._last = None
            case TextDelta():
                self._grow(Text, "", event.text)
            case ToolCallDelta():
                self._add_arguments(event)
            case ReasoningDelta():
                self._grow(Reasoning, event.field, event.text, event.signature)
            case RefusalDelta():
                self._grow(Refusal, "", event.text)
            case ToolCallStarted():
                call = self._calls[event.index] = _GrowingCall(event)
                self._parts.append(call)
                self._last = None
            case UnknownDelta():
                self._add_unknown(event)
            case ResponseStarted():
                self._started = event
            case Finished():
                self._finished = event
            case UsageReported():
                self._usage = event
            case ToolsListed() | ServedCallStarted() | ServedCallEnded():
                pass  # told by this gateway, never by a model

    def response(self) -> ModelResponse:
        """The whole answer. Raises ValueError when the events so far do not make one."""
        if self._started is None or self._finished is None:
            raise ValueError("the stream has not told a whole answer: its start or its end is missing")
        dialect, extras = self._started.dialect, self._started.extras
        parts = tuple(part.part() for part in self._parts)
        return ModelResponse(
            id=self._started.id,
            model=self._started.model,
            created=self._started.created,
            message=Message("assistant", parts, origin=self._started.origin),
            finish_reason=self._finished.reason,
            usage=self._usage.usage if self._usage is not None else None,
            extras=extras,
            source=_no_object(dialect) if dialect else None,
        )

    def _grow(
        self,
        kind: type[Text] | type[Refusal] | type[Reasoning],
        name: str,
        text: str,
        signature: str | None = None,
    ) -> None:
        last = self._last
        if last is None or last.kind is not kind or last.name != name or last.signature is not None:
            last = self._last = _Growing(kind, name)
            self._parts.append(last)
        last.pieces.append(text)
        last.signature = signature

    def _add_arguments(self, event: ToolCallDelta) -> None:
        call = self._calls.get(event.index)
        if call is None:
            raise ValueError(f"arguments came for tool call {event.index}, which has not begun")
        call.arguments.append(event.arguments)

    def _add_unknown(self, event: UnknownDelta) -> None:
        if not event.in_message:
            return
        if event.is_part:
            self._parts.append(_GrowingUnknown(event.dialect, dict(event.raw)))
            self._last = None
            return
        unknown = self._unknown.get(event.dialect)
        if unknown is None:
            unknown = self._unknown[event.dialect] = _GrowingUnknown(event.dialect)
            self._parts.append(unknown)
        merge_into(unknown.raw, event.raw)


def _no_object(dialect: str) -> Source:
    """A stream is of a dialect, and of no one object."""
    nothing: Mapping[str, Any] = {}
    return Source(dialect, nothing)
