from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.api.mcp.endpoint import McpEndpoint
from gateway.api.mcp.sessions import Session, Sessions
from gateway.api.mcp.wire import Refusal
from gateway.auth import Owner
from tests.support.conditions import eventually

KEY, OTHER = Owner("one"), Owner("two")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begin(sessions: Sessions, key: Owner = KEY, server: str | None = None) -> Session:
    return sessions.begin(key, server, "2025-11-25")


def test_a_session_is_there_for_its_key_at_its_path():
    sessions = Sessions()
    session = begin(sessions, server="files")
    assert sessions.find(session.id, KEY, "files") is session
    assert sessions.find(session.id, OTHER, "files") is None
    assert sessions.find(session.id, KEY, None) is None
    assert sessions.find("guess", KEY, "files") is None


def test_ids_cannot_be_guessed():
    sessions = Sessions()
    ids = {begin(sessions).id for _ in range(50)}
    assert len(ids) == 50
    assert min(map(len, ids)) >= 32


def test_a_session_that_is_not_used_is_forgotten(clock: Clock):
    sessions = Sessions(idle=60, clock=clock)
    session = begin(sessions)
    for _ in range(3):
        clock.now += 50
        assert sessions.find(session.id, KEY, None) is session
    clock.now += 61
    assert sessions.find(session.id, KEY, None) is None
    assert len(sessions) == 0


def test_what_nobody_asks_for_is_forgotten_as_well(clock: Clock):
    sessions = Sessions(idle=60, clock=clock)
    for _ in range(5):
        begin(sessions)
    clock.now += 61
    begin(sessions)
    assert len(sessions) == 1


async def test_a_session_with_something_under_way_is_kept(clock: Clock):
    sessions = Sessions(idle=60, clock=clock)
    session = begin(sessions)
    with session.calling(1):
        clock.now += 1000
        assert sessions.find(session.id, KEY, None) is session


def test_too_many_of_a_key_take_the_place_of_its_own_oldest(clock: Clock):
    sessions = Sessions(most_of_key=2, clock=clock)
    of_other = begin(sessions, OTHER)
    first, second = begin(sessions), begin(sessions)
    clock.now += 1
    sessions.find(first.id, KEY, None)
    begin(sessions)
    assert sessions.find(second.id, KEY, None) is None
    assert sessions.find(first.id, KEY, None) is first
    assert sessions.find(of_other.id, OTHER, None) is of_other


def test_when_all_places_are_taken_the_key_that_has_the_most_gives_way(clock: Clock):
    sessions = Sessions(most=4, clock=clock)
    crowd = [begin(sessions, Owner(f"two/user-{number}")) for number in range(3)]
    kept = begin(sessions, Owner("three"))
    mine = begin(sessions)
    assert sessions.find(crowd[0].id, crowd[0].owner, None) is None
    for session in (*crowd[1:], kept, mine):
        assert sessions.find(session.id, session.owner, None) is session


def test_a_key_cannot_have_the_places_of_those_that_have_no_more_than_it(clock: Clock):
    sessions = Sessions(most=3, clock=clock)
    others = [begin(sessions, Owner("two")), begin(sessions, Owner("three"))]
    mine = begin(sessions)
    again = begin(sessions)
    assert sessions.find(mine.id, KEY, None) is None
    with pytest.raises(Refusal) as full:
        begin(sessions, Owner("four"))
    assert full.value.status == 503
    assert all(sessions.find(session.id, session.owner, None) for session in (*others, again))


async def test_a_call_is_cancelled_by_its_id_and_its_id_alone():
    session = begin(Sessions())
    with session.calling(1) as scope, session.calling("1") as other:
        session.cancel(True)
        session.cancel([1])
        session.cancel(2)
        assert not scope.cancel_called
        session.cancel("1")
        assert other.cancel_called
        assert not scope.cancel_called
    assert session.calls == {}


async def test_an_id_under_way_is_refused():
    session = begin(Sessions())
    with session.calling(1), pytest.raises(Refusal), session.calling(1):
        pass
    with session.calling(1):
        pass


async def test_ending_a_session_ends_what_it_has_under_way():
    sessions = Sessions()
    session = begin(sessions)
    with session.calling(1) as scope:
        sessions.end(session)
        assert scope.cancel_called


async def test_a_session_whose_stream_has_just_ended_was_used_just_now(clock: Clock):
    sessions = Sessions(idle=60, clock=clock)
    session = begin(sessions)
    nothing: Any = None
    endpoint: Any = McpEndpoint(nothing, nothing, nothing, sessions)

    async def run(request: object, answer: object) -> None:
        clock.now += 3600

    stream = SimpleNamespace(listener=SimpleNamespace(key_id=KEY), run=run)
    await endpoint._follow(session, stream, None, SimpleNamespace(headers={}))
    assert sessions.find(session.id, KEY, None) is session


async def test_sessions_are_forgotten_in_time_even_if_nobody_begins_another(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gateway.api.mcp.sessions._SWEEP_EVERY", 0.01)
    sessions = Sessions(idle=60, clock=clock)
    begin(sessions)
    begin(sessions)
    for _ in range(2):
        sessions.keep_swept(asyncio.get_running_loop())
    clock.now += 61
    await eventually(lambda: len(sessions) == 0)
    assert sessions._timer is None
