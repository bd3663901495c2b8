"""What the trail tells: its runs, and the tool calls of one.

Above: the trail itself, and `toolgate runs`, which opens the same database while a gateway writes to it. Refuses
to know: how records come into the database.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select

from gateway.audit.events import RunRecord, ToolCallRecord, ToolChangeRecord
from gateway.audit.records import run_from_json, tool_call_from_json, tool_change_from_json
from gateway.store import Database
from gateway.store.tables import runs, tool_calls, tool_changes

MOST_LISTED = 1000


class AuditRecords:
    """The records in a database. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def runs(
        self, *, limit: int = 50, before: str | None = None, key_id: str | None = None
    ) -> list[RunRecord]:
        """The latest runs, newest first; those that were recorded before the run with the id `before`."""
        query = select(runs.c.record).order_by(runs.c.id.desc()).limit(max(1, min(limit, MOST_LISTED)))
        if before is not None:
            query = query.where(runs.c.id < _number_of(before).scalar_subquery())
        if key_id is not None:
            query = query.where(runs.c.key_id == key_id)
        return [run_from_json(record) for record in await self._records(query)]

    async def run(self, run_id: str) -> tuple[RunRecord, list[ToolCallRecord]] | None:
        """A run and its calls, in the order of their ends; of a run that was taken up again, its last end."""
        ends = await self._records(select(runs.c.record).where(runs.c.run_id == run_id).order_by(runs.c.id))
        return (run_from_json(ends[-1]), await self.calls(run_id)) if ends else None

    async def calls(self, run_id: str) -> list[ToolCallRecord]:
        """The calls of a run, also of one that has not ended, or never will."""
        query = select(tool_calls.c.record).where(tool_calls.c.run_id == run_id).order_by(tool_calls.c.id)
        return [tool_call_from_json(record) for record in await self._records(query)]

    async def tool_changes(self, *, limit: int = 50) -> list[ToolChangeRecord]:
        """The latest changes of tools, newest first."""
        query = select(tool_changes.c.record).order_by(tool_changes.c.id.desc()).limit(min(limit, MOST_LISTED))
        return [tool_change_from_json(record) for record in await self._records(query)]

    async def _records(self, query: Select[tuple[str]]) -> Sequence[str]:
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [row.record for row in rows]


def _number_of(run_id: str) -> Select[tuple[int]]:
    return select(func.max(runs.c.id)).where(runs.c.run_id == run_id)
