"""The trail itself: takes records from everybody, carries them to their places, and forgets them in time."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from sqlalchemy import Connection, Table, delete, select

from gateway.audit.events import AuditEvent
from gateway.audit.lines import check_file, in_file
from gateway.audit.places import MOST_WAITING, Place, in_database
from gateway.audit.queries import AuditRecords
from gateway.store import Database
from gateway.store.tables import runs, tool_calls, tool_changes
from gateway.telemetry import Metrics
from sandbox.background import in_background

_LEAVING = 10.0  # seconds at the end for what is still waiting
_REMOVED_AT_ONCE = 5000  # rows: those who write must not wait for long meanwhile


class AuditTrail(AuditRecords):
    """Made by `open_trail`. What was recorded can be asked for once it is written; `flush` waits for that."""

    def __init__(self, database: Database, places: Sequence[Place]) -> None:
        super().__init__(database)
        self._database = database
        self._places = places

    async def record(self, event: AuditEvent) -> None:
        """Take a record; waits when the trail is behind, never drops.

        Cancelled while it waits, it leaves the record in the log.
        """
        full: list[Place] = []
        for place in self._places:
            if place.is_full:
                full.append(place)
            else:
                place.take(event)
        try:
            while full:
                await full[0].put(event)
                del full[0]
        except anyio.get_cancelled_exc_class():
            for place in full:
                place.lose([event])
            raise

    def offer(self, event: AuditEvent) -> bool:
        """Take a record at once, if there is room for it everywhere."""
        if any(place.is_full for place in self._places):
            return False
        for place in self._places:
            place.take(event)
        return True

    async def flush(self) -> None:
        """Wait until everything recorded so far is written."""
        for place in self._places:
            await place.flushed()

    async def purge(self, *, older_than_days: int) -> int:
        """Remove from the database what is older; a file of JSON lines is its owner's to rotate.

        How many records went. Raises StoreError.
        """
        before = int((time.time() - older_than_days * 86_400) * 1_000_000)
        removed = 0
        for table in (runs, tool_calls, tool_changes):
            work = partial(_remove_some, table=table, before=before)
            while count := await self._database.write(work):
                removed += count
        return removed


def _remove_some(connection: Connection, *, table: Table, before: int) -> int:
    oldest = select(table.c.id).where(table.c.at < before).order_by(table.c.at).limit(_REMOVED_AT_ONCE)
    return connection.execute(delete(table).where(table.c.id.in_(oldest))).rowcount


@asynccontextmanager
async def open_trail(
    database: Database, metrics: Metrics, jsonl: Path | None = None, *, most_waiting: int = MOST_WAITING
) -> AsyncGenerator[AuditTrail]:
    """A trail into `database` and, if given, a file of JSON lines; leaving the context writes what still waits.

    What cannot be written by then goes into the log. Raises StoreError when the file cannot be written.
    """
    places = [Place("the database", in_database(database), metrics, most_waiting=most_waiting)]
    if jsonl is not None:
        await anyio.to_thread.run_sync(check_file, jsonl)
        places.append(Place(str(jsonl), in_file(jsonl), metrics, most_waiting=most_waiting))
    async with in_background(*(place.run for place in places)):
        try:
            yield AuditTrail(database, places)
        finally:
            await _leave(places)


async def _leave(places: Sequence[Place]) -> None:
    with anyio.move_on_after(_LEAVING, shield=True):
        async with anyio.create_task_group() as tasks:
            for place in places:
                tasks.start_soon(place.leave)
    for place in places:
        place.stop()
