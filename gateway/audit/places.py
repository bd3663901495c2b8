"""Where records are kept, and the task that carries them there.

A place that fails is tried again until it works; meanwhile its records wait, and once too many do, so do those
who bring more. Nothing is ever dropped in silence: what cannot be kept goes into the log.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice

import anyio
from sqlalchemy import Connection, Table, insert

from gateway.audit.events import AuditEvent, RunRecord, ToolCallRecord, ToolChangeRecord
from gateway.audit.records import to_json
from gateway.errors import StoreError
from gateway.store import Database, sqlite
from gateway.store.tables import runs, tool_calls, tool_changes
from gateway.telemetry import Metrics

_log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Records; one is some hundreds of bytes."""

_BATCH = 1000
_LINGERING = 0.1  # seconds for further records to come: a transaction costs more than a record
_RETRY_SECONDS = (0.1, 0.5, 2.0, 10.0)
_RETRY_AT_THE_END = 0.2
_COMPLAINING = 60.0  # seconds between two complaints of the same trouble

_COLUMNS = ("at", "run_id", "key_id", "record")
_Row = tuple[int, str, str, str]

Write = Callable[[Sequence[AuditEvent]], Awaitable[None]]
"""Keeps records, all or none of them. Raises StoreError or OSError, which may pass."""


class Place:
    """One place: records wait in memory until `run`, which one task performs, has written them.

    To give it a record costs no more than to put it into a queue: all work on it is done in a thread, later.
    """

    def __init__(self, name: str, write: Write, metrics: Metrics, *, most_waiting: int = MOST_WAITING) -> None:
        self._name = name
        self._write = write
        self._metrics = metrics
        self._most_waiting = most_waiting
        self._waiting: deque[AuditEvent] = deque()
        self._taken = 0
        self._done = 0
        self._something = anyio.Event()
        self._written = anyio.Event()  # a new one after each batch
        self._in_a_hurry = anyio.Event()
        self._leaving = anyio.Event()
        self._running = anyio.CancelScope(shield=True)
        self._complained = float("-inf")

    @property
    def is_full(self) -> bool:
        """Whether too many records wait."""
        return len(self._waiting) >= self._most_waiting

    def take(self, event: AuditEvent) -> None:
        """Take a record at once."""
        if self._running.cancel_called:
            self.lose([event])
            return
        self._waiting.append(event)
        self._taken += 1
        self._something.set()

    async def put(self, event: AuditEvent) -> None:
        """Take a record; waits while too many others do."""
        while self.is_full:
            await self._written.wait()
        self.take(event)

    async def flushed(self) -> None:
        """Wait until everything taken so far is written."""
        awaited = self._taken
        while self._done < awaited:
            self._in_a_hurry.set()
            await self._written.wait()

    async def run(self) -> None:
        """Write what comes, in batches, until `stop`: what is cancelled around it still has records to leave."""
        with self._running:
            while True:
                await self._something.wait()
                with anyio.move_on_after(_LINGERING):
                    await self._in_a_hurry.wait()
                await self._write_some()

    async def leave(self) -> None:
        """Write what still waits, trying again more often."""
        self._leaving.set()
        await self.flushed()

    def stop(self) -> None:
        """Let `run` come to its end; what could not be written by now goes into the log.

        What is being written at this moment may be kept as well.
        """
        self._running.cancel()
        self.lose(self._waiting)
        self._waiting.clear()

    def lose(self, events: Iterable[AuditEvent]) -> None:
        """Put records into the log that will not be in this place."""
        for event in events:
            self._metrics.audit_write_failed(1)
            _log.critical("not in %s, this audit record is here alone: %s", self._name, to_json(event).decode())

    async def _write_some(self) -> None:
        batch = list(islice(self._waiting, _BATCH))
        await self._write_until_it_works(batch)
        for _ in range(min(len(batch), len(self._waiting))):
            self._waiting.popleft()
        self._done += len(batch)
        if not self._waiting:
            self._something = anyio.Event()
            self._in_a_hurry = anyio.Event()
        self._written.set()
        self._written = anyio.Event()

    async def _write_until_it_works(self, batch: Sequence[AuditEvent]) -> None:
        failures = 0
        while True:
            try:
                with anyio.CancelScope(shield=True):  # cut short, it would not be known what was written
                    await self._write(batch)
            except (StoreError, OSError) as error:
                self._complain(batch, error)
                await self._pause(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1
            except Exception:  # noqa: BLE001 - whatever is wrong with one record, the others must be kept
                _log.exception("%d audit records cannot be written to %s", len(batch), self._name)
                await self._write_singly(batch)
                return
            else:
                self._rejoice(failures)
                return

    async def _write_singly(self, batch: Sequence[AuditEvent]) -> None:
        """A record that can never be written must not keep all later ones waiting."""
        if len(batch) == 1:
            self.lose(batch)
            return
        for event in batch:
            await self._write_until_it_works([event])

    async def _pause(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await self._leaving.wait()
            await anyio.sleep(_RETRY_AT_THE_END)

    def _complain(self, batch: Sequence[AuditEvent], error: Exception) -> None:
        """Every failure is counted; the log has one of them now and then."""
        self._metrics.audit_write_failed(len(batch))
        if anyio.current_time() - self._complained >= _COMPLAINING:
            self._complained = anyio.current_time()
            _log.error("%d audit records wait for %s: %s", len(self._waiting), self._name, error)

    def _rejoice(self, failures: int) -> None:
        if failures:
            self._complained = float("-inf")
            _log.warning("audit records can be written to %s again", self._name)


def in_database(database: Database) -> Write:
    """Keeps records in the tables `runs`, `tool_calls` and `tool_changes`."""

    def work(connection: Connection, events: Sequence[AuditEvent]) -> None:
        of_runs = [_row(event) for event in events if isinstance(event, RunRecord)]
        of_calls = [_row(event) for event in events if isinstance(event, ToolCallRecord)]
        for table, rows in ((runs, of_runs), (tool_calls, of_calls)):
            if rows:
                _insert(connection, table, rows)
        if changes := [_change(event) for event in events if isinstance(event, ToolChangeRecord)]:
            connection.execute(insert(tool_changes), changes)

    async def write(events: Sequence[AuditEvent]) -> None:
        await database.write(lambda connection: work(connection, events))

    return write


def _insert(connection: Connection, table: Table, rows: Sequence[_Row]) -> None:
    if connection.dialect.name == "sqlite":
        sqlite.insert(connection, table, _COLUMNS, rows)
    else:
        connection.execute(insert(table), [dict(zip(_COLUMNS, row, strict=True)) for row in rows])


def _change(event: ToolChangeRecord) -> dict[str, object]:
    at = int(event.at.timestamp() * 1_000_000)
    return {"at": at, "server": event.server, "record": to_json(event).decode()}


def _row(event: RunRecord | ToolCallRecord) -> _Row:
    return int(event.at.timestamp() * 1_000_000), event.run_id, event.key_id, to_json(event).decode()
