"""A database as a file: who may read it, what is refused, and what goes wrong with it."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import anyio
import anyio.to_thread
import pytest
from sqlalchemy import URL, Connection, select, text, update

from gateway.errors import StoreError
from gateway.store import Database, open_database, sqlite
from gateway.store.migrations import NEWEST
from gateway.store.tables import schema_version

WRITER = str(Path(__file__).with_name("count_up.py"))


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def put(number: int):
    def work(connection: Connection) -> None:
        connection.execute(text("create table if not exists numbers (number integer)"))
        connection.execute(text("insert into numbers values (:number)"), {"number": number})

    return work


def count(connection: Connection) -> int:
    return connection.execute(text("select count(*) from numbers")).scalar_one()


async def refusal(path: Path, *, read_only: bool = False) -> StoreError:
    with pytest.raises(StoreError) as caught:
        async with open_database(url(path), read_only=read_only):
            pass
    assert caught.value.hint
    return caught.value


async def test_the_file_and_those_beside_it_are_the_owners_alone_whatever_the_umask(tmp_path: Path):
    path = tmp_path / "state" / "toolgate.db"
    before = os.umask(0)
    try:
        async with open_database(url(path)) as database:
            await database.write(put(1))
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"toolgate.db": 0o600, "toolgate.db-wal": 0o600, "toolgate.db-shm": 0o600}
    # Boxes of a gateway that is root run as another user, and pass through to their workspaces.
    assert path.parent.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)


async def test_a_file_that_others_can_read_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "t.db"
    path.touch(mode=0o644)
    async with open_database(url(path)):
        pass
    assert [record.levelno for record in caplog.records if "chmod 600" in record.getMessage()] == [logging.WARNING]


async def test_it_is_in_wal_mode_and_waits_for_others(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database:

        def pragmas(connection: Connection) -> list[object]:
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]

        assert await database.read(pragmas) == ["wal", 1, 1, 10_000]


async def test_what_was_written_is_there_the_next_time(tmp_path: Path):
    path = tmp_path / "with %20, # and ?.db"
    quoted = f"sqlite:///{quote(str(path))}"
    async with open_database(quoted) as database:
        await database.write(put(1))
    async with open_database(quoted) as database:
        assert await database.read(count) == 1
    assert path.exists()


async def test_work_that_fails_writes_nothing(tmp_path: Path):
    def half(connection: Connection) -> None:
        put(2)(connection)
        raise ValueError("in the middle")

    async with open_database(url(tmp_path / "t.db")) as database:
        await database.write(put(1))
        with pytest.raises(ValueError, match="in the middle"):
            await database.write(half)
        assert await database.read(count) == 1


async def test_a_file_of_another_form_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "t.db"
    path.write_bytes(b"these are no tables at all\n" * 100)
    assert "is not a database" in str(await refusal(path))
    assert path.read_bytes() == b"these are no tables at all\n" * 100


async def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "t.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("create table albums (title)")
    before = path.read_bytes()
    assert "belongs to another program" in str(await refusal(path))
    assert path.read_bytes() == before


async def test_a_damaged_database_is_refused(tmp_path: Path):
    path = tmp_path / "t.db"
    async with open_database(url(path)) as database:
        await database.write(put(1))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    assert "is damaged" in str(await refusal(path))


async def test_a_database_of_a_later_version_is_refused(tmp_path: Path):
    path = tmp_path / "t.db"
    async with open_database(url(path)) as database:
        await database.write(
            lambda connection: connection.execute(update(schema_version).values(version=99)).rowcount
        )
    assert "written by a newer toolgate: its tables are of version 99" in str(await refusal(path))


@pytest.mark.parametrize("what", ["folder", "pipe"])
async def test_what_is_no_file_is_refused(tmp_path: Path, what: str):
    path = tmp_path / "t.db"
    if what == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with anyio.fail_after(60):
        assert "is not a file" in str(await refusal(path))


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "state").touch()
    failure = await refusal(tmp_path / "state" / "t.db")
    assert str(tmp_path / "state") in f"{failure} {failure.hint}"


@pytest.mark.parametrize("memory", ["sqlite://", "sqlite:///:memory:"])
async def test_a_database_in_memory_is_refused(memory: str):
    with pytest.raises(StoreError, match="keeps nothing"):
        async with open_database(memory):
            pass


async def test_a_driver_that_is_missing_is_named_and_the_password_is_not():
    with pytest.raises(StoreError, match="needs a driver") as caught:
        async with open_database("postgresql+pg8000://me:hush-hush@localhost/tools"):
            pass
    assert "hush-hush" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(("said", "seconds"), [("", "10"), ("?connect_timeout=3", "3")])
async def test_a_server_that_no_longer_answers_is_given_up_unless_the_operator_says_how(
    said: str, seconds: str, monkeypatch: pytest.MonkeyPatch
):
    made: list[URL] = []

    def make(url: URL, **_: object) -> None:
        made.append(url)
        raise ImportError("none", name="psycopg")

    monkeypatch.setattr("gateway.store.database.create_engine", make)
    with pytest.raises(StoreError, match="needs a driver"):
        async with open_database(f"postgresql+psycopg://me:hush-hush@localhost/tools{said}"):
            pass
    assert made[0].query["connect_timeout"] == seconds
    assert made[0].query["tcp_user_timeout"] == "30000"
    assert made[0].password == "hush-hush"


async def test_read_only_nothing_is_made_or_changed(tmp_path: Path):
    path = tmp_path / "t.db"
    assert "is not there yet" in str(await refusal(path, read_only=True))
    assert not path.exists()
    async with open_database(url(path)) as writing:
        await writing.write(put(1))
        async with open_database(url(path), read_only=True) as reading:
            assert await reading.read(count) == 1
            await writing.write(put(2))
            assert await reading.read(count) == 2
            with pytest.raises(StoreError, match="cannot be written to"):
                await reading.write(put(3))
    async with open_database(url(path), read_only=True) as reading:  # with nobody else there
        assert await reading.read(count) == 2


async def test_read_only_an_empty_file_is_refused(tmp_path: Path):
    path = tmp_path / "t.db"
    path.touch(mode=0o600)
    assert "has no tables yet" in str(await refusal(path, read_only=True))


async def test_a_full_disk_is_told_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "_PRAGMAS", (*sqlite._PRAGMAS, "PRAGMA max_page_count = 100"))
    async with open_database(url(tmp_path / "t.db")) as database:
        with pytest.raises(StoreError, match="has no room left") as caught:
            await over_and_over(database)
        assert caught.value.hint == "make room on its disk"
        await database.write(lambda connection: connection.execute(text("delete from filler")).rowcount)
        await database.write(put(1))
        assert await database.read(count) == 1


async def over_and_over(database: Database) -> None:
    def fill(connection: Connection) -> None:
        connection.execute(text("create table if not exists filler (bytes blob)"))
        connection.execute(text("insert into filler values (zeroblob(50000))"))

    for _ in range(100):
        await database.write(fill)


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_was_taken_away_is_written_to_no_more(tmp_path: Path, replaced: bool):
    path = tmp_path / "t.db"
    async with open_database(url(path)) as database:
        await database.write(put(1))
        path.rename(tmp_path / "elsewhere.db")
        if replaced:
            path.touch()
        with pytest.raises(StoreError, match="was removed or replaced"):
            await database.write(put(2))
        path.unlink(missing_ok=True)
        (tmp_path / "elsewhere.db").rename(path)
        await database.write(put(3))
        assert await database.read(count) == 2


async def test_readers_are_not_held_up_by_the_writer_nor_he_by_them(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database:
        await database.write(put(1))

        def write(connection: Connection) -> None:
            put(2)(connection)
            assert anyio.from_thread.run(database.read, count) == 1  # what is not yet committed is not seen

        def read(connection: Connection) -> tuple[int, int]:
            before = count(connection)
            anyio.from_thread.run(database.write, put(3))
            return before, count(connection)

        with anyio.fail_after(60):
            await database.write(write)
            assert await database.read(read) == (2, 2)
        assert await database.read(count) == 3


async def test_a_second_opening_in_one_process_leaves_the_locks_of_the_first(tmp_path: Path):
    path = tmp_path / "t.db"
    async with open_database(url(path)) as first:

        def write(connection: Connection) -> int:
            put(1)(connection)
            anyio.from_thread.run(open_and_close, path)
            return locked_out(path)

        async def open_and_close(path: Path) -> None:
            async with open_database(url(path), read_only=True):
                pass
            sqlite.make_file(path)
            sqlite.check_file(path)

        assert await first.write(write) == 7


def locked_out(path: Path) -> int:
    """The exit status of a process that tries to write: 7 when the database is locked."""
    code = (
        "import sqlite3, sys\n"
        "try: sqlite3.connect(sys.argv[1], timeout=0).execute('begin immediate')\n"
        "except sqlite3.OperationalError: sys.exit(7)\n"
    )
    return subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60).returncode


async def test_processes_that_start_at_once_on_no_file_all_write(tmp_path: Path):
    path = tmp_path / "state" / "t.db"
    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(anyio.run_process, [sys.executable, WRITER, str(path), "50"])
    async with open_database(url(path)) as database:
        assert await database.read(count) == 200
        versions = await database.read(lambda connection: connection.execute(select(schema_version)).all())
        assert [tuple(row) for row in versions] == [(NEWEST,)]
        assert await database.read(sound) == "ok"


async def test_a_writer_that_is_killed_leaves_a_sound_database_with_all_that_was_committed(tmp_path: Path):
    path = tmp_path / "t.db"
    async with await anyio.open_process([sys.executable, WRITER, str(path), "1000000"]) as process:
        assert process.stdout is not None
        said = b""
        with anyio.fail_after(60):
            while said.count(b"\n") < 20:
                said += await process.stdout.receive()
        process.send_signal(signal.SIGKILL)
    committed = len(said.splitlines()[:-1])
    async with open_database(url(path)) as database:
        assert await database.read(sound) == "ok"
        assert await database.read(count) >= committed
        await database.write(put(1))


def sound(connection: Connection) -> str:
    return connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()


async def test_another_process_that_holds_the_lock_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    path = tmp_path / "t.db"
    async with open_database(url(path)) as database:
        await database.write(put(1))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(StoreError, match="locked by another process"):
                await database.write(put(2))
            assert await database.read(count) == 1
            other.execute("rollback")
        await database.write(put(3))


async def test_a_wrong_statement_is_no_fault_of_the_database(tmp_path: Path):
    async with open_database(url(tmp_path / "t.db")) as database:
        await database.write(put(1))

        def huge(connection: Connection) -> None:
            put(2**70)(connection)

        with pytest.raises(OverflowError):
            await database.write(huge)
        assert await database.read(count) == 1
