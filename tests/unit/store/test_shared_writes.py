"""Writes that wait for one another go together, and each of those who wait is told what became of them."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from gateway.errors import StoreError
from gateway.store.shared_writes import SharedWrites


class _Store:
    """Writes when it is let."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.begun = 0
        self.open = anyio.Event()
        self.failure: Exception | None = None

    async def write(self, items: Sequence[int]) -> None:
        self.begun += 1
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        self.written.append(list(items))


async def test_what_comes_while_something_is_written_is_written_together():
    store = _Store()
    writes = SharedWrites(store.write)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(writes.add, number)
                await anyio.wait_all_tasks_blocked()
            store.open.set()
    assert store.written == [[0], [1, 2, 3]]


async def test_a_failure_is_told_to_all_that_it_concerns_and_to_nobody_later():
    store = _Store()
    store.failure = StoreError("the disk is full")
    writes = SharedWrites(store.write)
    failed: list[int] = []

    async def add(number: int) -> None:
        try:
            await writes.add(number)
        except StoreError:
            failed.append(number)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(add, number)
            await anyio.wait_all_tasks_blocked()
            store.open.set()
        store.failure = None
        await writes.add(3)
    assert sorted(failed) == [0, 1, 2]
    assert store.written == [[3]]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_that_is_cancelled_takes_none_of_the_others_along(place: int):
    store = _Store()
    writes = SharedWrites(store.write)
    scopes = [anyio.CancelScope() for _ in range(3)]
    ended: list[int] = []

    async def add(number: int) -> None:
        with scopes[number]:
            await writes.add(number)
            ended.append(number)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(add, number)
                await anyio.wait_all_tasks_blocked()
            scopes[place].cancel()
            await anyio.wait_all_tasks_blocked()
            store.open.set()
    others = {0, 1, 2} - {place}
    assert set(ended) == others
    assert others <= {number for items in store.written for number in items}


async def test_a_batch_whose_writer_is_cancelled_is_written_by_the_next():
    store = _Store()
    writes = SharedWrites(store.write)
    scopes = [anyio.CancelScope() for _ in range(3)]

    async def add(number: int) -> None:
        with scopes[number]:
            await writes.add(number)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(add, number)
                await anyio.wait_all_tasks_blocked()
            scopes[0].cancel()  # whose batch is its own
            await anyio.wait_all_tasks_blocked()
            scopes[1].cancel()  # who was writing for both
            await anyio.wait_all_tasks_blocked()
            assert store.begun == 3
            store.open.set()
    assert store.written == [[1, 2]]
