"""`/healthz`, `/readyz` and `/metrics`: for orchestrators, probes and operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from gateway.api.operators import require_operator
from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services
from gateway.hub import ServerState, ServerStatus
from gateway.telemetry.metrics import CONTENT_TYPE

_STATES: tuple[str, ...] = get_args(ServerState)
_LINES = 20  # of standard error, in the verbose report


async def healthz(request: Request, services: Services) -> Response:
    """The process answers: that is all it says."""
    return json_response({"status": "ok"})


async def readyz(request: Request, services: Services) -> Response:
    """200 once every server has been listed or has failed its first start; `?verbose` tells operators more."""
    statuses = services.hub.statuses()
    is_ready = all(status.state != "starting" for status in statuses)
    report: dict[str, Any] = {"status": "ready" if is_ready else "starting"}
    if b"verbose" in request.scope["query_string"]:
        require_operator(request, services.operator_token_digest)
        report["servers"] = [describe_server(status, services.clean) for status in statuses]
    return json_response(report, status=200 if is_ready else 503)


async def metrics(request: Request, services: Services) -> Response:
    """The Prometheus text format."""
    require_operator(request, services.operator_token_digest)
    told = services.metrics.exposition(services.hub.states(), _STATES, services.router.breaker_states())
    return Response(200, told, CONTENT_TYPE)


def describe_server(status: ServerStatus, clean: Callable[[str], str]) -> dict[str, Any]:
    """One server's state as JSON; what there is nothing to say of is absent. `since`: seconds since the epoch.

    `clean` takes secrets out of what servers and programs have said.
    """
    told: dict[str, Any] = {
        "name": status.name,
        "state": status.state,
        "transport": status.transport,
        "since": status.since,
        "tools": status.tools,
        "resources": status.resources or None,
        "prompts": status.prompts or None,
        "sandbox": status.sandbox,
        "protocol": status.era,
        "instances": status.instances or None,
        "activity": status.activity,
        "error": clean(status.error) if status.error else None,
        "left_out": [{bad.kind: bad.name, "reason": bad.reason} for bad in status.left_out],
        "drift": [
            {"tool": drift.tool, "change": drift.kind, "action": drift.action, "reason": drift.reason}
            for drift in status.drift
        ],
        "said": [clean(line) for line in status.said[-_LINES:]],
        "stderr": [clean(line) for line in status.stderr_tail[-_LINES:]] if status.state != "ready" else [],
    }
    return {name: value for name, value in told.items() if value not in (None, [])}
