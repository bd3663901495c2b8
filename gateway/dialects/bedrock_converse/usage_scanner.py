"""Finds the usage in answers whose bytes pass through."""

from __future__ import annotations

from gateway.conversation import Usage
from gateway.dialects.bedrock_converse.usage import read_usage
from gateway.dialects.event_stream import FrameCutter, decode_frame
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import object_or_none
from gateway.dialects.usage_scanning import object_in

_MARK = b'"usage"'


class ConverseUsageScanner:
    """Looks at one stream; see `gateway.dialects.UsageScanner`. No answer here names its model."""

    __slots__ = ("_cutter", "_is_lost", "model", "usage")

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model: str | None = None
        self._cutter = FrameCutter()
        self._is_lost = False

    def feed(self, chunk: bytes) -> None:
        """Look at the next piece."""
        if self._is_lost:
            return
        try:
            for frame in self._cutter.feed(chunk):
                if _MARK in frame:
                    self._read(frame)
        except WireFormatError:
            self._is_lost = True

    def _read(self, data: bytes) -> None:
        frame = decode_frame(data)
        if frame.headers.get(":event-type") == "metadata":
            self.usage = usage_of(frame.payload) or self.usage


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    usage = object_or_none(object_in(body).get("usage"))
    return None if usage is None else read_usage(usage)
