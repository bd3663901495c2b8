"""What a database's errors mean for the operator."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import exc

from gateway.errors import StoreError

_ROOM = "make room on its disk"
_RIGHTS = "see who owns the file and its folder, and whether the disk is mounted read-only"
_REPAIR = "restore it from a backup, or move it away together with its -wal and -shm files to begin anew"


class _Meaning(NamedTuple):
    what: str
    hint: str


_BY_CODE: Mapping[str, _Meaning] = {
    "SQLITE_NOTADB": _Meaning("is not a database", "name another file in storage.database, or move this one away"),
    "SQLITE_CORRUPT": _Meaning("is damaged", _REPAIR),
    "SQLITE_FULL": _Meaning("has no room left", _ROOM),
    "SQLITE_IOERR": _Meaning("cannot be read or written", "see what the system's log says of its disk"),
    "SQLITE_BUSY": _Meaning("is locked by another process for too long", "find the process that holds it"),
    "SQLITE_LOCKED": _Meaning("is locked by another process for too long", "find the process that holds it"),
    "SQLITE_READONLY": _Meaning("cannot be written to", _RIGHTS),
    "SQLITE_PERM": _Meaning("cannot be opened", _RIGHTS),
    "SQLITE_CANTOPEN": _Meaning("cannot be opened", _RIGHTS),
}
"""By SQLite's primary result codes (sqlite.org/rescode.html)."""

# These say that a statement or a value is wrong, not the database: to try again would not help.
_DEFECTS = (
    exc.IntegrityError,
    exc.DataError,
    exc.ProgrammingError,
    exc.InterfaceError,
    exc.NotSupportedError,
)


def describe_failure(error: exc.SQLAlchemyError, where: str) -> StoreError | None:
    """What to raise instead; None when the database is not at fault but a statement or a value."""
    if isinstance(error, _DEFECTS):
        return None
    if isinstance(error, exc.TimeoutError):
        return StoreError(f"{where} is too busy: no connection became free in time")
    if not isinstance(error, exc.DBAPIError):
        return None
    meaning = _meaning(error.orig)
    if meaning is not None:
        return StoreError(f"{where} {meaning.what}: {error.orig}", hint=meaning.hint)
    return StoreError(f"{where} cannot be used: {error.orig}")


def is_locked(error: exc.SQLAlchemyError) -> bool:
    """Whether another process was in the way."""
    return isinstance(error, exc.DBAPIError) and _code(error.orig) in ("SQLITE_BUSY", "SQLITE_LOCKED")


def _meaning(error: BaseException | None) -> _Meaning | None:
    code = _code(error)
    return _BY_CODE.get(code) if code else None


def _code(error: BaseException | None) -> str | None:
    """The primary code, of which extended ones are longer: SQLITE_IOERR of SQLITE_IOERR_WRITE."""
    name = getattr(error, "sqlite_errorname", None) if isinstance(error, sqlite3.Error) else None
    return "_".join(name.split("_")[:2]) if name else None
