from __future__ import annotations

import anyio
import pytest

from sandbox.background import in_background


async def test_an_exception_of_the_body_comes_out_as_it_is():
    with pytest.raises(KeyError, match="mine"):
        async with in_background(anyio.sleep_forever):
            raise KeyError("mine")


async def test_tasks_run_beside_the_body_and_end_with_it():
    started, ended = anyio.Event(), anyio.Event()

    async def task():
        try:
            started.set()
            await anyio.sleep_forever()
        finally:
            ended.set()

    with anyio.fail_after(60):
        async with in_background(task):
            await started.wait()
    assert ended.is_set()


async def test_cancellation_passes_through():
    with anyio.move_on_after(0.01) as scope:
        async with in_background(anyio.sleep_forever):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
