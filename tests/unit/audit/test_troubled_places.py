"""A trail of which one place is in trouble."""

from __future__ import annotations

import fcntl
import logging
from pathlib import Path

import anyio
import orjson
import pytest

from gateway.audit import lines as lines_module
from gateway.audit import open_trail
from gateway.audit import places as places_module
from gateway.store import open_database
from gateway.telemetry import Metrics
from tests.support.conditions import eventually

from .audit_events import a_run, url


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def ids_in(path: Path) -> list[str]:
    return [orjson.loads(line)["run_id"] for line in path.read_bytes().splitlines()]


async def test_one_place_in_trouble_keeps_no_record_from_the_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path, here, gone = tmp_path / "a.jsonl", tmp_path / "t.db", tmp_path / "gone.db"
    async with (
        open_database(url(here)) as database,
        open_trail(database, Metrics(), path, most_waiting=2) as trail,
    ):
        here.rename(gone)
        await trail.record(a_run(0))
        await trail.record(a_run(1))
        await eventually(lambda: path.read_bytes().count(b"\n") == 2)
        assert not trail.offer(a_run(9))  # the database has no room for it, so nobody takes it
        with anyio.move_on_after(0.05) as waiting:
            await trail.record(a_run(2))
        assert waiting.cancelled_caught
        await eventually(lambda: path.read_bytes().count(b"\n") == 3)
        assert ["run_2" in line and "not in the database" in line for line in said(caplog, logging.CRITICAL)] == [
            True
        ]
        gone.rename(here)
        with anyio.fail_after(60):
            await trail.flush()
        assert [run.run_id for run in await trail.runs()] == ["run_1", "run_0"]
    assert ids_in(path) == ["run_0", "run_1", "run_2"]


async def test_trouble_is_told_once_in_a_while_and_so_is_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(places_module, "_RETRY_SECONDS", (0.01,))
    counted: list[int] = []
    metrics = Metrics()
    monkeypatch.setattr(metrics, "audit_write_failed", counted.append)
    here, gone = tmp_path / "t.db", tmp_path / "gone.db"
    async with open_database(url(here)) as database, open_trail(database, metrics) as trail:
        here.rename(gone)
        await trail.record(a_run(1))
        await eventually(lambda: len(counted) >= 5)
        gone.rename(here)
        await trail.flush()
    assert len(said(caplog, logging.ERROR)) == 1
    assert said(caplog, logging.WARNING) == ["audit records can be written to the database again"]


async def test_what_is_recorded_after_the_end_goes_to_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with open_database(url(tmp_path / "t.db")) as database:
        async with open_trail(database, Metrics()) as trail:
            pass
        await trail.record(a_run(1))
        assert trail.offer(a_run(2))
    assert ["run_1" in said(caplog, logging.CRITICAL)[0], "run_2" in said(caplog, logging.CRITICAL)[1]] == [
        True,
        True,
    ]


async def test_a_process_that_holds_the_file_is_not_waited_for_by_the_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lines_module, "_LOCKING", 0.02)
    path = tmp_path / "a.jsonl"
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics(), path) as trail:
        with path.open("ab") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            await trail.record(a_run(1))
            await eventually(lambda: said(caplog, logging.ERROR))
            assert [run.run_id for run in await trail.runs()] == ["run_1"]
            assert path.read_bytes() == b""
    assert ids_in(path) == ["run_1"]


@pytest.mark.parametrize("errors", [("body",), ()])
async def test_what_the_body_raises_leaves_as_it_is(tmp_path: Path, errors: tuple[str, ...]):
    async def body() -> None:
        async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics()) as trail:
            await trail.record(a_run(1))
            for error in errors:
                raise KeyError(error)

    if errors:
        with pytest.raises(KeyError, match="body"):
            await body()
    else:
        await body()
    async with open_database(url(tmp_path / "t.db"), read_only=True) as database:
        from gateway.audit import AuditRecords

        assert [run.run_id for run in await AuditRecords(database).runs()] == ["run_1"]


async def test_a_disk_that_is_full_leaves_whole_lines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Half a batch is written when the disk is full: it is taken back, and written whole once there is room."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"run_id":"before"}\n')
    write, room = lines_module.os.write, [30]

    def short_write(descriptor: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics(), path) as trail:
        monkeypatch.setattr(lines_module.os, "write", short_write)
        await trail.record(a_run(1))
        await eventually(lambda: room[0] <= 0)
        await eventually(lambda: path.read_bytes() == b'{"run_id":"before"}\n')
        room[0] = 10_000
        await trail.flush()
        monkeypatch.undo()
    assert ids_in(path) == ["before", "run_1"]
