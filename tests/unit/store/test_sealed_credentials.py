"""Credentials at rest: sealed, bound to their place, taken once."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from gateway.store import Place, SealedCredentials, open_database

HERS = Place("tokens", "github", "agent/alice")
HIS = Place("tokens", "github", "agent/bob")
SECRET = b"tg-refresh-token-that-nobody-may-read"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def database(tmp_path: Path):
    async with open_database(f"sqlite:///{tmp_path}/toolgate.db") as opened:
        yield opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kept(database, clock):
    return SealedCredentials(database, bytes(32), clock=clock)


async def test_a_secret_is_had_back_replaced_and_forgotten(kept):
    await kept.put(HERS, b"old")
    await kept.put(HERS, SECRET)
    assert await kept.get(HERS) == SECRET
    assert await kept.get(HIS) is None
    await kept.remove(HERS)
    assert await kept.get(HERS) is None


async def test_nothing_of_a_secret_is_in_the_files_and_another_key_opens_none(tmp_path, database, kept, caplog):
    await kept.put(HERS, SECRET)
    for file in tmp_path.glob("toolgate.db*"):
        assert SECRET not in file.read_bytes()
        assert b"refresh" not in file.read_bytes()
    assert await SealedCredentials(database, bytes([1] * 32)).get(HERS) is None
    assert "cannot be opened" in caplog.text
    assert SECRET.decode() not in caplog.text


async def test_moved_to_another_users_row_a_secret_does_not_open(database, kept):
    await kept.put(HERS, SECRET)
    await database.write(
        lambda connection: connection.execute(text("update credentials set subject = 'agent/bob'"))
    )
    assert await kept.get(HIS) is None


async def test_a_secret_is_taken_by_one_of_many(kept):
    await kept.put(HERS, SECRET)
    taken = []

    async def take() -> None:
        taken.append(await kept.take(HERS))

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(take)
    assert sorted(taken, key=str) == sorted([SECRET, *[None] * 7], key=str)


async def test_what_is_out_of_date_is_absent_and_purged(kept, clock, database):
    await kept.put(HERS, SECRET, expires=int(clock.now) + 10)
    await kept.put(HIS, SECRET)
    clock.now += 10
    assert await kept.get(HERS) is None
    assert await kept.take(HERS) is None
    await kept.put(HERS, SECRET, expires=int(clock.now))
    await kept.purge()
    count = text("select count(*) from credentials")
    assert await database.read(lambda connection: connection.execute(count).scalar_one()) == 1


async def test_whose_there_are_is_told_newest_first_and_bounded(kept, clock):
    for name in ("alice", "bob", "carol"):
        clock.now += 1
        await kept.put(Place("tokens", "github", name), SECRET)
    await kept.put(Place("tokens", "gitlab", "dave"), SECRET)
    assert await kept.subjects("tokens", "github", most=2) == ["carol", "bob"]


async def test_the_key_is_made_once_for_its_owner_alone(database, tmp_path):
    first = await SealedCredentials.open(database, tmp_path / "state")
    await first.put(HERS, SECRET)
    again = await SealedCredentials.open(database, tmp_path / "state")
    assert await again.get(HERS) == SECRET
    assert (tmp_path / "state" / "credentials.key").stat().st_mode & 0o077 == 0
