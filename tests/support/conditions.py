"""Waits for conditions, with a bound that no machine is slow enough to reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from gateway.errors import ToolCallTimeout

PATIENCE = 60.0
"""Seconds for what takes a moment."""


async def eventually(condition: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Poll until the condition holds; fail after `within` seconds."""
    with anyio.move_on_after(within):
        while not condition():
            await anyio.sleep(0.005)
        return
    raise AssertionError("the condition did not come true in time")


async def past_its_deadline(call: Callable[[float], Awaitable[object]], begun: Callable[[], object]) -> None:
    """Let a call be given up for its deadline, in seconds, once it has begun: where it is too short for that, a
    longer one is given.
    """
    for deadline in (0.2, 2.0, 20.0):
        with pytest.raises(ToolCallTimeout):
            await call(deadline)
        if begun():
            return
    raise AssertionError("it never began")


async def cancelled_once(condition: Callable[[], object], work: Callable[[], Awaitable[object]]) -> None:
    """Begin `work`, and cancel it when the condition holds."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await eventually(condition)
        tasks.cancel_scope.cancel()
