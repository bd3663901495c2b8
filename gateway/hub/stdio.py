"""A JSON-RPC peer at the other end of a process's standard input and output: one message a line.

Above: `gateway.hub.session`. Below: `sandbox.spec.Box`. Refuses to know: how the process is confined.

Written by hand because this is the path of most tool calls: one dict of waiting requests, one task that reads,
one that writes. The writer is a task of its own so that a cancelled caller never leaves half a line behind.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import orjson
from anyio.lowlevel import checkpoint

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.jsonrpc import (
    LARGEST_MESSAGE,
    LineFramer,
    OverlongLine,
    answer_server_request,
    encode_cancellation,
    encode_notification,
    encode_request,
    find_answered_id,
    is_response,
    messages_in,
    object_in,
    report_progress,
    request_id_of,
    result_of,
    with_progress_token,
)
from gateway.hub.peer import (
    JsonObject,
    NotificationListener,
    PeerClosed,
    PeerError,
    RequestFault,
)
from gateway.hub.results import ProgressListener
from sandbox.spec import Box

_log = logging.getLogger(__name__)

_MOST_UNSENT = 64 * 1024 * 1024  # bytes waiting for a server that does not read
_MOST_UNSENT_ANSWERS = 4 * 1024 * 1024  # of these, as many as its own requests may have caused
_LINES_AT_ONCE = 256  # before other tasks get their turn
_HEAVY = 0.02  # seconds; after reading that took longer, others get as long
_WHY_GRACE = 0.05  # seconds between the end of output and the exit status that explains it
_DRAIN_GRACE = 0.5  # seconds between the exit and the end of output that a child of it may hold open
_NEVER_CANCELLED = frozenset({"initialize", "server/discover"})
_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


class _Waiting:
    """A request without its answer yet."""

    __slots__ = ("_answered", "_outcome", "on_progress")

    def __init__(self, on_progress: ProgressListener | None) -> None:
        self.on_progress = on_progress
        self._answered = anyio.Event()
        self._outcome: JsonObject | PeerError | None = None

    def settle(self, outcome: JsonObject | PeerError) -> None:
        if not self._answered.is_set():
            self._outcome = outcome
            self._answered.set()

    async def answer(self) -> JsonObject:
        await self._answered.wait()
        if isinstance(self._outcome, PeerError):
            raise self._outcome
        assert self._outcome is not None  # noqa: S101 - settled before the event is set
        return self._outcome


@asynccontextmanager
async def open_stdio_peer(box: Box, listener: NotificationListener) -> AsyncGenerator[StdioPeer]:
    """A peer over a running box. Leaving the context fails what is pending; the box is the caller's to end."""
    peer = StdioPeer(box, listener)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(peer.read)
        tasks.start_soon(peer.write)
        tasks.start_soon(peer.watch)
        try:
            yield peer
        finally:
            peer.close("the gateway closed the connection")
            tasks.cancel_scope.cancel()


