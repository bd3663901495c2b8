"""A provider's answer: as bytes, or as the events of a conversation."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio

from gateway.conversation import Finished, ResponseStarted, StreamEvent
from gateway.dialects import Dialect, StreamReader, UpstreamStreamError, WireFormatError
from gateway.errors import UpstreamError
from gateway.providers.failures import SENSELESS, named, protocol_error, refused_in_stream, unreadable
from gateway.providers.http import LARGEST_BODY, HttpAnswer, HttpFault
from gateway.providers.provider import Provider
from gateway.providers.whole_answers import events_of

_LARGEST_UNDECLARED = 16 * 1024 * 1024  # bytes of a whole answer where a stream was asked for
_AFTER_FINISH = 5.0  # seconds
_LARGEST_FIRST = 64 * 1024  # bytes of a stream's beginning that are held until there is a whole frame


class ProviderAnswer:
    """A provider's answer with a status below 400, whose body is still to be read, once."""

    __slots__ = ("_answer", "_beginning", "_chunks", "headers", "provider", "status")

    def __init__(self, provider: Provider, answer: HttpAnswer) -> None:
        self._answer = answer
        self._beginning: bytes | None = None
        self._chunks: AsyncGenerator[bytes] | None = None
        self.provider = provider
        self.status = answer.status
        self.headers = answer.headers

    def is_stream(self, dialect: Dialect) -> bool:
        """True when the body is declared to be a stream of this dialect."""
        return self.headers.get("content-type", "").lower().startswith(dialect.traits.stream_type)

    @property
    def is_whole(self) -> bool:
        """Whether all of it has come; once it has begun."""
        return self._chunks is None

    async def begin(self, dialect: Dialect) -> None:
        """Wait for a stream of this dialect to begin, and for any other body to be whole: so that what fails can
        still be done elsewhere. Raises UpstreamError, also for a stream that begins with an error.
        """
        try:
            if self.is_stream(dialect):
                self._beginning = await self._first_frame(dialect.traits.frame_break)
            else:
                self._beginning = await self._answer.read(LARGEST_BODY)
        except HttpFault as fault:
            raise named(self.provider, fault) from fault
        if not self._beginning:
            raise protocol_error(self.provider, "its answer is empty")
        if self._chunks is None:
            self._check_whole(self._beginning)
        elif b'"error"' in self._beginning:
            self._check_beginning(dialect, self._beginning)

    async def begin_any(self, dialect: Dialect) -> None:
        """The same where an answer may be anything, such as sound, of which there need only be a beginning."""
        if self.is_stream(dialect) or "json" in self.headers.get("content-type", ""):
            await self.begin(dialect)
            return
        self._chunks = self._answer.chunks()
        try:
            self._beginning = await anext(self._chunks, b"")
        except HttpFault as fault:
            raise named(self.provider, fault) from fault

    async def _first_frame(self, frame_break: bytes) -> bytes:
        """The beginning of a stream, with one frame at least, where frames end in a line: less says nothing."""
        self._chunks = self._answer.chunks()
        beginning = await anext(self._chunks, b"")
        if not frame_break.endswith(b"\n"):
            return beginning
        while frame_break not in beginning and b"\r\n\r\n" not in beginning and len(beginning) < _LARGEST_FIRST:
            more = await anext(self._chunks, b"")
            if not more:
                return b""
            beginning += more
        return beginning

    def _check_whole(self, body: bytes) -> None:
        """Told from its end, for the price of a look: a body may be cut short in good order."""
        kind = self.headers.get("content-type", "")
        if "json" in kind and not body.rstrip().endswith((b"}", b"]")):
            raise protocol_error(self.provider, "its answer ended before it was whole")
        if "text/html" in kind:
            raise protocol_error(self.provider, "it answers with a web page")

    def _check_beginning(self, dialect: Dialect, beginning: bytes) -> None:
        """Some providers open a stream before they fail."""
        reader = dialect.stream_reader()
        try:
            if all(isinstance(event, ResponseStarted) for event in reader.feed(beginning)):
                reader.feed(b"")
        except UpstreamStreamError as error:
            raise refused_in_stream(self.provider, dialect.name, error) from error
        except SENSELESS:  # a WireFormatError is one of them
            pass  # what cannot be read is for the client to judge: bytes pass as they come

    async def read(self, limit: int = LARGEST_BODY) -> bytes:
        """The whole body. Raises UpstreamError; also when it is longer than `limit` bytes."""
        if self._beginning is not None and self._chunks is None:
            return self._beginning
        try:
            return await self._answer.read(limit)
        except HttpFault as fault:
            raise named(self.provider, fault) from fault

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body in pieces as they arrive. Raises UpstreamError."""
        if self._beginning is not None:
            yield self._beginning
        try:
            async for chunk in self._chunks or self._answer.chunks():
                yield chunk
        except HttpFault as fault:
            raise named(self.provider, fault) from fault


async def read_events(dialect: Dialect, answer: ProviderAnswer) -> AsyncGenerator[StreamEvent]:
    """The answer's events; also those of an answer that came whole although a stream was asked for."""
    chunks = answer.chunks()
    try:
        head = b"" if answer.is_stream(dialect) else await _read_undeclared(answer, chunks)
        if head and not _looks_like_events(head):
            for event in events_of(dialect.read_response(head)):
                yield event
            return
        async for event in _read_stream(dialect.stream_reader(), head, chunks):
            yield event
    except WireFormatError as error:
        raise unreadable(answer.provider, answer.status, answer.headers, error) from error
    except UpstreamStreamError as error:
        raise refused_in_stream(answer.provider, dialect.name, error) from error
    except SENSELESS as error:  # the boundary at which nonsense becomes a fault of the provider's
        raise unreadable(answer.provider, answer.status, answer.headers, error) from error
    finally:
        await chunks.aclose()


async def _read_stream(
    reader: StreamReader, head: bytes, chunks: AsyncGenerator[bytes]
) -> AsyncGenerator[StreamEvent]:
    """Read to the body's end, so that the connection can be used again; but only what the model says counts."""
    finished = False
    chunk: bytes | None = head
    try:
        while chunk is not None:
            for event in reader.feed(chunk):
                finished = finished or isinstance(event, Finished)
                yield event
            chunk = await (_next_after_finish(chunks) if finished else anext(chunks, None))
    except UpstreamError as fault:
        last = _last_events(reader, fault)
    else:
        last = reader.end()
    for event in last:
        yield event


async def _next_after_finish(chunks: AsyncGenerator[bytes]) -> bytes | None:
    """The end of the body, for which nobody waits long once the answer is whole."""
    with anyio.move_on_after(_AFTER_FINISH):
        return await anext(chunks, None)
    return None


def _last_events(reader: StreamReader, fault: UpstreamError) -> list[StreamEvent]:
    """What was held back when the stream broke. Raises the fault unless the model had said its last word."""
    try:
        return reader.end()
    except WireFormatError:
        raise fault from fault.__cause__


async def _read_undeclared(answer: ProviderAnswer, chunks: AsyncGenerator[bytes]) -> bytes:
    """A body that is not declared as a stream: whole; or its beginning, when it is a stream nevertheless."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if _looks_like_events(head):
            break
        if len(head) > _LARGEST_UNDECLARED:
            raise protocol_error(answer.provider, f"its answer is longer than {_LARGEST_UNDECLARED} bytes")
    if not head:
        raise protocol_error(answer.provider, "its answer is empty")
    return head


def _looks_like_events(head: bytes) -> bool:
    """Whether a body of another content type holds server-sent events nevertheless."""
    return head.lstrip().startswith((b"data:", b"event:", b"id:", b": ", b":\n"))
