"""A server whose users have credentials of their own, when nobody's will do for its lists."""

from __future__ import annotations

from typing import Any

import anyio

from gateway.hub import HubSettings
from gateway.hub.upstreams.per_user import PerUserUpstream
from tests.support.conditions import eventually


class Connection:
    """One that is kept, and says how often it was given up and asked to list."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.runs = self.given_up = self.relisted = 0

    async def run(self) -> None:
        self.runs += 1
        try:
            await anyio.sleep_forever()
        finally:
            self.given_up += 1

    def relist(self) -> None:
        self.relisted += 1


class Lister:
    """Nobody's token will do, as often as it is said."""

    def __init__(self) -> None:
        self.is_alone = anyio.Event()
        self.arrivals = 0
        self.why = "nobody"


class Users:
    """Those who have connected."""

    def __init__(self) -> None:
        self.waiting = 0
        self.somebody = anyio.Event()

    async def wait_beyond(self, _arrivals: int) -> None:
        self.waiting += 1
        await self.somebody.wait()


async def begin(tasks: Any, state: str) -> tuple[Connection, Lister, Users]:
    shared, lister, users = Connection(state), Lister(), Users()
    given: Any = (shared, lister, None, users, None)
    tasks.start_soon(PerUserUpstream("remote", *given, tasks, HubSettings()).run)
    await eventually(lambda: shared.runs == 1)
    lister.is_alone.set()
    await eventually(lambda: users.waiting == 1)
    return shared, lister, users


async def test_a_connection_over_which_users_call_is_kept_while_its_lists_wait_for_somebody():
    async with anyio.create_task_group() as tasks:
        shared, _, users = await begin(tasks, "ready")
        assert shared.given_up == 0
        users.somebody.set()
        await eventually(lambda: shared.relisted == 1)
        assert (shared.runs, shared.given_up) == (1, 0)
        tasks.cancel_scope.cancel()


async def test_one_that_never_came_up_is_given_up_and_tried_again_once_somebody_has_connected():
    async with anyio.create_task_group() as tasks:
        shared, _, users = await begin(tasks, "starting")
        assert shared.given_up == 1
        users.somebody.set()
        await eventually(lambda: shared.runs == 2)
        tasks.cancel_scope.cancel()
