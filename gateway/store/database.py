"""One database, reached from worker threads: a file of SQLite, or what else SQLAlchemy's URL names.

Above: `gateway.audit` and `gateway.store.payloads` run their statements through it. Writing is one at a time, as
SQLite has it anyway; reading is not held up by it. Refuses to know: what is in the tables.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import StoreError
from gateway.store import sqlite
from gateway.store.failures import describe_failure
from gateway.store.migrations import NEWEST, find_version, migrate

_READERS = 4

_PATIENCE = {
    "connect_timeout": "10",  # seconds
    "tcp_user_timeout": "30000",  # milliseconds
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "4",
}
"""How the library of PostgreSQL is told to give up on a server that is gone: a thread would wait for ever."""
_OF_POSTGRESQL = ("psycopg", "psycopg2")

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class _File:
    """The file that was opened: where, and which, should another come to lie there."""

    path: Path
    device: int
    number: int

    @classmethod
    def at(cls, path: Path) -> _File:
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    @property
    def is_there(self) -> bool:
        try:
            return _File.at(self.path) == self
        except OSError:
            return False


class Database:
    """An open database. Made by `open_database`."""

    def __init__(self, engine: Engine, where: str, file: _File | None = None) -> None:
        self._reader = engine
        self._writer = sqlite.for_writing(engine) if file else engine
        self._where = where
        self._file = file
        self._writing = anyio.CapacityLimiter(1)
        self._reading = anyio.CapacityLimiter(_READERS)

    async def write(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work` in a transaction, in a worker thread; all of it is kept, or an exception is raised.

        Raises StoreError when the database fails, which may pass; what SQLAlchemy or `work` raises otherwise.
        """
        return await anyio.to_thread.run_sync(self._write, work, limiter=self._writing)

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work`, which only reads and sees one state of everything, in a worker thread. Raises as `write`."""
        return await anyio.to_thread.run_sync(self._run, self._reader, work, limiter=self._reading)

    def _write(self, work: Callable[[Connection], ResultT]) -> ResultT:
        if self._file and not self._file.is_there:  # SQLite would go on writing to a file that nobody finds again
            raise StoreError(f"{self._where} was removed or replaced", hint="put it back, or restart the gateway")
        return self._run(self._writer, work)

    def _run(self, engine: Engine, work: Callable[[Connection], ResultT]) -> ResultT:
        try:
            with engine.begin() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            failure = describe_failure(error, self._where)
            if failure is None:
                raise
            raise failure from error


@asynccontextmanager
async def open_database(url: str, *, read_only: bool = False) -> AsyncGenerator[Database]:
    """Open the database of an SQLAlchemy URL, and make or migrate its tables. Raises StoreError.

    A file of SQLite that is missing is made. Read-only, nothing is made, changed or migrated, and the process that
    writes is not disturbed.
    """
    database, engine = await anyio.to_thread.run_sync(_open, url, read_only)
    try:
        yield database
    finally:
        with anyio.CancelScope(shield=True):  # a thread cannot be left behind; closing files takes no time
            await anyio.to_thread.run_sync(engine.dispose)


def _open(url: str, read_only: bool) -> tuple[Database, Engine]:
    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    where = f"the database {parsed.database if is_sqlite else parsed.render_as_string(hide_password=True)}"
    try:
        return _open_sqlite(parsed, where, read_only) if is_sqlite else _open_server(parsed, where, read_only)
    except OSError as error:
        raise StoreError(f"{where} cannot be opened: {error.strerror}", hint=_who_owns(error)) from error
    except SQLAlchemyError as error:
        raise describe_failure(error, where) or StoreError(f"{where} cannot be used: {error}") from error


def _who_owns(error: OSError) -> str:
    return f"see who owns {error.filename}, and who may write to its folder"


def _open_sqlite(url: URL, where: str, read_only: bool) -> tuple[Database, Engine]:
    if not url.database or url.database == ":memory:":
        raise StoreError("a database in memory keeps nothing", hint="name a file in storage.database")
    path = Path(url.database)
    if read_only and not path.exists():
        raise StoreError(
            f"{where} is not there yet", hint="a gateway makes it when it starts: run `toolgate serve`"
        )
    if not read_only:
        sqlite.make_file(path)
    sqlite.check_file(path)
    engine = sqlite.sqlite_engine(path, read_only=read_only)
    try:
        with engine.begin() as connection:
            # Before anything is changed: the file may be another program's.
            version = find_version(connection, where)
        if not read_only:
            sqlite.switch_to_wal(engine, path)
        _prepare(sqlite.for_writing(engine), where, version, read_only=read_only)
        return Database(engine, where, _File.at(path)), engine
    except BaseException:
        engine.dispose()
        raise


def _open_server(url: URL, where: str, read_only: bool) -> tuple[Database, Engine]:
    try:
        engine = create_engine(_with_patience(url), pool_pre_ping=True, pool_size=_READERS + 1, max_overflow=0)
    except ImportError as error:
        raise StoreError(f"{where} needs a driver: {error}", hint=f"install the package {error.name}") from error
    if engine.dialect.is_async:
        raise StoreError(f"{where} needs a driver that blocks", hint="write postgresql+psycopg://host/name")
    try:
        with engine.begin() as connection:
            version = find_version(connection, where)
        _prepare(engine, where, version, read_only=read_only)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine, where), engine


def _with_patience(url: URL) -> URL:
    """What the operator wrote stands."""
    if url.get_backend_name() != "postgresql" or url.get_driver_name() not in _OF_POSTGRESQL:
        return url
    return url.set(query={**_PATIENCE, **url.query})


def _prepare(engine: Engine, where: str, version: int | None, *, read_only: bool) -> None:
    if not read_only:
        with engine.begin() as connection:
            migrate(connection, where)
    elif version != NEWEST:
        what = "has no tables yet" if version is None else "was written by an older toolgate"
        raise StoreError(
            f"{where} {what}", hint="a gateway brings it up to date when it starts: run `toolgate serve`"
        )
