"""Whether the client is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import anyio
from starlette.types import Message

from gateway.api.answer import Answer
from gateway.api.requests import ClientLeft, Request


@contextmanager
def cancelled_when_client_leaves(request: Request, answer: Answer | None = None) -> Generator[None]:
    """Cancel what runs in this context as soon as the client has closed its connection; then raises ClientLeft.

    To be entered once the whole body has been read: what comes after it can only be the client's leaving. Where
    `answer` is sent within the context, its end is no leaving, although servers report it in the same way. A bare
    asyncio task instead of a task group, because this stands around every request that is passed through.
    """
    scope = anyio.CancelScope()
    watch = asyncio.ensure_future(_next_message(request))

    def cancel(done: asyncio.Task[Message]) -> None:
        if done.cancelled() or (answer is not None and answer.has_ended):
            return
        done.exception()  # whatever it is, nobody can be told any more
        scope.cancel()

    watch.add_done_callback(cancel)
    with scope:
        try:
            yield
        finally:
            watch.remove_done_callback(cancel)
            watch.cancel()
    if scope.cancelled_caught:
        raise ClientLeft


async def _next_message(request: Request) -> Message:
    return await request.receive()
