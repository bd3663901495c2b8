"""Payloads that must outlive the process and be read by nobody else: sealed, bounded, forgotten in time.

Under a key that lies in the state folder, not in the database: whoever has one of the two can read nothing. A
payload is bound to its place: moved to another key's row, it does not open.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from gateway.store import sqlite
from gateway.store.database import Database
from gateway.store.key_file import read_or_make_key
from gateway.store.sealed_states import SealedStates
from gateway.store.sealing import Sealer
from gateway.store.shared_writes import SharedWrites
from gateway.store.tables import payloads

_log = logging.getLogger(__name__)

LARGEST = 32 * 1024 * 1024
"""Bytes of one payload."""
MOST_BYTES = 512 * 1024 * 1024
"""Bytes of all of them, sealed."""

_KEY_FILE = "payloads.key"
_COUNTED_EVERY = 64  # part of all bytes, written by this process, after which all are counted again
_AT_ONCE = 1000  # fingerprints in one statement, payloads in one step of making room

_NAMED = (
    payloads.c.key_id == bindparam("key_id"),
    payloads.c.fingerprint.in_(bindparam("fingerprints", expanding=True)),
)
_ASKED_FOR = (*_NAMED, payloads.c.expires > bindparam("now"))
# Built once: to build one takes a third of the time that it takes to ask, which every turn of a conversation does.
_FIND = select(payloads.c.fingerprint, payloads.c.size).where(*_ASKED_FOR)
_GET = select(payloads.c.fingerprint, payloads.c.sealed).where(*_ASKED_FOR)
_FORGET = delete(payloads).where(*_NAMED)
_REPLACED = delete(payloads).where(
    payloads.c.key_id == bindparam("owner"), payloads.c.fingerprint == bindparam("name")
)
_KEEP = insert(payloads)


@dataclass(frozen=True, slots=True)
class _Row:
    """What is to be kept."""

    owner: str
    fingerprint: str
    payload: bytes = field(repr=False)
    expires: int


class SealedPayloads:
    """See `gateway.tool_loop.MemoryStore`. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        database: Database,
        key: bytes,
        *,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._sealer = Sealer(key)
        self.states = SealedStates(key, clock=clock)
        """What is sealed with a key made of the same one, and kept by others."""
        self._writes: SharedWrites[Sequence[_Row]] = SharedWrites(self._write)
        self._most_bytes = most_bytes
        self._clock = clock
        self._total: int | None = None  # bytes at most, as far as this process knows
        self._written = 0  # bytes since all were counted

    @classmethod
    async def open(cls, database: Database, state_dir: Path, *, most_bytes: int = MOST_BYTES) -> SealedPayloads:
        """With the key in `state_dir`, which is made the first time. Raises StoreError."""
        key = await anyio.to_thread.run_sync(read_or_make_key, state_dir / _KEY_FILE)
        return cls(database, key, most_bytes=most_bytes)

    async def put(self, owner: str, fingerprint: str, payload: bytes, *, ttl_seconds: int) -> None:
        """Keep `payload`; one of the same place is replaced, and the oldest go when all together are too large.

        One that is itself too large is not kept, and logged. Raises StoreError.
        """
        await self.put_all(owner, {fingerprint: payload}, ttl_seconds=ttl_seconds)

    async def put_all(self, owner: str, given: Mapping[str, bytes], *, ttl_seconds: int) -> None:
        """The same for several, by fingerprint: all of them, or none. Raises StoreError."""
        largest = max(map(len, given.values()), default=0)
        if largest > LARGEST:
            _log.warning("a payload of %s is not kept: its %d bytes are too many", owner, largest)
            return

        expires = int(self._clock()) + ttl_seconds
        await self._writes.add([_Row(owner, one, payload, expires) for one, payload in given.items()])

    async def _write(self, asked: Sequence[Sequence[_Row]]) -> None:
        latest = {(row.owner, row.fingerprint): row for rows in asked for row in rows}.values()

        def work(connection: Connection) -> None:
            sealed = [self._seal(row) for row in latest]
            self._make_room(connection, sum(len(row["sealed"]) for row in sealed))
            _keep(connection, sealed)

        if latest:
            await self._database.write(work)

    def _seal(self, row: _Row) -> dict[str, Any]:
        sealed = self._sealer.seal(row.payload, _bound_to(row.owner, row.fingerprint))
        place = {"key_id": row.owner, "fingerprint": row.fingerprint}
        return {**place, "sealed": sealed, "size": len(sealed), "expires": row.expires}

    async def remove(self, owner: str, fingerprints: Sequence[str]) -> None:
        """Forget some. Raises StoreError."""

        def work(connection: Connection) -> None:
            for start in range(0, len(fingerprints), _AT_ONCE):
                some = fingerprints[start : start + _AT_ONCE]
                connection.execute(_FORGET, {"key_id": owner, "fingerprints": some})

        await self._database.write(work)

    async def find(self, owner: str, fingerprints: Sequence[str]) -> dict[str, int]:
        """Those that are there and not out of date, and the bytes of each, sealed. Raises StoreError."""

        def work(connection: Connection) -> dict[str, int]:
            found: dict[str, int] = {}
            for places in self._places(owner, fingerprints):
                found |= {row.fingerprint: row.size for row in connection.execute(_FIND, places)}
            return found

        return await self._database.read(work)

    async def get(self, owner: str, fingerprints: Sequence[str]) -> dict[str, bytes]:
        """The payloads that are there, by fingerprint; what is out of date or does not open counts as absent.

        Raises StoreError.
        """

        def work(connection: Connection) -> dict[str, bytes]:
            found: dict[str, bytes] = {}
            for places in self._places(owner, fingerprints):
                for fingerprint, sealed in connection.execute(_GET, places):
                    payload = self._unseal(sealed, owner, fingerprint)
                    if payload is not None:
                        found[fingerprint] = payload
            return found

        return await self._database.read(work)

    def _places(self, owner: str, fingerprints: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Which rows are asked for, so many at a time."""
        for start in range(0, len(fingerprints), _AT_ONCE):
            some = fingerprints[start : start + _AT_ONCE]
            yield {"key_id": owner, "fingerprints": some, "now": int(self._clock())}

    async def purge(self) -> None:
        """Forget what is out of date. Raises StoreError."""
        query = delete(payloads).where(payloads.c.expires <= int(self._clock()))
        await self._database.write(lambda connection: connection.execute(query).rowcount)

    def _make_room(self, connection: Connection, wanted: int) -> None:
        """Remove what must go for `wanted` more bytes.

        To count all there is takes time where it is much: that is done when they may be too many, and now and then
        because other processes write as well.
        """
        if (
            self._total is None
            or self._total + wanted > self._most_bytes
            or self._written > self._most_bytes // _COUNTED_EVERY
        ):
            room_for_more = self._most_bytes // _COUNTED_EVERY
            self._total = _make_room(connection, self._most_bytes - wanted, room_for_more)
            self._written = 0
        self._total += wanted
        self._written += wanted

    def _unseal(self, sealed: bytes, owner: str, fingerprint: str) -> bytes | None:
        payload = self._sealer.open(sealed, _bound_to(owner, fingerprint))
        if payload is None:
            _log.error("a payload of %s cannot be opened: another key sealed it, or it was changed", owner)
        return payload


def _keep(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, in the place of those that were there."""
    if connection.dialect.name == "sqlite":
        sqlite.insert(connection, payloads, tuple(rows[0]), [tuple(row.values()) for row in rows], replacing=True)
    else:
        connection.execute(_REPLACED, [{"owner": row["key_id"], "name": row["fingerprint"]} for row in rows])
        connection.execute(_KEEP, rows)


def _bound_to(owner: str, fingerprint: str) -> bytes:
    """What a payload is sealed together with; no two places are written alike."""
    return f"{len(owner)}:{owner}:{fingerprint}".encode()


def _make_room(connection: Connection, most_bytes: int, room_for_more: int) -> int:
    """Remove what would expire next until the rest is within `most_bytes`; how many bytes are left.

    If anything must go, so much goes that there is `room_for_more` as well.
    """
    total: int = connection.execute(select(func.coalesce(func.sum(payloads.c.size), 0))).scalar_one()
    removed = 0
    if total > most_bytes:
        most_bytes -= room_for_more
    columns = payloads.c.key_id, payloads.c.fingerprint, payloads.c.size
    while total > most_bytes:
        oldest = connection.execute(select(*columns).order_by(payloads.c.expires).limit(_AT_ONCE)).all()
        if not oldest:
            break
        for owner, fingerprint, size in oldest:
            if total <= most_bytes:
                break
            place = payloads.c.key_id == owner, payloads.c.fingerprint == fingerprint
            connection.execute(delete(payloads).where(*place))
            total -= size
            removed += 1
    if removed:
        _log.warning("%d payloads were removed early: all together would be over %d bytes", removed, most_bytes)
    return total
