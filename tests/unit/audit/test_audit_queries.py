"""What the trail answers, to its own process and to others."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.audit import AuditRecords, AuditTrail, open_trail
from gateway.store import Database, open_database
from gateway.telemetry import Metrics

from .audit_events import a_call, a_run, url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    async with open_database(url(tmp_path / "t.db")) as opened:
        yield opened


@pytest.fixture
async def trail(database: Database) -> AsyncGenerator[AuditTrail]:
    async with open_trail(database, Metrics()) as opened:
        yield opened


async def ids(records: AuditRecords, **asked: object) -> list[str]:
    return [run.run_id for run in await records.runs(**asked)]  # pyright: ignore[reportArgumentType]


async def test_a_listing_goes_on_where_the_last_one_ended(trail: AuditTrail):
    for number in range(6):
        await trail.record(a_run(number, "even" if number % 2 == 0 else "odd"))
    await trail.flush()
    assert await ids(trail, limit=2) == ["run_5", "run_4"]
    assert await ids(trail, limit=2, before="run_4") == ["run_3", "run_2"]
    assert await ids(trail, before="run_3", key_id="odd") == ["run_1"]
    assert await ids(trail, before="run_0") == []
    assert await ids(trail, before="run_9") == []


async def test_a_listing_goes_on_after_the_newest_were_removed(trail: AuditTrail):
    await trail.record(a_run(1))
    await trail.flush()
    await trail.purge(older_than_days=-1)
    await trail.record(a_run(2))
    await trail.record(a_run(3))
    await trail.flush()
    assert await ids(trail, before="run_3") == ["run_2"]


async def test_calls_of_a_run_that_never_ended_can_be_asked_for(trail: AuditTrail):
    await trail.record(a_call(1, "c1"))
    await trail.record(a_call(2, "c2"))
    await trail.flush()
    assert await trail.run("run_1") is None
    assert [call.call_id for call in await trail.calls("run_1")] == ["c1"]


async def test_a_record_comes_back_as_it_was(trail: AuditTrail):
    run, call = a_run(1), a_call(1)
    await trail.record(call)
    await trail.record(run)
    await trail.flush()
    assert await trail.run("run_1") == (run, [call])


async def test_another_opening_reads_while_this_one_writes(trail: AuditTrail, tmp_path: Path):
    async with open_database(url(tmp_path / "t.db"), read_only=True) as database:
        records = AuditRecords(database)
        assert await ids(records) == []
        await trail.record(a_run(1))
        await trail.flush()
        assert await ids(records) == ["run_1"]


async def test_members_that_a_later_version_wrote_are_passed_over(trail: AuditTrail, database: Database):
    await trail.record(a_run(1))
    await trail.flush()
    change = """update runs set record = replace(record, '"model"', '"price":3,"model"')"""
    assert await database.write(lambda connection: connection.exec_driver_sql(change).rowcount) == 1
    (record,) = await database.read(lambda c: c.exec_driver_sql("select record from runs").one())
    assert '"price":3' in record
    assert await ids(trail) == ["run_1"]


async def test_everything_too_old_goes_however_much_it_is(
    trail: AuditTrail, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gateway.audit.trail._REMOVED_AT_ONCE", 3)
    for number in range(8):
        await trail.record(a_run(number))
        await trail.record(a_call(number))
    await trail.flush()
    assert await trail.purge(older_than_days=1) == 0
    assert await trail.purge(older_than_days=-1) == 16
    assert await ids(trail) == []
