"""SQLite as we use it: one file, readable by its owner alone, in WAL mode, shared by processes.

Above: `database`. The file is never opened but by SQLite, save to make it: when a process closes any descriptor of
a file, it loses all its locks on it, also those that SQLite holds (sqlite.org/howtocorrupt.html, section 2.2).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, Table, create_engine, event
from sqlalchemy.exc import OperationalError

from gateway.errors import StoreError
from gateway.store.failures import is_locked
from sandbox.locations import make_passable

_log = logging.getLogger(__name__)

BUSY_SECONDS = 10.0
"""How long to wait for another process that writes."""
CONNECTIONS = 6
"""More than threads ever use at the same time."""
MOST_VALUES = 999
"""In one statement, for old builds of SQLite."""

_WRITES = "toolgate_writes"
_LOG_BYTES = 64 * 1024 * 1024  # to which the write-ahead log is cut back once it was larger
_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = NORMAL",  # under WAL a commit survives our death, and the database that of the machine
    f"PRAGMA journal_size_limit = {_LOG_BYTES}",
    "PRAGMA trusted_schema = OFF",
)


def sqlite_engine(path: Path, *, read_only: bool) -> Engine:
    """An engine for a file that is there. Its connections may be used by any thread, by one at a time."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"

    def connect() -> sqlite3.Connection:
        # Without isolation level, the module leaves BEGIN to us.
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
    )
    event.listen(engine, "begin", _begin)
    return engine


def for_writing(engine: Engine) -> Engine:
    """The same engine, whose transactions will write."""
    return engine.execution_options(**{_WRITES: True})


def _begin(connection: Connection) -> None:
    """A transaction that will write takes its lock at once: taken later, it cannot be waited for."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    replacing: bool = False,
) -> None:
    """Insert rows, `replacing` those of the same primary key. Raises SQLAlchemyError.

    Many go in one statement: for each, this thread and the event loop's would change places. It is written here
    because SQLAlchemy takes longer to prepare one than SQLite to perform it.
    """
    at_once = MOST_VALUES // len(columns)
    verb = "INSERT OR REPLACE" if replacing else "INSERT"
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        values = ", ".join([f"({', '.join('?' * len(columns))})"] * len(some))
        statement = f"{verb} INTO {table.name} ({', '.join(columns)}) VALUES {values}"
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))


def make_file(path: Path) -> None:
    """Make an empty file, if it is missing, for its owner alone, whatever the umask. Blocking. Raises OSError.

    A folder that is missing is made as well, closed to others; but root's boxes, which run as another user, must
    pass through it to their workspaces.
    """
    make_passable(path.parent, 0o711 if os.geteuid() == 0 else 0o700)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    os.fchmod(descriptor, 0o600)
    os.close(descriptor)


def check_file(path: Path) -> None:
    """See that it is a file, and warn when others can read it. Blocking. Raises StoreError, OSError."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path} is not a file", hint="name a file in storage.database")
    if mode & 0o077:
        _log.warning("other users of this machine can open %s, which they should not: chmod 600 it", path)


def switch_to_wal(engine: Engine, path: Path) -> None:
    """Let readers and the writer work side by side; the file remembers. Blocking. Raises SQLAlchemyError.

    SQLite does not wait by itself for another process that does the same at this moment.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                # Beside SQLAlchemy: it would begin a transaction, in which the mode cannot be changed.
                raw = connection.connection.driver_connection
                mode = raw.execute("PRAGMA journal_mode = WAL").fetchone()[0] if raw is not None else "none"
        except sqlite3.OperationalError as error:
            failure = OperationalError("PRAGMA journal_mode = WAL", None, error)
            if not is_locked(failure) or time.monotonic() > deadline:
                raise failure from error
            time.sleep(0.02)
        else:
            if mode != "wal":
                _log.warning(
                    "%s cannot be kept in WAL mode (it is in %s): readers will hold writers up", path, mode
                )
            return
