"""One database, reached from worker threads: SQLite in WAL mode, or whatever else SQLAlchemy's URL names.

Above: `gateway.audit` and `gateway.store.payloads` run their statements through it. Writing is one at a time, as
SQLite has it anyway; reading is not held up by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import StoreError
from gateway.store.tables import VERSION, metadata, schema_version
from sandbox.locations import make_passable

_READERS = 4
_BUSY_SECONDS = 10
_PRIVATE = 0o600

ResultT = TypeVar("ResultT")


class Database:
    """An open database. Made by `open_database`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = anyio.CapacityLimiter(1)
        self._reading = anyio.CapacityLimiter(_READERS)

    async def write(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work` in a transaction, in a worker thread. Raises SQLAlchemyError, and then nothing is written."""
        return await anyio.to_thread.run_sync(self._in_transaction, work, limiter=self._writing)

    async def read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """Run `work`, which only reads, in a worker thread. Raises SQLAlchemyError."""
        return await anyio.to_thread.run_sync(self._in_transaction, work, limiter=self._reading)

    def _in_transaction(self, work: Callable[[Connection], ResultT]) -> ResultT:
        with self._engine.begin() as connection:
            return work(connection)


@asynccontextmanager
async def open_database(url: str) -> AsyncGenerator[Database]:
    """Open the database, and make its tables if they are not there. Raises StoreError.

    A file of SQLite is made for its owner alone, whatever the umask.
    """
    engine = await anyio.to_thread.run_sync(_open, url)
    try:
        yield Database(engine)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(engine.dispose)


def _open(url: str) -> Engine:
    parsed = make_url(url)
    where = parsed.render_as_string(hide_password=True)
    try:
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            _make_private(Path(parsed.database))
        engine = create_engine(parsed)
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
        with engine.begin() as connection:
            _prepare(connection, where)
    except (SQLAlchemyError, OSError, ImportError) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"the database {where} cannot be used: {cause}") from error
    return engine


def _make_private(path: Path) -> None:
    make_passable(path.parent)
    path.touch(mode=_PRIVATE)
    path.chmod(_PRIVATE)


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    """WAL lets readers and the writer work side by side; a commit is flushed at the next checkpoint."""
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def _prepare(connection: Connection, where: str) -> None:
    metadata.create_all(connection)
    found = connection.execute(select(schema_version.c.version)).scalar_one_or_none()
    if found is None:
        connection.execute(insert(schema_version).values(version=VERSION))
    elif found > VERSION:
        raise StoreError(
            f"the database {where} was written by a newer toolgate (its tables are of version {found})"
        )
