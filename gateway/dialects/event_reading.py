"""What reading a stream is in every dialect: bounds, faults in their place, an end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Generic, Protocol, TypeVar

from gateway.conversation import StreamEvent
from gateway.dialects.faults import UpstreamStreamError, WireFormatError
from gateway.sse import EventTooLarge, ServerSentEvent, SseDecoder

MOST_CALLS = 1024
"""Tool calls in one answer; a model that makes more has lost its way."""

_LARGEST_STREAM = 512 * 1024 * 1024  # bytes; most of a stream is the frames around its text
LARGEST_EVENT = 16 * 1024 * 1024
"""Bytes of one frame; a whole image or file may come in one."""

Frame = TypeVar("Frame")
Frame_co = TypeVar("Frame_co", covariant=True)


class FrameDecoder(Protocol[Frame_co]):
    """Cuts a stream into its frames."""

    def feed(self, chunk: bytes) -> Iterable[Frame_co]:
        """The frames that `chunk` completes. Raises EventTooLarge, WireFormatError."""
        ...


class FrameReader(ABC, Generic[Frame]):
    """What all `gateway.dialects.StreamReader`s share; a dialect says what a frame means, and what an end is.

    `_closed` is set once the answer is whole: what comes after that is not read.
    """

    __slots__ = ("_closed", "_decoder", "_fault", "_left")

    _frame_end: ClassVar[bytes] = b""
    """What the last frame may lack."""

    def __init__(self, decoder: FrameDecoder[Frame]) -> None:
        self._decoder = decoder
        self._closed = False
        self._fault: Exception | None = None
        self._left = _LARGEST_STREAM

    @property
    @abstractmethod
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped."""

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes; a fault waits until those before it have been given."""
        if self._fault is not None:
            raise self._fault
        self._left -= len(chunk)
        if self._left < 0:
            raise WireFormatError(f"it is longer than {_LARGEST_STREAM} bytes")
        events: list[StreamEvent] = []
        try:
            for event in self._decoder.feed(chunk):
                if not self._closed:
                    self._read_event(event, events)
        except EventTooLarge as error:
            self._fault = WireFormatError(str(error))
        except (WireFormatError, UpstreamStreamError) as fault:
            self._fault = fault
        if self._fault is not None and not events:
            raise self._fault
        return events

    def end(self) -> list[StreamEvent]:
        """What was held back. Raises WireFormatError for a stream that broke off."""
        events = self.feed(self._frame_end)
        if self._fault is not None:
            raise self._fault
        if not self._closed:
            if not self.has_finish:
                raise WireFormatError("the stream ended before its answer did")
            self._close(events)
        return events

    @abstractmethod
    def _read_event(self, event: Frame, events: list[StreamEvent]) -> None:
        """Take one frame. Raises WireFormatError, UpstreamStreamError."""

    @abstractmethod
    def _close(self, events: list[StreamEvent]) -> None:
        """Tell the end of an answer that is whole."""


class EventReader(FrameReader[ServerSentEvent]):
    """A reader of server-sent events, or of what `decoder` makes of a stream."""

    __slots__ = ()

    _frame_end = b"\n\n"

    def __init__(self, decoder: FrameDecoder[ServerSentEvent] | None = None) -> None:
        super().__init__(decoder or SseDecoder(LARGEST_EVENT))
