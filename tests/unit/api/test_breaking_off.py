"""What is broken off in the lean way, around requests that are passed through."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from gateway.api.client_leaving import BrokenOffWhenClientLeaves
from gateway.api.requests import ClientLeft

from .asgi import Client


def current() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_what_waits_is_broken_off_once_the_client_leaves_and_the_task_can_go_on():
    client = Client()
    client.left.set()
    with anyio.fail_after(60), pytest.raises(ClientLeft), BrokenOffWhenClientLeaves(client.request()):
        await anyio.sleep_forever()
    assert current().cancelling() == 0
    await anyio.sleep(0)


async def test_a_fault_on_the_way_out_is_told_as_it_is_and_the_task_can_go_on():
    client = Client()
    client.left.set()

    async def fails_when_broken_off() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise ZeroDivisionError

    with anyio.fail_after(60), pytest.raises(ZeroDivisionError), BrokenOffWhenClientLeaves(client.request()):
        await fails_when_broken_off()
    assert current().cancelling() == 0
    await anyio.sleep(0)


async def test_a_cancellation_from_outside_is_no_leaving():
    with anyio.move_on_after(0.01) as scope:
        with BrokenOffWhenClientLeaves(Client().request()):
            await anyio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_cancellation_from_outside_goes_before_the_clients_leaving():
    client = Client()

    async def passing() -> None:
        with BrokenOffWhenClientLeaves(client.request()):
            try:
                await anyio.sleep_forever()
            except asyncio.CancelledError:
                current().cancel()  # as a server does that stops at the same moment
                raise

    client.left.set()
    task = asyncio.create_task(passing())
    with anyio.fail_after(60), pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
