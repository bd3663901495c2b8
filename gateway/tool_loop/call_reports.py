"""What a tool reports of its progress, on its way to the client."""

from __future__ import annotations

from collections import deque

import anyio
from anyio.abc import TaskGroup

from gateway.conversation import ToolCall
from gateway.tool_loop.ports import Sink
from gateway.tool_loop.progress import ToolCallProgressed

_MOST_WAITING = 16


class CallReports:
    """The listener of one call. What it hears is emitted by a task of its own, which few calls ever need.

    A client that reads slowly misses some of it, never a result; a report after the end comes to nothing.
    """

    __slots__ = ("_call", "_emit", "_emitted", "_group", "_is_over", "_waiting")

    def __init__(self, call: ToolCall, emit: Sink, group: TaskGroup) -> None:
        """`group` is to have the task."""
        self._call = call
        self._emit = emit
        self._group = group
        self._waiting: deque[ToolCallProgressed] = deque()
        self._emitted: anyio.Event | None = None  # while there is a task
        self._is_over = False

    def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """See `gateway.tool_loop.ports.ProgressListener`."""
        if self._is_over or len(self._waiting) >= _MOST_WAITING:
            return
        self._waiting.append(ToolCallProgressed(self._call.id, self._call.name, progress, total, message))
        if self._emitted is None:
            self._emitted = anyio.Event()
            self._group.start_soon(self._pass_on, self._emitted)

    def close(self) -> None:
        """Hear no more, whether the call has ended or was cancelled: by then the group may be over, too."""
        self._is_over = True

    async def emitted(self) -> None:
        """Wait until all that was heard is emitted."""
        if self._emitted is not None:
            await self._emitted.wait()

    async def _pass_on(self, emitted: anyio.Event) -> None:
        while self._waiting:
            await self._emit(self._waiting.popleft())
        self._emitted = None
        emitted.set()
