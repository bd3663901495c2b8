"""The stream of an attached container, without I/O: standard output and error, multiplexed in frames.

Above: `sandbox.docker.box`. A frame is one byte for the stream, three of zero, the payload's length in four bytes
(big-endian), and the payload (Docker Engine API, "Attach to a container", stream format).
"""

from __future__ import annotations

_HEADER_BYTES = 8

STDOUT = 1
STDERR = 2
_STREAMS = frozenset({0, STDOUT, STDERR})


class BrokenFrame(Exception):
    """What came is no frame; nothing after it can be understood."""


class FrameSplitter:
    """Takes the stream in pieces of any size, and gives payloads out as they arrive, whole or in part."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._stream = 0
        self._missing = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The payloads in the next bytes, each with its stream, none empty. Raises BrokenFrame."""
        payloads: list[tuple[int, bytes]] = []
        position = 0
        while position < len(data):
            if self._missing == 0:
                position = self._take_header(data, position)
                continue
            payload = data[position : position + self._missing]
            payloads.append((self._stream, payload))
            self._missing -= len(payload)
            position += len(payload)
        return payloads

    def _take_header(self, data: bytes, position: int) -> int:
        """Read what of a header is there; where it ended."""
        end = position + _HEADER_BYTES - len(self._header)
        self._header += data[position:end]
        if len(self._header) == _HEADER_BYTES:
            self._stream = self._header[0]
            if self._stream not in _STREAMS or any(self._header[1:4]):
                raise BrokenFrame(f"the engine sent {bytes(self._header)!r} where a frame should begin")
            self._missing = int.from_bytes(self._header[4:], "big")
            self._header.clear()
        return min(end, len(data))
