"""The trail over a real database and a real file."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio
import orjson
import pytest
from sqlalchemy import Connection, text

from gateway.audit import AuditEvent, AuditTrail, open_trail
from gateway.audit import trail as trail_module
from gateway.audit.places import Place
from gateway.errors import StoreError
from gateway.store import Database, open_database, sqlite
from gateway.telemetry import Metrics

from .audit_events import a_call, a_run, url

WRITER = str(Path(__file__).with_name("audit_events.py"))


def failures(metrics: Metrics) -> float:
    line = next(
        line
        for line in metrics.exposition({}, ()).decode().splitlines()
        if line.startswith("toolgate_audit_write_failures_total ")
    )
    return float(line.split()[1])


def lines_of(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def critical(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]


async def test_what_was_recorded_is_found_by_run_and_by_key_newest_first(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics()) as trail:
        for number in range(5):
            await trail.record(a_run(number, "even" if number % 2 == 0 else "odd"))
        await trail.record(a_call(3, "first"))
        await trail.record(a_call(3, "second"))
        await trail.flush()
        assert [run.run_id for run in await trail.runs(limit=3)] == ["run_4", "run_3", "run_2"]
        assert [run.run_id for run in await trail.runs(key_id="odd")] == ["run_3", "run_1"]
        assert len(await trail.runs(limit=-1)) == 1
        found = await trail.run("run_3")
        assert found is not None
        assert (found[0].key_id, [call.call_id for call in found[1]]) == ("odd", ["first", "second"])
        assert await trail.run("run_9") is None


async def test_of_a_run_that_was_taken_up_again_the_last_end_counts(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics()) as trail:
        first, second = a_run(), a_run(key="later")
        await trail.record(first)
        await trail.record(second)
        await trail.flush()
        found = await trail.run("run_1")
    assert found is not None
    assert found[0].key_id == "later"


async def test_leaving_the_trail_writes_what_still_waits(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database:
        async with open_trail(database, Metrics(), tmp_path / "a.jsonl") as trail:
            for number in range(1200):
                assert trail.offer(a_run(number))
        assert len(await AuditTrail(database, ()).runs(limit=1000)) == 1000
    assert [line["run_id"] for line in lines_of(tmp_path / "a.jsonl")] == [f"run_{n}" for n in range(1200)]


async def test_a_trail_that_is_cancelled_writes_what_still_waits(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database:
        with anyio.CancelScope() as scope:
            async with open_trail(database, Metrics()) as trail:
                trail.offer(a_run())
                scope.cancel()
                await anyio.sleep_forever()
        assert [run.run_id for run in await AuditTrail(database, ()).runs()] == ["run_1"]


async def test_what_is_too_old_is_purged_and_nothing_else(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics()) as trail:
        await trail.record(a_run())
        await trail.record(a_call())
        await trail.flush()
        await trail.purge(older_than_days=1)
        assert await trail.run("run_1") is not None
        await trail.purge(older_than_days=-1)
        assert await trail.run("run_1") is None
        assert await database.read(lambda c: c.execute(text("select count(*) from tool_calls")).scalar_one()) == 0


def fill(connection: Connection) -> None:
    connection.execute(text("create table if not exists filler (bytes blob)"))
    connection.execute(text("insert into filler values (zeroblob(40000))"))


async def fill_up(database: Database) -> None:
    while True:
        await database.write(fill)


async def test_records_wait_while_the_disk_is_full_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(sqlite, "_PRAGMAS", (*sqlite._PRAGMAS, "PRAGMA max_page_count = 600"))
    metrics = Metrics()
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, metrics) as trail:
        with pytest.raises(StoreError, match="no room"):
            await fill_up(database)
        for number in range(1500):
            await trail.record(a_run(number))
        with anyio.fail_after(60):
            while failures(metrics) == 0:
                await anyio.sleep(0.01)
        assert any("audit records wait for the database" in record.getMessage() for record in caplog.records)
        await database.write(lambda connection: connection.execute(text("delete from filler")) and None)
        with anyio.fail_after(60):
            await trail.flush()
        count = await database.read(lambda c: c.execute(text("select count(*) from runs")).scalar_one())
    assert count == 1500
    assert critical(caplog) == []


async def test_what_cannot_be_written_by_the_end_is_told_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(trail_module, "_LEAVING", 0.2)
    async with open_database(url(tmp_path / "t.db")) as database:
        async with open_trail(database, Metrics()) as trail:
            (tmp_path / "t.db").rename(tmp_path / "gone.db")
            await trail.record(a_run(7))
        assert ["run_7" in line for line in critical(caplog)] == [True]


class Stuck:
    """A place whose writing goes wrong in ways that the tests choose."""

    def __init__(
        self, metrics: Metrics, error: type[Exception] | None = None, bad: str = "", most_waiting: int = 99
    ) -> None:
        self.kept: list[AuditEvent] = []
        self.open = anyio.Event()
        self._error = error
        self._bad = bad
        self.place = Place("a place", self.write, metrics, most_waiting=most_waiting)

    async def write(self, events: Sequence[AuditEvent]) -> None:
        if self._error is None:
            await self.open.wait()
        elif any(event.run_id == self._bad for event in events):
            raise self._error("this one")
        self.kept.extend(events)


async def test_a_record_that_no_place_takes_goes_to_the_log_and_keeps_no_other_waiting(
    caplog: pytest.LogCaptureFixture,
):
    metrics = Metrics()
    stuck = Stuck(metrics, ValueError, bad="run_1")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stuck.place.run)
        for number in range(3):
            stuck.place.take(a_run(number))
        with anyio.fail_after(60):
            await stuck.place.flushed()
        stuck.place.stop()
    assert [event.run_id for event in stuck.kept] == ["run_0", "run_2"]
    assert ["run_1" in line for line in critical(caplog)] == [True]
    assert failures(metrics) > 0


async def test_whoever_brings_records_waits_while_too_many_wait(caplog: pytest.LogCaptureFixture):
    stuck = Stuck(Metrics(), most_waiting=3)
    trail = AuditTrail(None, [stuck.place])  # pyright: ignore[reportArgumentType] - not asked here
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stuck.place.run)
        assert [trail.offer(a_run(number)) for number in range(4)] == [True, True, True, False]
        with anyio.move_on_after(0.1) as waiting:
            await trail.record(a_run(4))
        assert waiting.cancelled_caught
        assert ["run_4" in line for line in critical(caplog)] == [True]
        stuck.open.set()
        with anyio.fail_after(60):
            await trail.record(a_run(5))
            await trail.flush()
        stuck.place.stop()
    assert [event.run_id for event in stuck.kept] == ["run_0", "run_1", "run_2", "run_5"]


async def test_the_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics(), path):
        pass
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_line_that_was_torn_by_a_kill_spoils_no_other(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"kind":"run","run_id":"whole"}\n{"kind":"run","run_i')
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics(), path) as trail:
        await trail.record(a_run(3))
    whole, torn, mine, end = path.read_bytes().split(b"\n")
    assert (orjson.loads(whole)["run_id"], orjson.loads(mine)["run_id"], end) == ("whole", "run_3", b"")
    assert torn == b'{"kind":"run","run_i'


async def test_a_file_that_is_rotated_is_made_anew(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics(), path) as trail:
        await trail.record(a_run(1))
        await trail.flush()
        path.rename(tmp_path / "a.jsonl.1")
        await trail.record(a_run(2))
    assert [line["run_id"] for line in lines_of(tmp_path / "a.jsonl.1")] == ["run_1"]
    assert [line["run_id"] for line in lines_of(path)] == ["run_2"]


@pytest.mark.parametrize("what", ["folder", "no folder", "pipe"])
async def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path, what: str):
    path = tmp_path / "a.jsonl"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path = tmp_path / "missing" / "a.jsonl"
    async with open_database(url(tmp_path / "t.db")) as database:
        with pytest.raises(StoreError, match=r"audit file .* cannot be written: "):
            async with open_trail(database, Metrics(), path):
                raise AssertionError("it was opened")


async def test_two_processes_write_one_trail_and_every_line_is_whole(tmp_path: Path):
    async with anyio.create_task_group() as tasks:
        for first in (1000, 2000):
            tasks.start_soon(anyio.run_process, [sys.executable, WRITER, str(tmp_path), str(first), "500"])
    wanted = {f"run_{number}" for first in (1000, 2000) for number in range(first, first + 500)}
    async with open_database(url(tmp_path / "t.db")) as database:
        assert {run.run_id for run in await AuditTrail(database, ()).runs(limit=1000)} == wanted
    assert {line["run_id"] for line in lines_of(tmp_path / "audit.jsonl")} == wanted


async def test_a_writer_that_is_killed_leaves_what_it_had_flushed(tmp_path: Path):
    async with await anyio.open_process([sys.executable, WRITER, str(tmp_path), "0", "1000000"]) as process:
        assert process.stdout is not None
        with anyio.fail_after(60):
            said = b""
            while said.count(b"\n") < 4:
                said += await process.stdout.receive()
        process.send_signal(signal.SIGKILL)
    flushed = int(said.split()[-1])
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {run_id for (run_id,) in database.execute("select run_id from runs")}
    assert {f"run_{number}" for number in range(flushed + 1)} <= kept
