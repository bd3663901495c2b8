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
    ServedCall,
    ServedCallEnded,
    ServedCallStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolListing,
    ToolResult,
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

    def told_parts(self, transcript: Sequence[Message], *, with_text: bool) -> list[Part]:
        """What a client has been told by the time that `transcript` is all that a run has added."""
        parts: list[Part] = []
        for place, message in enumerate(transcript):
            if message.role == "assistant":
                if with_text and message.text:
                    parts.append(Text(message.text))
                results = _results_after(transcript, place)
                answered = [call for call in message.tool_calls if call.id in results]
                parts += [served for call in answered if (served := self.served(call, results[call.id]))]
        return parts


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
        for part in self._tools.told_parts(_last_round(transcript), with_text=False):
            if isinstance(part, ServedCall) and part.made.id not in self._begun:
                yield from _retold(part)
        self._begun.clear()  # some models number their calls in every answer anew


def retold(parts: Iterable[Part]) -> Iterator[StreamEvent]:
    """What a client had been told, to one that lost it."""
    for part in parts:
        if isinstance(part, ServedCall):
            yield from _retold(part)
        elif isinstance(part, Text):
            yield TextDelta(part.text)


def _retold(served: ServedCall) -> Iterator[StreamEvent]:
    yield ServedCallStarted(replace(served, result=None))
    yield ServedCallEnded(served)


def _results_after(transcript: Sequence[Message], place: int) -> dict[str, ToolResult]:
    """The results of the calls in one message, which stand before the next one of the model's."""
    results: dict[str, ToolResult] = {}
    for message in transcript[place + 1 :]:
        if message.role == "assistant":
            break
        results |= {part.call_id: part for part in message.parts if isinstance(part, ToolResult)}
    return results


def _last_round(transcript: Sequence[Message]) -> Sequence[Message]:
    """The last answer of the model's that had calls, and their results."""
    for place in range(len(transcript) - 1, -1, -1):
        if transcript[place].role == "assistant":
            return transcript[place:]
    return ()
