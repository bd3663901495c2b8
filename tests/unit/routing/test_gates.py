"""How many calls a provider has under way, and who waits for it."""

from __future__ import annotations

import anyio
import pytest

from gateway.routing import Conditions
from gateway.routing.gates import Gate

LONG = 60.0


async def until(condition):
    with anyio.fail_after(60):
        while not condition():
            await anyio.lowlevel.checkpoint()


async def test_as_many_as_may_go_in_and_the_next_ones_wait_in_turn():
    gate = Gate(2, 8, LONG)
    entered = []

    async def enter(name):
        assert await gate.enter()
        entered.append(name)

    assert await gate.enter()
    assert await gate.enter()
    async with anyio.create_task_group() as group:
        for name in "abc":
            group.start_soon(enter, name)
            await until(lambda name=name: len(gate._queue) == "abc".index(name) + 1)
        assert entered == []
        for expected in (["a"], ["a", "b"], ["a", "b", "c"]):
            gate.leave()
            await until(lambda expected=expected: entered == expected)
    assert gate.inside == 2


async def test_the_queue_is_bounded():
    gate = Gate(1, 0, LONG)
    assert await gate.enter()
    assert not await gate.enter()


async def test_nobody_waits_for_ever():
    gate = Gate(1, 1, 0.001)
    assert await gate.enter()
    assert not await gate.enter()
    gate.leave()
    assert gate.inside == 0
    assert await gate.enter()


async def test_who_is_cancelled_while_waiting_takes_no_place():
    gate = Gate(1, 4, LONG)
    assert await gate.enter()
    async with anyio.create_task_group() as group:
        group.start_soon(gate.enter)
        await until(lambda: len(gate._queue) == 1)
        group.cancel_scope.cancel()
    gate.leave()
    assert (gate.inside, len(gate._queue)) == (0, 0)


async def test_who_is_cancelled_just_after_being_let_in_gives_the_place_back():
    gate = Gate(1, 4, LONG)
    assert await gate.enter()
    async with anyio.create_task_group() as group:
        group.start_soon(gate.enter)
        await until(lambda: len(gate._queue) == 1)
        gate.leave()  # the place is handed over, and its new owner has not run yet
        group.cancel_scope.cancel()
    assert gate.inside in (0, 1)  # anyio may let the owner run first: then it is inside, as it was told
    if gate.inside:
        gate.leave()
    assert await gate.enter()


async def test_a_reload_changes_the_bounds_of_the_same_gate():
    conditions = Conditions()
    gate = conditions.gate("acme", 1, 4, LONG)
    assert await gate.enter()
    async with anyio.create_task_group() as group:
        group.start_soon(gate.enter)
        await until(lambda: len(gate._queue) == 1)
        assert conditions.gate("acme", 2, 4, LONG) is gate
        await until(lambda: gate.inside == 2)
    conditions.gate("acme", 1, 0, LONG)
    assert not await gate.enter()
    gate.leave()
    assert not await gate.enter()  # still one too many


@pytest.mark.parametrize("limit", [1, 3])
async def test_never_more_than_the_limit_are_inside(limit: int):
    gate = Gate(limit, 100, LONG)
    most = 0

    async def visit():
        nonlocal most
        assert await gate.enter()
        most = max(most, gate.inside)
        await anyio.lowlevel.checkpoint()
        gate.leave()

    async with anyio.create_task_group() as group:
        for _ in range(40):
            group.start_soon(visit)
    assert (most, gate.inside) == (limit, 0)
