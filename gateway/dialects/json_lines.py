"""Streams of JSON values, one to a line (`application/x-ndjson`), decoded without I/O."""

from __future__ import annotations

from gateway.dialects.event_reading import LARGEST_EVENT
from gateway.dialects.faults import WireFormatError


class JsonLines:
    """Bytes in, lines out, without empty ones. Time is linear in the input; see `FrameDecoder`."""

    __slots__ = ("_limit", "_pieces", "_size")

    def __init__(self, limit: int = LARGEST_EVENT) -> None:
        """A line may have `limit` bytes at most."""
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes. Raises WireFormatError for one that is too long."""
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._keep(chunk)
            return []
        whole = b"".join((*self._pieces, chunk[:end]))
        self._pieces, self._size = [], 0
        self._keep(chunk[end:])
        lines = [line for line in whole.split(b"\n") if line.strip()]
        if any(len(line) > self._limit for line in lines):
            raise self._too_long()
        return lines

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
        if self._size > self._limit:
            raise self._too_long()

    def _too_long(self) -> WireFormatError:
        return WireFormatError(f"a line is longer than {self._limit} bytes")
