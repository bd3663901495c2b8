from __future__ import annotations

import anyio
import pytest

from gateway.auth import KeyId, User, owner_of
from gateway.errors import IdempotencyMismatch
from gateway.tool_loop import Attempts, RequestIdentity, ToolLoop

from .conversations import answer, call
from .scripted import Run, ScriptedTools


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def identity(body: bytes = b"body", *, key: str = "k", idempotency_key: str | None = None) -> RequestIdentity:
    return RequestIdentity(KeyId(key), body, idempotency_key)


def new_loop() -> ToolLoop:
    return Run(answer("done")).loop


async def claimed(attempts: Attempts, who: RequestIdentity, *, rejoin: bool = True, size: int = 10) -> ToolLoop:
    async with attempts.claim(who, begin=new_loop, body_bytes=size, rejoin=rejoin) as loop:
        return loop


async def test_a_retry_joins_the_run_that_the_first_attempt_began():
    attempts = Attempts()
    first = await claimed(attempts, identity(), rejoin=False)
    assert await claimed(attempts, identity()) is first


async def test_a_request_that_is_no_retry_begins_a_run_of_its_own():
    attempts = Attempts()
    first = await claimed(attempts, identity(), rejoin=False)
    second = await claimed(attempts, identity(), rejoin=False)
    assert second is not first
    assert await claimed(attempts, identity()) is second


@pytest.mark.parametrize("other", [identity(b"another"), identity(key="other"), identity(idempotency_key="i")])
async def test_another_body_key_or_idempotency_key_is_another_run(other):
    attempts = Attempts()
    assert await claimed(attempts, identity()) is not await claimed(attempts, other)


async def test_an_idempotency_key_names_one_run_of_its_owner():
    attempts = Attempts()
    first = await claimed(attempts, identity(idempotency_key="i"))
    assert await claimed(attempts, identity(idempotency_key="i")) is first
    assert await claimed(attempts, identity(idempotency_key="i", key="other")) is not first


async def test_an_idempotency_key_used_for_another_body_is_refused():
    attempts = Attempts()
    first = await claimed(attempts, identity(idempotency_key="i"))
    with pytest.raises(IdempotencyMismatch, match="send a new key"):
        await claimed(attempts, identity(b"another", idempotency_key="i"))
    assert await claimed(attempts, identity(idempotency_key="i")) is first


async def test_a_run_is_forgotten_some_time_after_its_last_use(clock):
    attempts = Attempts(ttl_seconds=10, clock=clock)
    first = await claimed(attempts, identity(idempotency_key="i"))
    clock.now += 9
    assert await claimed(attempts, identity(idempotency_key="i")) is first
    clock.now += 9
    assert await claimed(attempts, identity(idempotency_key="i")) is first
    clock.now += 11
    assert await claimed(attempts, identity(b"new body", idempotency_key="i")) is not first


async def test_what_is_unused_for_longest_goes_when_there_are_too_many():
    attempts = Attempts(most_runs=2)
    one, two = await claimed(attempts, identity(b"1")), await claimed(attempts, identity(b"2"))
    assert await claimed(attempts, identity(b"1")) is one
    await claimed(attempts, identity(b"3"))
    assert await claimed(attempts, identity(b"1")) is one
    assert await claimed(attempts, identity(b"2")) is not two


async def test_what_is_unused_for_longest_goes_when_they_are_too_large():
    attempts = Attempts(most_bytes=100)
    one = await claimed(attempts, identity(b"1"), size=60)
    two = await claimed(attempts, identity(b"2"), size=60)
    assert await claimed(attempts, identity(b"2")) is two
    assert await claimed(attempts, identity(b"1"), size=1000) is not one
    last = await claimed(attempts, identity(b"3"), size=1000)
    assert await claimed(attempts, identity(b"3")) is last, "the last one is kept whatever its size"


async def test_what_the_tools_gave_counts_towards_the_size():
    attempts = Attempts(most_bytes=1000)

    async def much(_call) -> str:
        return "x" * 2000

    run = Run(answer(call("1")), answer("done"), tools=ScriptedTools(much))
    async with attempts.claim(identity(b"1"), begin=lambda: run.loop, body_bytes=10, rejoin=True):
        await run.go()
    await claimed(attempts, identity(b"2"))
    assert await claimed(attempts, identity(b"1")) is not run.loop


async def test_a_run_at_work_is_never_forgotten(clock):
    attempts = Attempts(most_runs=1, most_bytes=1, ttl_seconds=10, clock=clock)
    async with attempts.claim(identity(b"1"), begin=new_loop, body_bytes=10, rejoin=True) as at_work:
        clock.now += 1000
        await claimed(attempts, identity(b"2"))
        await claimed(attempts, identity(b"3"))
        assert attempts._runs[identity(b"1").slot].loop is at_work
    assert await claimed(attempts, identity(b"1")) is at_work


async def test_a_retry_waits_for_the_attempt_at_work_and_gets_its_answer():
    attempts = Attempts()
    begun, release = anyio.Event(), anyio.Event()

    async def work(_call) -> str:
        begun.set()
        await release.wait()
        return "ok"

    run = Run(answer(call("1")), answer("done"), tools=ScriptedTools(work))
    answers = []

    async def attempt() -> None:
        async with attempts.claim(identity(), begin=lambda: run.loop, body_bytes=1, rejoin=True):
            answers.append((await run.go()).text)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(attempt)
            await begun.wait()
            tasks.start_soon(attempt)
            await anyio.wait_all_tasks_blocked()
            assert answers == []
            release.set()
    assert answers == ["done", "done"]
    assert run.tools.began == ["1"]


async def test_an_attempt_that_broke_off_leaves_its_run_to_the_next():
    attempts = Attempts()
    stuck = anyio.Event()
    runs = []

    async def work(one) -> str:
        if one.id == "2" and not stuck.is_set():
            stuck.set()
            await anyio.sleep_forever()
        return "ok"

    def begin() -> ToolLoop:
        runs.append(Run(answer(call("1"), call("2", arguments="[]")), answer("done"), tools=ScriptedTools(work)))
        return runs[-1].loop

    async def attempt() -> None:
        async with attempts.claim(identity(), begin=begin, body_bytes=1, rejoin=True):
            await runs[0].go()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(attempt)
            await stuck.wait()
            tasks.cancel_scope.cancel()
        await attempt()
    (run,) = runs
    assert run.loop.finish.text == "done"
    assert sorted(run.tools.ended) == ["1", "2"]


async def test_the_count_of_bytes_is_right_whatever_happens_to_runs():
    attempts = Attempts(most_runs=3, most_bytes=100)
    for number in range(50):
        await claimed(attempts, identity(b"%d" % (number % 7)), rejoin=number % 3 == 0, size=number)
        assert attempts._bytes == sum(run.size for run in attempts._runs.values())
        assert len(attempts._runs) <= 3


async def test_two_users_behind_one_key_never_join_each_others_runs():
    attempts, key = Attempts(), KeyId("k")
    ann, ben = (owner_of(key, User("https://id.example", name)) for name in ("ann", "ben"))
    first = await claimed(attempts, identity(key=ann, idempotency_key="i"))
    assert await claimed(attempts, identity(key=ben, idempotency_key="i")) is not first
    assert await claimed(attempts, identity(key=key, idempotency_key="i")) is not first
    assert await claimed(attempts, identity(key=ann, idempotency_key="i")) is first
