"""Server-sent events (WHATWG HTML, "Server-sent events"), decoded and encoded without I/O.

Above: the hub reads MCP servers' streams, dialects read and write models' streams. Below: nothing. Refuses to
know: what the data of an event means.
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"

HEARTBEAT = b": keep-alive\n\n"
"""A comment, which every client skips: bytes for proxies that would close a silent connection."""


class EventTooLarge(ValueError):
    """One event is over the limit."""


class ServerSentEvent(NamedTuple):
    """One event. `id` is the last id seen so far; `retry` the wait before a reconnect, in milliseconds.

    `data` is as it came: whether it is UTF-8 is for its reader to see. A tuple: there is one for each chunk.
    """

    data: bytes
    kind: str = "message"
    id: str = ""
    retry: int | None = None


class SseDecoder:
    """Bytes in, events out. Time is linear in the input; an event may have `limit` bytes at most."""

    __slots__ = ("_after_cr", "_at_start", "_id", "_limit", "_partial")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._at_start = True
        self._after_cr = False
        self._id = ""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes; one with an id and no data counts. Raises EventTooLarge."""
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_plain_ends(chunk)
        is_plain = not self._partial and chunk.endswith(b"\n\n")  # as nearly all are
        whole = chunk[:-2] if is_plain else self._take_whole(chunk)
        if not whole:
            return []
        if self._at_start:
            whole = whole.removeprefix(_BOM)
            self._at_start = False
        events: list[ServerSentEvent] = []
        for block in whole.split(b"\n\n"):
            if len(block) > self._limit:
                raise self._too_large()
            if block.startswith(b"data: ") and b"\n" not in block:  # nearly all there are
                events.append(ServerSentEvent(block[6:], "message", self._id))
            elif (event := self._read_block(block)) is not None:
                events.append(event)
        return events

    def _with_plain_ends(self, chunk: bytes) -> bytes:
        """The same lines ended by LF alone; a CR that ended the last chunk may have its LF in this one."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take_whole(self, chunk: bytes) -> bytes:
        """All blocks that are complete, without the empty line at their end; the rest is kept."""
        if not self._partial:
            end = chunk.rfind(b"\n\n")
            if end < 0:
                self._partial += chunk
            elif end + 2 < len(chunk):
                self._partial += chunk[end + 2 :]
            whole = chunk[:end] if end >= 0 else b""
        else:
            seen = len(self._partial) - 1
            self._partial += chunk
            end = self._partial.rfind(b"\n\n", max(seen, 0))
            whole = bytes(self._partial[:end]) if end >= 0 else b""
            if end >= 0:
                del self._partial[: end + 2]
        if len(self._partial) > self._limit:
            self._drop_comments()
        return whole

    def _drop_comments(self) -> None:
        """Some servers keep a connection alive with comment lines that no empty line ever follows."""
        lines = bytes(self._partial).split(b"\n")
        kept = [line for line in lines[:-1] if line and not line.startswith(b":")]
        self._partial = bytearray(b"\n".join([*kept, lines[-1]]))
        if len(self._partial) > self._limit:
            raise self._too_large()

    def _too_large(self) -> EventTooLarge:
        return EventTooLarge(f"an event is larger than {self._limit} bytes")

    def _read_block(self, block: bytes) -> ServerSentEvent | None:
        data: list[bytes] = []
        kind, retry, has_id = "", None, False
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                data.append(value)
            elif name == b"event":
                kind = value.decode("utf-8", "replace")
            elif name == b"id" and b"\0" not in value:
                self._id, has_id = value.decode("utf-8", "replace"), True
            elif name == b"retry" and value.isdigit():
                retry = int(value[:9])
        if not data and not has_id and retry is None:
            return None
        return ServerSentEvent(b"\n".join(data), kind or "message", self._id, retry)


def encode_event(data: bytes, event: str | None = None) -> bytes:
    """One event. `event` must be one line; `data` may be of several, which CR and CRLF end as well as LF."""
    head = b"" if event is None else b"event: %b\n" % event.encode()
    if b"\n" in data or b"\r" in data:
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        data = lines.replace(b"\n", b"\ndata: ")
    return b"%bdata: %b\n\n" % (head, data)
