"""One HTTP/1.1 connection of our own (RFC 9112), an asyncio protocol around httptools' parser.

Above: `pooled_client` opens connections, hands each to one exchange at a time and parks it in between. Below:
a transport, plain or TLS. Refuses to know: pools, providers, and what the bytes mean.

Why not a library: on the way from a client to its provider this is what costs most, and the libraries cost
three times as much and more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import cast

import httptools

from gateway.providers.http import (
    LARGEST_BODY,
    LARGEST_HEAD,
    ConnectionLost,
    DeadlinePassed,
    HttpFault,
    MalformedAnswer,
    Phase,
    Timeouts,
)

_HIGH_WATER = 256 * 1024  # bytes read ahead of the consumer, above which the transport is paused


class Connection(asyncio.Protocol):
    """A connection, and the answer that is being read from it (see `gateway.providers.http.HttpAnswer`).

    One task uses it at a time. `on_idle_end` is called when a parked connection is no longer good.
    """

    __slots__ = (
        "_answered",
        "_buffered",
        "_closed",
        "_complete",
        "_deadline",
        "_fault",
        "_head_complete",
        "_head_size",
        "_interim",
        "_keep_alive",
        "_loop",
        "_on_idle_end",
        "_parked",
        "_parser",
        "_paused",
        "_phase",
        "_pieces",
        "_timeouts",
        "_timer",
        "_timer_at",
        "_transport",
        "_until_close",
        "_waiter",
        "headers",
        "status",
    )

    def __init__(self, on_idle_end: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_idle_end = on_idle_end
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._closed = False
        self._parked = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._deadline: float | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._begin(Timeouts())

    def _begin(self, timeouts: Timeouts) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._timeouts = timeouts
        self._phase: Phase = "first_byte"
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._head_size = 0
        self._answered = False
        self._head_complete = False
        self._complete = False
        self._interim = False
        self._until_close = False
        self._keep_alive = False
        self._paused = False
        self._fault: HttpFault | None = None

    # What the pool calls.

    @property
    def is_open(self) -> bool:
        """False once either side has closed it."""
        return not self._closed and self._transport is not None and not self._transport.is_closing()

    @property
    def is_reusable(self) -> bool:
        """True when the request was sent and the answer came to its end, and the server keeps the connection."""
        if not self._complete or not self._keep_alive or self._fault is not None:
            return False
        return self._transport is not None and self.is_open and self._transport.get_write_buffer_size() == 0

    async def exchange(self, request: bytes, timeouts: Timeouts) -> None:
        """Send a whole request and wait for the head of its answer. Raises HttpFault."""
        self._parked = False
        self._begin(timeouts)
        if self._transport is None or not self.is_open:
            raise ConnectionLost("the connection ended before the answer did", answered=False)
        self._transport.write(request)
        while not self._head_complete:
            if self._fault is not None:
                raise self._fault
            await self._wait(timeouts.first_byte)
        self._phase = "idle"

    def park(self, seconds: float) -> None:
        """Keep the connection for another exchange, for at most this long."""
        self._parked = True
        self._pieces = []
        self._resume()
        self._set_deadline(seconds)

    def abort(self) -> None:
        """Close at once; what was not sent yet is dropped."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    # What the consumer of an answer calls: see `HttpAnswer`.

    async def read(self, limit: int = LARGEST_BODY) -> bytes:
        """The whole body."""
        taken: list[bytes] = []
        size = 0
        while piece := await self._next():
            size += len(piece)
            if size > limit:
                raise MalformedAnswer(f"the answer is longer than {limit} bytes")
            taken.append(piece)
        return taken[0] if len(taken) == 1 else b"".join(taken)

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body in pieces as they arrive."""
        while piece := await self._next():
            yield piece

    async def _next(self) -> bytes:
        """All that has come since the last call; empty at the end."""
        while not self._pieces:
            if self._complete:
                return b""
            if self._fault is not None:
                raise self._fault
            self._resume()
            await self._wait(self._timeouts.idle)
        pieces, self._pieces, self._buffered = self._pieces, [], 0
        self._resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # Waiting. The timer of a connection outlives its waits: to move a deadline back costs no call to the loop.

    async def _wait(self, seconds: float) -> None:
        self._set_deadline(seconds)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _set_deadline(self, seconds: float) -> None:
        self._deadline = deadline = self._loop.time() + seconds
        if self._timer is None or self._timer_at > deadline:
            self._set_timer(deadline)

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline is None or (self._waiter is None and not self._parked):
            return
        if self._loop.time() < self._deadline:
            self._set_timer(self._deadline)
        elif self._parked:
            self._end_idling()
        else:
            seconds = self._timeouts.idle if self._phase == "idle" else self._timeouts.first_byte
            self._fail(DeadlinePassed(self._phase, seconds))

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._parked:  # nobody asked: whatever it is, it must not become the answer to the next request
            self._end_idling()
            return
        self._answered = True
        if not self._head_complete:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(MalformedAnswer("the server switches to a protocol that was not asked for"))
        except httptools.HttpParserError as error:
            # The parser wraps what a callback of ours raised.
            cause = error.__context__
            self._fail(cause if isinstance(cause, HttpFault) else MalformedAnswer("it is not proper HTTP/1.1"))
        if not self._head_complete and self._head_size > LARGEST_HEAD:
            self._fail(MalformedAnswer(f"the answer's head is longer than {LARGEST_HEAD} bytes"))
        if self._buffered > _HIGH_WATER and not self._paused and not self._complete and self._transport:
            self._paused = True
            self._transport.pause_reading()
        if self._head_complete or self._fault is not None:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._parked:
            self._end_idling()
        elif self._head_complete and self._until_close and exc is None:
            self._complete = True
        elif not self._complete and self._fault is None:
            message = "the connection ended before the answer did"
            self._fault = ConnectionLost(message, answered=self._answered)
        self._wake()

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _end_idling(self) -> None:
        self._parked = False
        self.abort()
        self._on_idle_end(self)

    def _fail(self, fault: HttpFault) -> None:
        if self._complete:  # the answer was whole; only the connection cannot be used again
            self._keep_alive = False
        elif self._fault is None:
            self._fault = fault
        self.abort()
        self._wake()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A second answer to one request is never read: it would be taken for the next one's."""
        if self._complete:
            raise MalformedAnswer("the server answers twice")
        self.headers = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of a chunked body's trailer; the latter is dropped."""
        if self._head_complete:
            self._head_size += len(name) + len(value)
            if self._head_size > 2 * LARGEST_HEAD:
                raise MalformedAnswer("the answer's trailer is too long")
            return
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers = cast("dict[str, str]", self.headers)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """Tells an interim answer (1xx) from the answer, and how the body will end."""
        status = self._parser.get_status_code()
        self._interim = 100 <= status < 200
        if self._interim:
            return
        if not 200 <= status < 600 or self._parser.get_http_version() not in ("1.1", "1.0"):
            raise MalformedAnswer("the answer has an impossible status or version")
        coding = self.headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise MalformedAnswer("the answer has a transfer coding other than chunked")
        self.status = status
        self._head_complete = True
        self._head_size = min(self._head_size, LARGEST_HEAD)
        self._keep_alive = self._parser.should_keep_alive()
        self._until_close = coding is None and "content-length" not in self.headers

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(body)
        self._buffered += len(body)

    def on_message_complete(self) -> None:
        """The end of the body, or of an interim answer."""
        if self._interim:
            self._interim = False
            return
        self._complete = True
