"""A JSON-RPC peer at the other end of a process's standard input and output: one message a line.

Above: `gateway.hub.session`. Below: `sandbox.spec.Box`. Refuses to know: how the process is confined.

Written by hand because this is the path of most tool calls: one task that reads, one that writes. The writer is a
task of its own so that a cancelled caller never leaves half a line behind.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
from anyio.lowlevel import checkpoint

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.jsonrpc import LARGEST_MESSAGE, LineFramer, OverlongLine, find_answered_id, messages_in
from gateway.hub.peer import NotificationListener, RequestFault
from gateway.hub.transports.duplex import DuplexPeer
from sandbox.quiet import ended_or_quiet
from sandbox.spec import Box

_log = logging.getLogger(__name__)

_MOST_UNSENT = 64 * 1024 * 1024  # bytes waiting for a server that does not read
_MOST_UNSENT_ANSWERS = 4 * 1024 * 1024  # of these, as many as its own requests may have caused
_LINES_AT_ONCE = 256  # before other tasks get their turn
_HEAVY = 0.02  # seconds; after reading that took longer, others get as long
_WHY_GRACE = 0.05  # seconds between the end of a pipe and the exit status that explains it
_DRAIN_GRACE = 0.5  # seconds between the exit and the end of output that a child of it may hold open
_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


@asynccontextmanager
async def open_stdio_peer(
    box: Box, listener: NotificationListener, *, has_one_owner: bool = False
) -> AsyncGenerator[StdioPeer]:
    """A peer over a running box. Leaving the context fails what is pending; the box is the caller's to end."""
    peer = StdioPeer(box, listener, has_one_owner=has_one_owner)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(peer.read)
        tasks.start_soon(peer.write)
        tasks.start_soon(peer.watch)
        try:
            yield peer
        finally:
            peer.close("the gateway closed the connection")
            tasks.cancel_scope.cancel()


class StdioPeer(DuplexPeer):
    """Made by `open_stdio_peer`, which runs its three tasks."""

    def __init__(self, box: Box, listener: NotificationListener, *, has_one_owner: bool = False) -> None:
        super().__init__(listener, has_one_owner=has_one_owner)
        self._box = box
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._something_to_send = anyio.Event()
        self._output_ended = anyio.Event()
        self._output_reads = 0
        self._is_understanding = False

    def diagnostics(self) -> tuple[str, ...]:
        """The tail of the process's standard error."""
        return self._box.stderr_tail()

    async def _send(self, message: bytes, authorizer: Authorizer | None) -> None:
        self._send_soon(message)

    def _send_soon(self, message: bytes, *, is_answer: bool = False) -> None:
        self._check_open()
        if is_answer and self._unsent_bytes > _MOST_UNSENT_ANSWERS:
            return  # it asks faster than it reads
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
                break
            self._unsent_bytes -= len(batch)
        await self._close_unless_known("it closed its standard input")

    async def read(self) -> None:
        """Settle requests from what the process writes, until it writes no more."""
        framer = LineFramer()
        while True:
            try:
                data = await self._box.receive()
            except _GONE:
                break
            self._output_reads += 1
            self._is_understanding = True
            await self._receive_lines(framer.feed(data))
            self._is_understanding = False
        self._output_ended.set()
        await self._close_unless_known("it closed its standard output")

    async def _close_unless_known(self, reason: str) -> None:
        """Close for this reason, unless a better one is there in a moment: mostly the process has ended."""
        with anyio.move_on_after(_WHY_GRACE):
            await self._closed.wait()
        self.close(reason)

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
        await ended_or_quiet(self._output_ended, self._heard, within=_DRAIN_GRACE)
        self.close(f"its process ended: {ended.reason}")

    def _heard(self) -> float:
        """Something that changes as long as there is output to read or to understand."""
        return anyio.current_time() if self._is_understanding else self._output_reads

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
            self.receive(message)

    def _fail_unreadable(self, head: bytes, tail: bytes, problem: str) -> None:
        """A line that cannot be read fails the request that it answers; other lines are noise."""
        request_id = find_answered_id(head, tail)
        if request_id is None:
            _log.debug("a line of a server's output is no message: %s", problem)
        self.settle(request_id, RequestFault(problem))
