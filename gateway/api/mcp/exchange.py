"""The answer to one POST: JSON when it comes before anything else is said, an event stream otherwise.

Above: the endpoint. Below: `Answer`. A stream begins with the first notification, or when the client has waited
for so long that something in between may think the connection dead. Until then nothing is spent on it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

from gateway.api.answer import Answer
from gateway.api.requests import Request
from gateway.api.responses import Response
from gateway.sse import HEARTBEAT, encode_event

EVENT_HEADERS: Mapping[str, str] = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
_MOST_WAITING = 1024
"""Notifications, and more than a call may have log messages; a client that reads more slowly misses steps of its
progress, and never the result."""


class Exchange:
    """See the module. To be closed, whatever happens."""

    def __init__(self, request: Request, answer: Answer, *, heartbeat: float, takes_events: bool) -> None:
        self._request = request
        self._answer = answer
        self._heartbeat = heartbeat
        self._takes_events = takes_events
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._questions: deque[bytes] = deque()
        self._stirred = asyncio.Event()
        self._last: bytes | None = None
        self._writer: asyncio.Task[None] | None = None
        self._timer = request.loop.call_later(heartbeat, self._begin) if takes_events else None

    def notify(self, message: bytes) -> None:
        """Send a notification, as soon as the client takes it. Never waits."""
        if self._takes_events and self._last is None:
            self._waiting.append(encode_event(message, "message"))
            self._stirred.set()
            self._begin()

    def ask(self, question: bytes) -> bool:
        """Send a request of ours, which is never left out; whether it can be sent at all. Never waits."""
        if not self._takes_events or self._last is not None:
            return False
        self._questions.append(encode_event(question, "message"))
        self._stirred.set()
        self._begin()
        return True

    async def finish(self, body: bytes, status: int) -> None:
        """Send the answer itself; within a stream, there is no other status than 200."""
        self._stop_timer()
        self._last = encode_event(body, "message")
        if self._writer is None:
            await self._answer.whole(Response(status, body))
            return
        self._stirred.set()
        await self._writer

    def close(self) -> None:
        """Send no more."""
        self._stop_timer()
        if self._writer is not None:
            self._writer.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> None:
        if self._writer is None:
            self._writer = self._request.loop.create_task(self._write())
            self._writer.add_done_callback(_retrieve)

    async def _write(self) -> None:
        await self._answer.begin(200, dict(EVENT_HEADERS))
        while self._last is None:
            self._stirred.clear()
            await self._write_waiting()
            if self._last is None and not await self._is_stirred():
                await self._answer.write(HEARTBEAT)
        await self._write_waiting()
        await self._answer.write(self._last, more=False)

    async def _write_waiting(self) -> None:
        while self._waiting or self._questions:
            await self._answer.write((self._waiting or self._questions).popleft())

    async def _is_stirred(self) -> bool:
        try:
            async with asyncio.timeout(self._heartbeat):
                return await self._stirred.wait()
        except TimeoutError:
            return False


def _retrieve(writer: asyncio.Task[None]) -> None:
    """What ended a writer that nobody waits for any more: a client that left."""
    if not writer.cancelled():
        writer.exception()
