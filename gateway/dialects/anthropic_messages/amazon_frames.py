"""Amazon's frames around the events of a stream: each holds one event's data, as base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping

import orjson

from gateway.dialects.anthropic_messages.errors import kind_of
from gateway.dialects.event_stream import EventStreamDecoder, Frame
from gateway.dialects.faults import UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import load_object, text_or_empty
from gateway.dialects.usage_scanning import object_in
from gateway.sse import ServerSentEvent

_STATUSES: Mapping[str, int] = {
    "validationException": 400,
    "modelTimeoutException": 408,
    "modelStreamErrorException": 424,
    "throttlingException": 429,
    "internalServerException": 500,
    "serviceUnavailableException": 503,
}


class FramedEvents:
    """Bytes in, events out; see `gateway.dialects.event_reading.FrameDecoder`."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        self._frames = EventStreamDecoder()

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """The events that `chunk` completes. Raises WireFormatError, UpstreamStreamError."""
        for frame in self._frames.feed(chunk):
            if frame.headers.get(":message-type") in ("exception", "error"):
                raise _error_in(frame)
            if frame.headers.get(":event-type") == "chunk":
                yield ServerSentEvent(_data(frame))


def _data(frame: Frame) -> bytes:
    try:
        return base64.b64decode(text_or_empty(load_object(frame.payload).get("bytes")), validate=True)
    except binascii.Error as error:
        raise WireFormatError("what a frame holds is not base64") from error


def _error_in(frame: Frame) -> UpstreamStreamError:
    """Amazon's exception, in Anthropic's form."""
    kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code", "")
    status = _STATUSES.get(kind, 500)
    message = frame.headers.get(":error-message", "") or text_or_empty(object_in(frame.payload).get("message"))
    told = {"type": "error", "error": {"type": kind_of(status), "message": message or kind}}
    return UpstreamStreamError(orjson.dumps(told), status)
