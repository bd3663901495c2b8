"""The load generator: keeps a number of requests in flight on kept connections, bounded in count and in time.

Above: `measuring` runs it against a server on loopback. Below: asyncio's transports and httptools; callbacks,
no coroutines, so that the generator leaves the cores to what is measured. Refuses to know: what is asked.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast

import httptools

_MOST_FAILURES = 20
_GRACE = 60.0  # seconds for the requests that are in flight when the time is up


class LoadFailed(Exception):
    """The server did not answer as it should, so there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: until `count` requests are answered or `seconds` are over, whichever is first."""

    request: bytes
    concurrency: int
    count: int
    seconds: float


@dataclass(slots=True)
class Answers:
    """What came back; latencies in microseconds, in the order of arrival, of answers with status 200."""

    latencies: list[float] = field(default_factory=list[float])
    seconds: float = 0.0


async def run_load(port: int, load: Load) -> Answers:
    """Send the load to this port of loopback. Raises LoadFailed when an answer is not a whole 200."""
    run = _Run(port, load)
    started = time.perf_counter()
    try:
        async with asyncio.timeout(load.seconds + _GRACE):
            await run.run()
    except TimeoutError:
        raise LoadFailed(f"no answer within {_GRACE:.0f} seconds") from None
    run.answers.seconds = time.perf_counter() - started
    return run.answers


async def ask_once(port: int, request: bytes) -> bytes:
    """The body of one answer. Raises LoadFailed unless it is a 200."""
    run = _Run(port, Load(request, 1, 1, 30.0), keeps_body=True)
    async with asyncio.timeout(_GRACE):
        await run.run()
    return bytes(run.body)


class _Run:
    def __init__(self, port: int, load: Load, *, keeps_body: bool = False) -> None:
        self.load = load
        self.answers = Answers()
        self.body = bytearray()
        self.keeps_body = keeps_body
        self._port = port
        self._left = load.count
        self._loop = asyncio.get_running_loop()
        self._open = 0
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._failures: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        timer = self._loop.call_later(self.load.seconds, self.stop)
        try:
            for _ in range(min(self.load.concurrency, self.load.count)):
                self._connect()
            await self._done
        finally:
            timer.cancel()
            self.stop()
        if self._failures:
            raise LoadFailed(self._failures[0])

    def take(self) -> bool:
        """Whether there is another request to send; it is then this caller's."""
        if self._left <= 0:
            return False
        self._left -= 1
        return True

    def stop(self) -> None:
        self._left = 0

    def fail(self, reason: str) -> None:
        self._failures.append(reason)
        if len(self._failures) >= _MOST_FAILURES:
            self.stop()

    def left(self) -> None:
        """A connection is over; another takes its place while there is something to send."""
        self._open -= 1
        if self._left > 0:
            self._connect()
        elif self._open == 0 and not self._done.done():
            self._done.set_result(None)

    def _connect(self) -> None:
        self._open += 1
        task = self._loop.create_task(self._dial())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _dial(self) -> None:
        try:
            await self._loop.create_connection(lambda: _Caller(self), "127.0.0.1", self._port)
        except OSError as error:
            self.fail(f"cannot connect: {error}")
            self.left()


class _Caller(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._started = 0.0
        self._is_waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_waiting:
            self._run.fail("the server closed the connection within an answer")
        self._run.left()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._run.fail(f"not HTTP: {error}")
            self._is_waiting = False
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._run.body.clear()

    def on_body(self, body: bytes) -> None:
        if self._run.keeps_body or self._parser.get_status_code() != 200:
            self._run.body += body

    def on_message_complete(self) -> None:
        self._is_waiting = False
        status = self._parser.get_status_code()
        if status == 200:
            self._run.answers.latencies.append((time.perf_counter() - self._started) * 1e6)
        else:
            self._run.fail(f"status {status}: {bytes(self._run.body[:300]).decode(errors='replace')}")
        if self._parser.should_keep_alive():
            self._ask()
        else:
            self._transport.close()

    def _ask(self) -> None:
        if not self._run.take():
            self._transport.close()
            return
        self._is_waiting = True
        self._started = time.perf_counter()
        self._transport.write(self._run.load.request)
