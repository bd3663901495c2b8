"""Whether the client is still there, and still takes what it is sent."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType

import anyio
from starlette.types import Message

from gateway.api.answer import Answer
from gateway.api.requests import ClientLeft, Request

_AT_ONCE = 0.05
"""Seconds in which most answers that take no thinking are there: only then is it worth watching the client."""
_PATIENCE = 60.0
"""Seconds that a client may take nothing of what waits for it; then it counts as gone."""
_LOOKING = 5.0  # seconds


class _WhenClientLeaves(ABC):
    """A context that is left with ClientLeft once the client has closed its connection.

    To be entered once the whole body has been read: what comes after it can only be the client's leaving. Where
    `answer` is sent within the context, its end is no leaving, although servers report it in the same way. Built
    of bare asyncio instead of a task group, because this stands around every request.
    """

    __slots__ = ("_answer", "_request", "_timer", "_watch")

    def __init__(self, request: Request, answer: Answer | None = None) -> None:
        self._request = request
        self._answer = answer
        self._watch: asyncio.Task[Message] | None = None

    @abstractmethod
    def _cancel(self) -> None:
        """Cancel what runs within the context."""

    def _begin(self) -> None:
        self._timer = self._request.loop.call_later(_AT_ONCE, self._begin_watching)

    def _end(self) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.remove_done_callback(self._left)
            self._watch.cancel()

    def _begin_watching(self) -> None:
        self._watch = self._request.loop.create_task(_next_message(self._request))
        self._watch.add_done_callback(self._left)
        self._look(self._answer)

    def _look(self, answer: Answer | None) -> None:
        """Now and then, instead of a deadline for each piece of a stream."""
        if answer is None:
            return
        if answer.is_stuck(_PATIENCE):
            self._cancel()
        else:
            self._timer = self._request.loop.call_later(_LOOKING, self._look, answer)

    def _left(self, watch: asyncio.Task[Message]) -> None:
        if watch.cancelled() or (self._answer is not None and self._answer.has_ended):
            return
        watch.exception()  # whatever it is, nobody can be told any more
        self._cancel()


class CancelledWhenClientLeaves(_WhenClientLeaves):
    """See above. All within is cancelled as anyio does it: tasks, and nothing that shields itself."""

    __slots__ = ("_scope",)

    def __enter__(self) -> None:
        self._scope = anyio.CancelScope()
        self._scope.__enter__()
        self._begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if self._scope.__exit__(kind, error, trace):
            raise ClientLeft

    def _cancel(self) -> None:
        self._scope.cancel()


class BrokenOffWhenClientLeaves(_WhenClientLeaves):
    """See above. At a third of the price, for a single task in which nothing shields itself: it is cancelled once,
    as asyncio does it.
    """

    __slots__ = ("_has_left", "_others", "_task")

    def __enter__(self) -> None:
        self._task = asyncio.current_task(self._request.loop)
        self._others = self._task.cancelling() if self._task else 0
        self._has_left = False
        self._begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        if not self._has_left or self._task is None:
            return
        cancelled_by_others = self._task.uncancel() > self._others
        if isinstance(error, asyncio.CancelledError) and not cancelled_by_others:
            raise ClientLeft

    def _cancel(self) -> None:
        if self._task is not None and not self._has_left:
            self._has_left = True
            self._task.cancel()


async def _next_message(request: Request) -> Message:
    return await request.receive()
