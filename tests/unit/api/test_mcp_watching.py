"""What one client watches: when a watch is begun, given up and counted, and what of it is told."""

from __future__ import annotations

import math
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
        self.outcome = "ok"
        self.upstream = "first"
        self.begun = anyio.Event()
        self.go_on: anyio.Event | None = None
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
        self.begun.set()
        if self.go_on is not None:
            await self.go_on.wait()
        if self.outcome != "ok":
            return SimpleNamespace(outcome=self.outcome, error=None, text="not now"), None
        self.updated[uri] = on_update
        upstream = self.upstream
        return SimpleNamespace(outcome="ok"), SimpleNamespace(
            upstream=upstream,
            continues=lambda before: before is not None and before.upstream == upstream,
            close=lambda: self.closed.append(uri),
        )

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


@pytest.mark.parametrize("outcome", ["server_down", "timeout"])
async def test_what_cannot_be_judged_for_now_is_watched_on_and_judged_later(
    world: World, outcome: str, monkeypatch: pytest.MonkeyPatch
):
    watching = Watchings().of(KEY)
    await watching.add(world.seen, "run", "a:")
    world.settings()
    world.outcome = outcome
    await watching.follow(world.seen, "run")
    assert world.closed == []
    assert 0 < watching.due_in() <= 30
    world.updated["a:"]()
    assert watching.take(world.seen, "run") == ["a:"]
    world.outcome = "ok"
    await watching.follow(world.seen, "run")  # too soon
    assert world.closed == []
    now = anyio.current_time()
    monkeypatch.setattr("anyio.current_time", lambda: now + 60)
    await watching.follow(world.seen, "run")
    assert (world.closed, watching.due_in()) == (["a:"], math.inf)
    world.updated["a:"]()
    assert watching.take(world.seen, "run") == ["a:"]


async def test_what_is_again_where_it_was_needs_no_further_try(world: World, monkeypatch: pytest.MonkeyPatch):
    watching = Watchings().of(KEY)
    await watching.add(world.seen, "run", "a:")
    resources = world.seen.surface.resources
    before, resources.find = resources.find, lambda uri: Place("other", uri)
    world.outcome = "server_down"
    await watching.follow(world.seen, "run")
    assert watching.due_in() <= 30
    resources.find = before
    now = anyio.current_time()
    monkeypatch.setattr("anyio.current_time", lambda: now + 60)
    await watching.follow(world.seen, "run")
    assert (watching.due_in(), world.closed) == (math.inf, [])


async def test_whoever_asks_for_it_again_and_is_refused_for_now_does_not_watch_it(world: World):
    watching = Watchings().of(KEY)
    await watching.add(world.seen, "run", "a:")
    world.settings()
    world.outcome = "server_down"
    with pytest.raises(Refusal):
        await watching.add(world.seen, "run", "a:")
    assert (len(watching), world.closed) == (0, ["a:"])


async def test_a_stream_that_ends_while_all_is_judged_anew_leaves_that_to_the_next(world: World):
    watching = Watchings().of(KEY)
    await watching.add(world.seen, "run", "a:")
    world.settings()
    world.begun, world.go_on = anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watching.follow, world.seen, "run")
        await world.begun.wait()
        tasks.cancel_scope.cancel()
    assert world.closed == []
    world.updated["a:"]()
    assert watching.take(world.seen, "run") == ["a:"]
    world.go_on.set()
    await watching.follow(world.seen, "run")
    world.updated["a:"]()
    assert (watching.take(world.seen, "run"), world.closed) == (["a:"], ["a:"])


async def test_what_is_taken_back_while_all_is_judged_anew_harms_nothing_else(world: World):
    watching = Watchings().of(KEY)
    uris = [f"{number}:" for number in range(20)]  # more than are judged at once
    await watching.add_all(world.seen, "run", uris)
    world.settings()
    world.begun, world.go_on = anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watching.follow, world.seen, "run")
        await world.begun.wait()
        for uri in uris[1:]:
            watching.remove(uri)
        world.go_on.set()
    assert len(watching) == 1


async def test_what_another_process_tells_of_from_now_on_counts_as_changed(world: World):
    watching = Watchings().of(KEY)
    await watching.add(world.seen, "run", "a:")
    world.settings()
    await watching.follow(world.seen, "run")
    assert watching.take(world.seen, "run") == []
    world.settings()
    world.upstream = "second"
    await watching.follow(world.seen, "run")
    assert watching.stirred.is_set()
    assert watching.take(world.seen, "run") == ["a:"]


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
