"""Which events of a run's rounds leave as the one stream that the client sees.

Text, reasoning and refusals leave as they come. Of tool calls, only those to the client's own tools do, with
indexes of their own. Each round's start, end and usage stay inside: the run has one of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.conversation import (
    Finished,
    FinishReason,
    ModelResponse,
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
    Usage,
    UsageReported,
)
from gateway.tool_loop.actions import ROUND_SEPARATOR
from gateway.tool_loop.shown_calls import retold
from gateway.tool_loop.told_parts import Telling, Told


class StreamFilter:
    """The filter of one run. Words that `telling` holds back, but for the last round's, leave at the run's end.

    `usage_of_run` says whether the usage that leaves is that of all rounds, or of the last one.
    """

    def __init__(
        self,
        response_id: str,
        client_tools: frozenset[str],
        telling: Telling,
        *,
        usage_of_run: bool = True,
    ) -> None:
        self._response_id = response_id
        self._client_tools = client_tools
        self._telling = telling
        self._usage_of_run = usage_of_run
        self._held: list[StreamEvent] = []
        self._rounds = 0
        self._end: Finished | None = None
        self._usage: UsageReported | None = None
        self._started = False
        self._separator_due = False
        self._closing = False
        self._client_indexes: dict[int, int] = {}
        self._client_calls = 0

    def between_rounds(self) -> Iterator[StreamEvent]:
        """What sets the next round apart from those before, where that is more than a blank line."""
        round_break = self._telling.round_break
        if round_break is not None and self._rounds:
            if self._separator_due:
                self._separator_due = False
                yield TextDelta(ROUND_SEPARATOR)
            yield UnknownDelta(round_break.dialect, round_break.raw, is_part=True)

    def begin_round(self, *, closing: bool) -> None:
        """The next events are another round's. In a closing round no tool call leaves."""
        self._closing = closing
        self._rounds += 1
        self.begin_anew()

    def begin_anew(self) -> None:
        """The next events are the same round's as those since its beginning, of which none has left."""
        self._held.clear()
        self._client_indexes.clear()
        self._end = self._usage = None

    def started(self, model: str, created: int, event: ResponseStarted | None = None) -> Iterator[StreamEvent]:
        """The run's own first event, once."""
        if not self._started:
            self._started = True
            first = event or ResponseStarted("", model, created)
            yield replace(first, id=self._response_id)
            yield from (ToolsListed(listing) for listing in self._telling.shown.listings)

    def resumed(self, told: Told, rounds: int) -> Iterator[StreamEvent]:
        """What an earlier attempt at this run had already answered, in so many rounds."""
        self._rounds = rounds
        self._separator_due = told.separator_due
        yield from retold(told.parts)

    def outgoing(self, event: StreamEvent) -> Iterator[StreamEvent]:
        """The events that leave because of this one."""
        match event:
            case ResponseStarted():
                yield from self.started(event.model, event.created, event)
            case TextDelta() | RefusalDelta() | UnknownDelta() if self._telling.holds_words:
                self._held.append(event)
            case TextDelta():
                yield from self._text(event)
            case ReasoningDelta() if self._rounds > 1 and event.signature is not None:
                yield from self._without_proof(event)
            case ReasoningDelta() | RefusalDelta() | UnknownDelta():
                yield event
            case ToolCallStarted():
                yield from self._call_started(event)
            case ToolCallDelta():
                if event.index in self._client_indexes:
                    yield ToolCallDelta(self._client_indexes[event.index], event.arguments)
            case ToolsListed() | ServedCallStarted() | ServedCallEnded():
                yield event
            case Finished():
                self._end = event
            case UsageReported():
                self._usage = event

    def end_round(self, response: ModelResponse) -> None:
        """The round is complete. Texts of two rounds are set apart, unless calls are shown between them."""
        has_said = bool(response.message.text) and not self._telling.holds_words
        self._separator_due = (self._separator_due or has_said) and self._telling.separates(response.message)

    def ended(self, reason: FinishReason, usage: Usage | None) -> Iterator[StreamEvent]:
        """What was held, and the run's own end; that of its only round as it came, if there was no other."""
        yield from self._held
        self._held.clear()
        end = self._end if self._rounds == 1 else None
        reported = self._usage if self._rounds == 1 or not self._usage_of_run else None
        yield end if end is not None and end.reason == reason else Finished(reason)
        if usage is not None:
            yield reported or UsageReported(usage)

    def _without_proof(self, event: ReasoningDelta) -> Iterator[StreamEvent]:
        """Proofs hold behind what the model had seen by then, of which the client will know only the beginning."""
        if event.text:
            yield replace(event, signature=None)

    def _text(self, event: TextDelta) -> Iterator[StreamEvent]:
        if self._separator_due and event.text:
            self._separator_due = False
            yield TextDelta(ROUND_SEPARATOR)
        yield event

    def _call_started(self, event: ToolCallStarted) -> Iterator[StreamEvent]:
        if self._closing or event.name not in self._client_tools:
            return
        self._client_indexes[event.index] = self._client_calls
        yield replace(event, index=self._client_calls)
        self._client_calls += 1
