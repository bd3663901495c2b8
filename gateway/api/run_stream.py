"""A run's events on their way to a client: one stream, never silent for long.

The head leaves with the first bytes, so that a fault before them can still be an HTTP error.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio

from gateway.api.answer import Answer
from gateway.api.errors import ErrorAnswer
from gateway.api.run_summary import describe_progress
from gateway.conversation import Finished, UsageReported
from gateway.dialects import StreamWriter
from gateway.tool_loop import Progress, RunEvent


class RunStream:
    """The stream of one answer. `tells_progress` adds what the run does to what the model says."""

    def __init__(
        self, answer: Answer, writer: StreamWriter, *, heartbeat_seconds: float, tells_progress: bool
    ) -> None:
        self._answer = answer
        self._writer = writer
        self._heartbeat_seconds = heartbeat_seconds
        self._tells_progress = tells_progress
        # What `anyio.current_time` asks in the end, once it has found the event loop: much for each chunk.
        self._clock = asyncio.get_running_loop().time
        self._last_write = self._clock()
        self._writing = 0
        self._closing: list[Finished | UsageReported] = []

    async def emit(self, event: RunEvent) -> None:
        """Take one event of the run. Those that end the answer are held until `end`."""
        if isinstance(event, Progress):
            if self._tells_progress:
                await self._write(self._writer.progress(describe_progress(event)))
        elif isinstance(event, Finished | UsageReported):
            self._closing.append(event)
        else:
            await self._write(self._writer.write(event))

    async def end(self, summary: Mapping[str, Any] | None) -> None:
        """End the answer; what the run says of itself goes with the chunks that the model's end makes."""
        last = b"".join(self._writer.write(event, toolgate=summary) for event in self._closing)
        await self._write(last + self._writer.done(), more=False)

    @asynccontextmanager
    async def kept_alive(self) -> AsyncGenerator[None]:
        """Send a sign of life whenever the stream has been silent for a while: proxies would give up otherwise."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat)
            yield
            tasks.cancel_scope.cancel()

    async def _beat(self) -> None:
        while True:
            due = self._last_write + self._heartbeat_seconds
            if self._clock() < due:
                await anyio.sleep_until(due)
            elif self._writing:  # something waits for the client as it is
                await anyio.sleep(self._heartbeat_seconds)
            else:
                await self._write(self._writer.heartbeat())

    async def _write(self, data: bytes, *, more: bool = True) -> None:
        if not data and more:
            return
        self._last_write = self._clock()
        self._writing += 1
        try:
            if not self._answer.has_begun:
                await self._answer.begin_events(self._fault)
            await self._answer.write(data, more=more)
        finally:
            self._writing -= 1

    def _fault(self, told: ErrorAnswer) -> bytes:
        return self._writer.error(told)
