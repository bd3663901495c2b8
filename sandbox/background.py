"""Runs tasks beside the body of a context, and lets the body's own exception out as it is.

A task group wraps an exception of its body in a group, which would reach whoever launches a box.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio


@asynccontextmanager
async def in_background(*tasks: Callable[[], Coroutine[Any, Any, None]]) -> AsyncGenerator[None]:
    """Run `tasks`, which must not raise, until the body is left; then cancel those still running."""
    raised: Exception | None = None
    async with anyio.create_task_group() as group:
        for task in tasks:
            group.start_soon(task)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - not handled, only carried past the task group
            raised = error
        group.cancel_scope.cancel()
    if raised is not None:
        raise raised
