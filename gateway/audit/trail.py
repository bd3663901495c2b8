"""The trail itself: takes records from everybody, and tells of them to operators."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from sqlalchemy import Connection, Select, delete, select

from gateway.audit.events import AuditEvent, RunRecord, ToolCallRecord
from gateway.audit.places import Place, in_database, in_file
from gateway.audit.records import run_from_json, tool_call_from_json
from gateway.store import Database
from gateway.store.tables import runs, tool_calls
from gateway.telemetry import Metrics

_FLUSHING = 10.0  # seconds at the end for what is still waiting
_MOST_LISTED = 1000


class AuditTrail:
    """Made by `open_trail`."""

    def __init__(self, database: Database, places: Sequence[Place]) -> None:
        self._database = database
        self._places = places

    async def record(self, event: AuditEvent) -> None:
        """Take a record; waits when the trail is behind, never drops."""
        for place in self._places:
            await place.put(event)

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

    async def runs(self, *, limit: int = 50, key_id: str | None = None) -> list[RunRecord]:
        """The latest runs, newest first."""
        query = select(runs.c.record).order_by(runs.c.id.desc()).limit(min(limit, _MOST_LISTED))
        if key_id is not None:
            query = query.where(runs.c.key_id == key_id)
        return [run_from_json(record) for record in await self._records(query)]

    async def run(self, run_id: str) -> tuple[RunRecord, list[ToolCallRecord]] | None:
        """A run and its calls, in the order of their ends; of a run that was taken up again, its last end."""
        ends = await self._records(select(runs.c.record).where(runs.c.run_id == run_id).order_by(runs.c.id))
        if not ends:
            return None
        query = select(tool_calls.c.record).where(tool_calls.c.run_id == run_id).order_by(tool_calls.c.id)
        return run_from_json(ends[-1]), [tool_call_from_json(record) for record in await self._records(query)]

    async def purge(self, *, older_than_days: int) -> None:
        """Remove from the database what is older; a file of JSON lines is its owner's to rotate."""
        before = int((time.time() - older_than_days * 86_400) * 1_000_000)

        def work(connection: Connection) -> None:
            for table in (runs, tool_calls):
                connection.execute(delete(table).where(table.c.at < before))

        await self._database.write(work)

    async def _records(self, query: Select[tuple[bytes]]) -> Sequence[bytes]:
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [row.record for row in rows]


@asynccontextmanager
async def open_trail(
    database: Database, metrics: Metrics, jsonl: Path | None = None
) -> AsyncGenerator[AuditTrail]:
    """A trail into `database` and, if given, a file of JSON lines; leaving the context writes what still waits."""
    places = [Place("the database", in_database(database), metrics)]
    if jsonl is not None:
        places.append(Place(str(jsonl), in_file(jsonl), metrics))
    trail = AuditTrail(database, places)
    async with anyio.create_task_group() as tasks:
        for place in places:
            tasks.start_soon(place.run)
        try:
            yield trail
        finally:
            with anyio.move_on_after(_FLUSHING, shield=True) as flushing:
                await trail.flush()
            if flushing.cancelled_caught:
                for place in places:
                    place.give_up()
            tasks.cancel_scope.cancel()
