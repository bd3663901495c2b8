"""Puts the pieces of a streamed answer into the order of dialects that tell one call after the other.

Above: the stream writers of Messages, Converse and Cohere. Below: `gateway.conversation`.
"""

from __future__ import annotations

from collections.abc import Generator

from gateway.conversation import StreamEvent, ToolCallDelta, ToolCallStarted


class CallOrder:
    """Pieces of several calls may come interleaved from other dialects.

    The first call leaves as it comes; whatever else comes after it has begun waits until the answer's end.
    """

    __slots__ = ("_call", "_waiting")

    def __init__(self) -> None:
        self._call: int | None = None
        self._waiting: list[StreamEvent] = []

    def admits(self, event: StreamEvent) -> bool:
        """Whether this event may leave now; if not, `rest` has it."""
        if self._call is None:
            if isinstance(event, ToolCallStarted):
                self._call = event.index
            return True
        if isinstance(event, ToolCallDelta) and event.index == self._call:
            return True
        self._waiting.append(event)
        return False

    def rest(self) -> Generator[StreamEvent]:
        """What waited: each call whole, with its arguments in one piece, in the order in which all this began."""
        waiting, self._waiting = self._waiting, []
        arguments: dict[int, list[str]] = {}
        for event in waiting:
            if isinstance(event, ToolCallDelta):
                arguments.setdefault(event.index, []).append(event.arguments)
        for event in waiting:
            if not isinstance(event, ToolCallDelta):
                yield event
            if isinstance(event, ToolCallStarted):
                yield ToolCallDelta(event.index, "".join(arguments.get(event.index, ())))
