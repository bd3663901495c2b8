"""The audit record that every run leaves, whatever became of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

import anyio

from gateway.api.requests import Request
from gateway.api.services import Services
from gateway.audit import RunRecord, now, to_json
from gateway.auth import Principal
from gateway.conversation import Usage
from gateway.telemetry.visible import one_line

_log = logging.getLogger(__name__)

CLIENT_LEFT = "client_left"

_RECORDING = 10.0  # seconds that a record may wait for a trail that is behind


@dataclass(slots=True)
class RunLog:
    """What is known of a run while it goes on; `outcome` is what became of it if nobody says otherwise."""

    request: Request
    principal: Principal
    dialect: str
    model: str = ""
    outcome: str = CLIENT_LEFT
    rounds: int = 0
    calls: int = 0
    usage: Usage | None = None
    started: datetime = field(default_factory=now)

    async def record(self, services: Services) -> None:
        """Count and record the run, which has ended. Cancellation does not keep the record from being made."""
        if self.rounds:
            services.metrics.run(self.rounds)
        if self.usage is not None:
            services.metrics.tokens(self.usage)
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
