"""Server-sent events (WHATWG HTML, "Server-sent events"), decoded without I/O."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.hub.jsonrpc import LARGEST_MESSAGE


class EventTooLarge(ValueError):
    """One event is over the limit."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. `id` is the last id seen so far; `retry` the wait before a reconnect, in milliseconds."""

    data: str
    kind: str = "message"
    id: str = ""
    retry: int | None = None


class SseDecoder:
    """Bytes in, events out. Time is linear in the input; an event may have `limit` bytes at most."""

    def __init__(self, limit: int = LARGEST_MESSAGE) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._after_cr = False
        self._data: list[str] = []
        self._size = 0
        self._kind = ""
        self._id = ""
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes; one with an id and no data counts. Raises EventTooLarge."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        first, *rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events: list[ServerSentEvent] = []
        self._partial += first
        for piece in rest:
            line, self._partial = self._partial, bytearray(piece)
            self._check(len(line))
            if event := self._take_line(line.decode("utf-8", "replace")):
                events.append(event)
        self._check(len(self._partial))
        return events

    def _check(self, more: int) -> None:
        if self._size + more > self._limit:
            raise EventTooLarge(f"an event is larger than {self._limit} bytes")

    def _take_line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.removeprefix("\ufeff").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._size += len(line)
        elif name == "event":
            self._kind = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdecimal():
            self._retry = int(value[:9])
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        seen = bool(self._data) or bool(self._id) or self._retry is not None
        event = ServerSentEvent("\n".join(self._data), self._kind or "message", self._id, self._retry)
        self._data, self._size, self._kind = [], 0, ""
        return event if seen else None
