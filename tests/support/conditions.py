"""Waits for conditions, with a bound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio


async def eventually(condition: Callable[[], object], *, within: float = 10.0) -> None:
    """Poll until the condition holds; fail after `within` seconds."""
    with anyio.move_on_after(within):
        while not condition():
            await anyio.sleep(0.005)
        return
    raise AssertionError("the condition did not come true in time")


async def cancelled_once(condition: Callable[[], object], work: Callable[[], Awaitable[object]]) -> None:
    """Begin `work`, and cancel it when the condition holds."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await eventually(condition)
        tasks.cancel_scope.cancel()
