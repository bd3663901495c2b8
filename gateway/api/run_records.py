"""The audit record that every run leaves, whatever became of it."""

from __future__ import annotations

from datetime import datetime

import anyio

from gateway.api.requests import Request
from gateway.api.services import Services
from gateway.audit import RunRecord, now
from gateway.auth import Principal
from gateway.conversation import Usage
from gateway.telemetry.visible import one_line

_RECORDING = 10.0  # seconds that a record may wait for a trail that is behind


async def record_run(
    services: Services,
    request: Request,
    principal: Principal,
    *,
    started: datetime,
    outcome: str,
    dialect: str,
    model: str = "",
    rounds: int = 0,
    calls: int = 0,
    usage: Usage | None = None,
) -> None:
    """Record a run that has ended. Cancellation does not keep the record from being made."""
    record = RunRecord(
        run_id=request.run_id,
        key_id=principal.key_id,
        model=one_line(model, 200),
        started=started,
        ended=now(),
        outcome=outcome,
        dialect=dialect,
        rounds=rounds,
        calls=calls,
        usage=usage,
        client=one_line(request.headers.get("user-agent", ""), 200) or None,
    )
    if rounds:
        services.metrics.run(rounds)
    if usage is not None:
        services.metrics.tokens(usage)
    with anyio.CancelScope(deadline=anyio.current_time() + _RECORDING, shield=True):
        await services.audit.record(record)
