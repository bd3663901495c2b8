"""The audit record that every run leaves, whatever became of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType

import anyio

from gateway.api.errors import describe_error
from gateway.api.requests import ClientLeft, Request
from gateway.api.services import Services
from gateway.audit import RunRecord, now, to_json
from gateway.auth import Principal
from gateway.conversation import Usage
from gateway.telemetry import Metrics
from gateway.telemetry.visible import one_line

_log = logging.getLogger(__name__)

CLIENT_LEFT = "client_left"

_ANSWERED = frozenset({"ok", CLIENT_LEFT})
"""What a model may have used tokens for; where it failed, it is not known to have."""

_RECORDING = 10.0  # seconds that a record may wait for a trail that is behind


@dataclass(slots=True)
class RunLog:
    """What is known of a run while it goes on; `outcome` is what became of it if nobody says otherwise.

    Of one that is taken up again, `rounds` and `usage` are of all attempts, and `counted` of those before, which
    are in the metrics already.
    """

    request: Request
    principal: Principal
    dialect: str
    model: str = ""
    outcome: str = CLIENT_LEFT
    rounds: int = 0
    calls: int = 0
    usage: Usage | None = None
    counted: tuple[int, Usage | None] = (0, None)
    started: datetime = field(default_factory=now)

    def recorded(self, services: Services) -> _Recording:
        """A context for the run: whatever it ends with is recorded, as `ok` where nothing was raised or said."""
        return _Recording(self, services)

    async def record(self, services: Services) -> None:
        """Count and record the run, which has ended. Cancellation does not keep the record from being made."""
        self._count(services.metrics)
        record = RunRecord(
            run_id=self.request.run_id,
            key_id=self.principal.key_id,
            model=one_line(self.model, 200),
            started=self.started,
            ended=now(),
            outcome=self.outcome,
            dialect=self.dialect,
            rounds=self.rounds,
            calls=self.calls,
            usage=self.usage,
            client=one_line(self.request.headers.get("user-agent", ""), 200) or None,
            user=self.principal.user,
        )
        if not services.audit.offer(record):
            with anyio.move_on_after(_RECORDING, shield=True) as waiting:
                await services.audit.record(record)
            if waiting.cancelled_caught:
                _log.critical("the audit trail is stuck; this record is here alone: %s", to_json(record).decode())

    def _count(self, metrics: Metrics) -> None:
        rounds, usage = self.counted
        if self.rounds == rounds:
            return
        metrics.run(self.rounds - rounds)
        if self.usage is not None and self.usage != usage:
            metrics.tokens(self.usage if usage is None else self.usage - usage)
        elif self.outcome in _ANSWERED:
            metrics.tokens_unknown()


class _Recording:
    """See `RunLog.recorded`. A class, because it stands around every request."""

    __slots__ = ("_run", "_services")

    def __init__(self, run: RunLog, services: Services) -> None:
        self._run = run
        self._services = services

    async def __aenter__(self) -> None:
        """Nothing is recorded before the end."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        run = self._run
        if isinstance(error, Exception) and not isinstance(error, ClientLeft):
            run.outcome = describe_error(error, request_id=run.request.request_id).outcome
        elif error is None and run.outcome == CLIENT_LEFT:
            run.outcome = "ok"
        await run.record(self._services)
