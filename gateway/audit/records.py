"""Records to JSON and back. Field names are those of the records; times are RFC 3339 in UTC."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from gateway.audit.events import AuditEvent, RunRecord, ToolCallRecord
from gateway.auth import KeyId
from gateway.conversation import Usage


def to_json(event: AuditEvent) -> bytes:
    """One record as a JSON object on one line, `kind` first. Never raises: what was done must be kept."""
    try:
        fields = orjson.dumps(event, option=orjson.OPT_UTC_Z)
    except TypeError:  # a lone surrogate, or a number of more than 64 bits
        fields = json.dumps(asdict(event), default=_plain).encode()
    return b'{"kind":"%b",%b' % (event.kind.encode(), fields[1:])


def run_from_json(data: str | bytes) -> RunRecord:
    """What `to_json` wrote of a run."""
    fields = _fields(data, RunRecord.__slots__)
    usage = fields.pop("usage", None)
    started, ended = (datetime.fromisoformat(fields.pop(name)) for name in ("started", "ended"))
    return RunRecord(**fields, started=started, ended=ended, usage=usage and Usage(**usage))


def tool_call_from_json(data: str | bytes) -> ToolCallRecord:
    """What `to_json` wrote of a tool call."""
    fields = _fields(data, ToolCallRecord.__slots__)
    targets = {name: tuple(values) for name, values in fields.pop("targets", {}).items()}
    at = datetime.fromisoformat(fields.pop("at"))
    return ToolCallRecord(**fields, at=at, targets=targets)


def _fields(data: str | bytes, known: Collection[str]) -> dict[str, Any]:
    """The members that a record has; a later version may have written more."""
    members: dict[str, Any] = json.loads(data)  # unlike orjson, it reads whatever `to_json` writes
    members["key_id"] = KeyId(members["key_id"])
    return {name: value for name, value in members.items() if name in known}


def _plain(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