class StdioPeer:
    """See `gateway.hub.peer.Peer`. Made by `open_stdio_peer`, which runs its three tasks."""

    def __init__(self, box: Box, listener: NotificationListener) -> None:
        self._box = box
        self._listener = listener
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._something_to_send = anyio.Event()
        self._output_ended = anyio.Event()
        self._closed = anyio.Event()
        self._reason = ""

    @property
    def is_closed(self) -> bool:
        """Whether a request made now would not be sent."""
        return self._closed.is_set()

    def speak(self, version: str) -> None:
        """Nothing to do: on pipes the version stands in the messages alone."""

    async def follow(self) -> None:
        """Nothing to do: on pipes notifications arrive unasked."""

    def diagnostics(self) -> tuple[str, ...]:
        """The tail of the process's standard error."""
        return self._box.stderr_tail()

    async def wait_closed(self) -> str:
        """Wait until the process is gone; why."""
        await self._closed.wait()
        return self._reason

    def close(self, reason: str) -> None:
        """Fail every waiting request with PeerClosed."""
        if self._closed.is_set():
            return
        self._reason = reason
        self._closed.set()
        for waiting in self._waiting.values():
            waiting.settle(PeerClosed(reason))

    async def request(
        self,
        method: str,
        params: JsonObject,
        *,
        on_progress: ProgressListener | None = None,
        headers: Mapping[str, str] | None = None,
        authorizer: Authorizer | None = None,
    ) -> JsonObject:
        """Send a request and wait for its result. Raises PeerError."""
        request_id = next(self._ids)
        if on_progress is not None:
            params = with_progress_token(params, request_id)
        self._enqueue(encode_request(request_id, method, params))
        waiting = self._waiting[request_id] = _Waiting(on_progress)
        try:
            return await waiting.answer()
        except anyio.get_cancelled_exc_class():
            if method not in _NEVER_CANCELLED:
                with suppress(PeerError):  # a server that cannot be told stays untold
                    self._enqueue(encode_cancellation(request_id))
            raise
        finally:
            del self._waiting[request_id]

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification. Raises PeerError."""
        self._enqueue(encode_notification(method, params))

    def _enqueue(self, message: bytes) -> None:
        if self._closed.is_set():
            raise PeerClosed(self._reason)
        if self._unsent_bytes + len(message) > _MOST_UNSENT:
            raise RequestFault("the server does not read its input")
        self._unsent.append(message + b"\n")
        self._unsent_bytes += len(message) + 1
        self._something_to_send.set()

    async def write(self) -> None:
        """Write what is enqueued, several messages at once when they have piled up."""
        while True:
            await self._something_to_send.wait()
            self._something_to_send = anyio.Event()
            batch = b"".join(self._unsent)
            self._unsent.clear()
            try:
                await self._box.send(batch)
            except _GONE:
                return  # the reader sees the end too, and knows more
            self._unsent_bytes -= len(batch)

    async def read(self) -> None:
        """Settle requests from what the process writes, until it writes no more."""
        framer = LineFramer()
        while True:
            try:
                data = await self._box.receive()
            except _GONE:
                break
            await self._receive_lines(framer.feed(data))
        self._output_ended.set()
        with anyio.move_on_after(_WHY_GRACE):
            await self._closed.wait()
        self.close("it closed its standard output")

    async def _receive_lines(self, lines: list[bytes | OverlongLine]) -> None:
        """However much a server writes, the calls of other servers go on beside it."""
        for start in range(0, len(lines), _LINES_AT_ONCE):
            began = time.perf_counter()
            for line in lines[start : start + _LINES_AT_ONCE]:
                self._receive_line(line)
            spent = time.perf_counter() - began
            if spent > _HEAVY:
                await anyio.sleep(spent)
            elif start + _LINES_AT_ONCE < len(lines):
                await checkpoint()

    async def watch(self) -> None:
        """Notice the end of the process even where a child of it holds its output open."""
        ended = await self._box.wait()
        with anyio.move_on_after(_DRAIN_GRACE):
            await self._output_ended.wait()
        self.close(f"its process ended: {ended.reason}")

    def _receive_line(self, line: bytes | OverlongLine) -> None:
        if isinstance(line, OverlongLine):
            self._fail_unreadable(line.head, line.tail, f"the answer is larger than {LARGEST_MESSAGE} bytes")
            return
        try:
            value: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            self._fail_unreadable(line[:512], line[-512:], "the answer is not valid JSON")
            return
        for message in messages_in(value):
            self._receive(message)

    def _receive(self, message: dict[str, Any]) -> None:
        if is_response(message):
            self._settle(request_id_of(message), _outcome_of(message))
        elif "id" in message:
            self._answer(message)
        elif isinstance(method := message.get("method"), str):
            self._receive_notification(method, object_in(message, "params"))

    def _answer(self, message: JsonObject) -> None:
        if self._unsent_bytes > _MOST_UNSENT_ANSWERS:
            return  # it asks faster than it reads
        try:
            self._enqueue(answer_server_request(message))
        except PeerError as problem:
            _log.debug("a server's request stays unanswered: %s", problem)

    def _receive_notification(self, method: str, params: JsonObject) -> None:
        if method == "notifications/progress":
            waiting = self._find(params.get("progressToken"))
            report_progress(waiting.on_progress if waiting else None, params)
        elif method == "notifications/cancelled":
            self._settle(params.get("requestId"), RequestFault("the server gave the request up"))
        else:
            self._listener(method, params)

    def _fail_unreadable(self, head: bytes, tail: bytes, problem: str) -> None:
        """A line that cannot be read fails the request that it answers; other lines are noise."""
        request_id = find_answered_id(head, tail)
        if request_id is None:
            _log.debug("a line of a server's output is no message: %s", problem)
        self._settle(request_id, RequestFault(problem))

    def _settle(self, request_id: object, outcome: JsonObject | PeerError) -> None:
        if waiting := self._find(request_id):
            waiting.settle(outcome)

    def _find(self, request_id: object) -> _Waiting | None:
        return self._waiting.get(request_id) if isinstance(request_id, int) else None


def _outcome_of(response: JsonObject) -> JsonObject | PeerError:
    try:
        return result_of(response)
    except PeerError as problem:
        return problem
