"""Records to JSON and back. Times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from gateway.audit.events import AuditEvent, RunRecord, ToolCallRecord
from gateway.auth import KeyId
from gateway.conversation import Usage


def to_json(event: AuditEvent) -> bytes:
    """One record as a JSON object on one line, `kind` first."""
    fields = orjson.dumps(event, option=orjson.OPT_UTC_Z)
    return b'{"kind":"%b",%b' % (event.kind.encode(), fields[1:])


def run_from_json(data: bytes) -> RunRecord:
    """What `to_json` wrote of a run."""
    fields = _fields(data)
    usage = fields.pop("usage")
    started, ended = (datetime.fromisoformat(fields.pop(name)) for name in ("started", "ended"))
    return RunRecord(**fields, started=started, ended=ended, usage=usage and Usage(**usage))


def tool_call_from_json(data: bytes) -> ToolCallRecord:
    """What `to_json` wrote of a tool call."""
    fields = _fields(data)
    targets = {name: tuple(values) for name, values in fields.pop("targets").items()}
    at = datetime.fromisoformat(fields.pop("at"))
    return ToolCallRecord(**fields, at=at, targets=targets)


def _fields(data: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = orjson.loads(data)
    del fields["kind"]
    fields["key_id"] = KeyId(fields["key_id"])
    return fields
