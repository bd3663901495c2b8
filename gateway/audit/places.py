"""Where records are kept, and the task that carries them there.

A place that fails is tried again until it works; meanwhile its records wait, and once too many do, so do those
who bring more. Nothing is ever dropped in silence.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
from sqlalchemy import Connection, insert
from sqlalchemy.exc import SQLAlchemyError

from gateway.audit.events import AuditEvent, RunRecord
from gateway.audit.records import to_json
from gateway.store import Database
from gateway.store.tables import runs, tool_calls
from gateway.telemetry import Metrics

_log = logging.getLogger(__name__)

_MOST_WAITING = 10_000
_BATCH = 500
_LINGERING = 0.02  # seconds for further records to come: a transaction costs more than a record
_RETRY_SECONDS = (0.1, 0.5, 2.0, 10.0)

Write = Callable[[Sequence[AuditEvent]], Awaitable[None]]
"""Keeps records, all or none of them. Raises SQLAlchemyError or OSError."""


class Place:
    """One place: records wait in memory until `run`, which one task performs, has written them."""

    def __init__(self, name: str, write: Write, metrics: Metrics) -> None:
        self._name = name
        self._write = write
        self._metrics = metrics
        self._waiting: deque[AuditEvent] = deque()
        self._something = anyio.Event()
        self._written = anyio.Event()

    async def put(self, event: AuditEvent) -> None:
        """Take a record; waits while too many others do."""
        while self.is_full:
            await self._written.wait()
        self.take(event)

    @property
    def is_full(self) -> bool:
        """Whether too many records wait."""
        return len(self._waiting) >= _MOST_WAITING

    def take(self, event: AuditEvent) -> None:
        """Take a record at once."""
        self._waiting.append(event)
        self._something.set()

    async def flushed(self) -> None:
        """Wait until everything taken so far is written."""
        while self._waiting:
            await self._written.wait()

    async def run(self) -> None:
        """Write what comes, in batches, until cancelled."""
        while True:
            await self._something.wait()
            await anyio.sleep(_LINGERING)
            batch = [self._waiting[index] for index in range(min(_BATCH, len(self._waiting)))]
            await self._write_until_it_works(batch)
            for _ in batch:
                self._waiting.popleft()
            if not self._waiting:
                self._something = anyio.Event()
            self._written.set()
            self._written = anyio.Event()

    async def _write_until_it_works(self, batch: Sequence[AuditEvent]) -> None:
        failures = 0
        while True:
            try:
                with anyio.CancelScope(shield=True):  # cut short, it would not be known what was written
                    await self._write(batch)
            except (SQLAlchemyError, OSError) as error:
                self._metrics.audit_write_failed(len(batch))
                wait = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
                cause = getattr(error, "orig", None) or error
                _log.error("%d audit records wait, because %s failed: %s", len(self._waiting), self._name, cause)
                failures += 1
                await anyio.sleep(wait)
            else:
                return

    def give_up(self) -> None:
        """At the very end: what could not be written goes into the log."""
        for event in self._waiting:
            _log.critical("this audit record is here alone: %s", to_json(event).decode())


def in_database(database: Database) -> Write:
    """Keeps records in the tables `runs` and `tool_calls`."""

    def work(connection: Connection, events: Sequence[AuditEvent]) -> None:
        for table, kind in ((runs, True), (tool_calls, False)):
            rows = [_row(event) for event in events if isinstance(event, RunRecord) is kind]
            if rows:
                connection.execute(insert(table), rows)

    async def write(events: Sequence[AuditEvent]) -> None:
        await database.write(lambda connection: work(connection, events))

    return write


def _row(event: AuditEvent) -> dict[str, object]:
    at = int(event.at.timestamp() * 1_000_000)
    return {"at": at, "run_id": event.run_id, "key_id": event.key_id, "record": to_json(event)}


def in_file(path: Path) -> Write:
    """Appends records to a file of JSON lines, which is made for its owner alone."""

    def append(lines: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(descriptor).st_size
            if os.write(descriptor, lines) < len(lines):  # the disk is full
                os.ftruncate(descriptor, before)
                raise OSError(28, "no space left for a whole record")
        finally:
            os.close(descriptor)

    async def write(events: Sequence[AuditEvent]) -> None:
        await anyio.to_thread.run_sync(append, b"".join(to_json(event) + b"\n" for event in events))

    return write
