"""Calls to our tools that a client is shown: those of servers that it named itself.

Above: the driver, which tells of them as they happen, and the API, which puts a whole answer together. Below: the
conversation vocabulary. Refuses to know: wire formats, how a request names a server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.conversation import (
    Message,
    Part,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    ServedCall,
    ServedCallEnded,
    ServedCallStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolListing,
    ToolResult,
    UnknownDelta,
    UnknownPart,
)


@dataclass(frozen=True, slots=True)
class ShownTool:
    """How a client knows a tool: by its own word for the server, and a name there."""

    server: str
    name: str


@dataclass(frozen=True, slots=True)
class ShownTools:
    """The tools whose calls are shown, by their names towards models; and what was listed for the client."""

    tools: Mapping[str, ShownTool] = field(default_factory=dict[str, ShownTool])
    listings: tuple[ToolListing, ...] = ()

    def __bool__(self) -> bool:
        """Whether the client named any server."""
        return bool(self.tools or self.listings)

    def served(self, call: ToolCall, result: ToolResult | None = None) -> ServedCall | None:
        """The call as the client is shown it; None for one that it is not shown."""
        shown = self.tools.get(call.name)
        return None if shown is None else ServedCall(replace(call, name=shown.name), shown.server, result)

    def answered(self, transcript: Sequence[Message], place: int) -> Iterator[ServedCall]:
        """The calls in the message at `place` that have results behind it, as the client is shown them."""
        results = results_after(transcript, place)
        for call in transcript[place].tool_calls:
            served = self.served(call, results.get(call.id))
            if served is not None and served.result is not None:
                yield served


class Showing:
    """The calls that one attempt at a run has shown."""

    def __init__(self, tools: ShownTools) -> None:
        self._tools = tools
        self._begun: set[str] = set()

    def began(self, call: ToolCall) -> Iterator[StreamEvent]:
        """The call is about to be made."""
        served = self._tools.served(call)
        if served is not None:
            self._begun.add(call.id)
            yield ServedCallStarted(served)

    def ended(self, call: ToolCall, result: ToolResult) -> Iterator[StreamEvent]:
        """The call has its result."""
        served = self._tools.served(call, result)
        if served is not None:
            yield ServedCallEnded(served)

    def settled(self, transcript: Sequence[Message]) -> Iterator[StreamEvent]:
        """A round is over: what was not told of its calls, because none was made, or in an earlier attempt."""
        for part in self._answered(transcript):
            if part.made.id not in self._begun:
                yield from _retold(part)
        self._begun.clear()  # some models number their calls in every answer anew

    def _answered(self, transcript: Sequence[Message]) -> Iterator[ServedCall]:
        for place in range(len(transcript) - 1, -1, -1):
            if transcript[place].role == "assistant":
                yield from self._tools.answered(transcript, place)
                return


def retold(parts: Iterable[Part]) -> Iterator[StreamEvent]:
    """What a client had been told, to one that lost it."""
    calls = 0
    for part in parts:
        match part:
            case Text():
                yield TextDelta(part.text, part.source)
            case ServedCall():
                yield from _retold(part)
            case Reasoning():
                yield ReasoningDelta(part.text, part.name, part.signature)
            case Refusal():
                yield RefusalDelta(part.text)
            case UnknownPart():
                yield UnknownDelta(part.dialect, part.raw, is_part=True)
            case ToolCall():
                yield ToolCallStarted.of(part, calls)
                yield ToolCallDelta(calls, part.arguments)
                calls += 1
            case _:
                pass


def _retold(served: ServedCall) -> Iterator[StreamEvent]:
    yield ServedCallStarted(replace(served, result=None))
    yield ServedCallEnded(served)


def results_after(transcript: Sequence[Message], place: int) -> dict[str, ToolResult]:
    """The results of the calls in one message, which stand before the next one of the model's."""
    results: dict[str, ToolResult] = {}
    for message in transcript[place + 1 :]:
        if message.role == "assistant":
            break
        results |= {part.call_id: part for part in message.parts if isinstance(part, ToolResult)}
    return results
