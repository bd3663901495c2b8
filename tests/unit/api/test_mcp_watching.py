"""What one client watches: when a watch is begun, given up and counted, and what of it is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from gateway.api.mcp.resources_seen import Place
from gateway.api.mcp.watching import Watchings
from gateway.api.mcp.wire import Refusal
from gateway.auth import KeyId

KEY = KeyId("one")


class World:
    """What a client sees: resources of one server, and a pipeline that notes what it is asked."""

    def __init__(self) -> None:
        self.updated: dict[str, Any] = {}
        self.closed: list[str] = []
        self.is_allowed = True
        self.settings()

    def settings(self, *, hidden: tuple[str, ...] = ()) -> None:
        """Another configuration."""
        limits = SimpleNamespace(tool_call_seconds=5, result_bytes=100)
        services = SimpleNamespace(tool_caller=self, ending=anyio.Event(), loop_limits=limits)
        found = SimpleNamespace(find=lambda uri: None if uri in hidden else Place("files", uri))
        surface = SimpleNamespace(resources=found, policy=None)
        self.seen: Any = SimpleNamespace(
            services=services, surface=surface, principal=SimpleNamespace(key_id=KEY, user=None)
        )

    async def watch(self, offer: Any, context: Any, on_update: Any) -> tuple[Any, Any]:
        await anyio.lowlevel.checkpoint()
        uri = offer.arguments["uri"]
        if not self.is_allowed:
            return SimpleNamespace(outcome="denied", error=None, text="no"), None
        self.updated[uri] = on_update
        return SimpleNamespace(outcome="ok"), SimpleNamespace(close=lambda: self.closed.append(uri))

    def allows(self, offer: Any, context: Any) -> bool:
        return self.is_allowed


@pytest.fixture
def world() -> World:
    return World()


async def test_an_update_is_told_once_however_often_it_came(world: World):
    watching = Watchings().of(KEY)
    await watching.add(world.seen, "run", "a:")
    for _ in range(3):
        world.updated["a:"]()
    assert watching.stirred.is_set()
    assert watching.take(world.seen, "run") == ["a:"]
    assert watching.take(world.seen, "run") == []
    assert not watching.stirred.is_set()


async def test_what_may_not_be_read_at_the_moment_is_not_told(world: World):
    watching = Watchings().of(KEY)
    await watching.add(world.seen, "run", "a:")
    world.updated["a:"]()
    world.is_allowed = False
    assert watching.take(world.seen, "run") == []
    world.is_allowed = True
    world.updated["a:"]()
    world.settings(hidden=("a:",))
    assert watching.take(world.seen, "run") == []


async def test_in_another_configuration_each_is_judged_anew_and_may_come_back(world: World):
    watching = Watchings().of(KEY)
    await watching.add_all(world.seen, "run", ["a:", "b:"])
    await watching.follow(world.seen, "run")
    assert world.closed == []
    world.settings(hidden=("b:",))
    await watching.follow(world.seen, "run")
    assert sorted(world.closed) == ["a:", "b:"]
    world.updated["a:"]()
    assert watching.take(world.seen, "run") == ["a:"]
    world.settings()
    await watching.follow(world.seen, "run")
    world.updated["b:"]()
    assert watching.take(world.seen, "run") == ["b:"]


async def test_what_is_refused_or_removed_is_not_watched_and_not_counted(world: World):
    watchings = Watchings()
    watching = watchings.of(KEY)
    world.is_allowed = False
    with pytest.raises(Refusal) as refused:
        await watching.add(world.seen, "run", "a:")
    assert refused.value.status == 403
    world.is_allowed = True
    await watching.add(world.seen, "run", "b:")
    assert (len(watching), watchings._tally) == (1, {KEY: 1})
    world.updated["b:"]()
    watching.remove("b:")
    watching.remove("b:")
    assert watching.take(world.seen, "run") == []
    assert (len(watching), world.closed, watchings._tally) == (0, ["b:"], {})


async def test_what_is_taken_back_while_it_begins_is_closed(world: World):
    watching = Watchings().of(KEY)
    refusals: list[int] = []

    async def add() -> None:
        try:
            await watching.add(world.seen, "run", "a:")
        except Refusal as refusal:
            refusals.append(refusal.status)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(add)
        await anyio.lowlevel.checkpoint()
        watching.close()
    assert (refusals, world.closed, len(watching)) == ([409], ["a:"], 0)


async def test_a_client_and_a_key_watch_so_much_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.api.mcp.watching.MOST_OF_CLIENT", 2)
    monkeypatch.setattr("gateway.api.mcp.watching._MOST_OF_KEY", 3)
    watchings = Watchings()
    one, two = watchings.of(KEY), watchings.of(KEY)
    assert await one.add_all(world.seen, "run", ["a:", "b:", "c:"]) == ["a:", "b:"]
    assert await two.add_all(world.seen, "run", ["a:", "b:"]) == ["a:"]
    assert await watchings.of(KeyId("other")).add_all(world.seen, "run", ["a:"]) == ["a:"]
    one.close()
    assert await two.add_all(world.seen, "run", ["b:"]) == ["a:", "b:"]
