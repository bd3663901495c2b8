"""Records to JSON and back. Field names are those of the records; times are RFC 3339 in UTC."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import orjson

from gateway.audit.events import AuditEvent, RunRecord, ToolCallRecord, ToolChangeRecord
from gateway.auth import KeyId, User
from gateway.conversation import Usage

_OF_RUN = frozenset(member.name for member in fields(RunRecord))
_OF_CALL = frozenset(member.name for member in fields(ToolCallRecord))
_OF_CHANGE = frozenset(member.name for member in fields(ToolChangeRecord))


def to_json(event: AuditEvent) -> bytes:
    """One record as a JSON object on one line, `kind` first. Never raises: what was done must be kept."""
    try:
        members = orjson.dumps(event, option=orjson.OPT_UTC_Z)
    except TypeError:  # a lone surrogate, or a number of more than 64 bits
        members = json.dumps(asdict(event), default=_plain).encode()
    return b'{"kind":"%b",%b' % (event.kind.encode(), members[1:])


def run_from_json(data: str | bytes) -> RunRecord:
    """What `to_json` wrote of a run."""
    members = _members(data, _OF_RUN)
    usage = members.pop("usage", None)
    started, ended = (datetime.fromisoformat(members.pop(name)) for name in ("started", "ended"))
    return RunRecord(**members, started=started, ended=ended, usage=usage and Usage(**usage))


def tool_call_from_json(data: str | bytes) -> ToolCallRecord:
    """What `to_json` wrote of a tool call."""
    members = _members(data, _OF_CALL)
    targets = {name: tuple(values) for name, values in members.pop("targets", {}).items()}
    at = datetime.fromisoformat(members.pop("at"))
    return ToolCallRecord(**members, at=at, targets=targets)


def tool_change_from_json(data: str | bytes) -> ToolChangeRecord:
    """What `to_json` wrote of a tool that changed."""
    members: dict[str, Any] = json.loads(data)
    at = datetime.fromisoformat(members.pop("at"))
    known = {name: value for name, value in members.items() if name in _OF_CHANGE}
    return ToolChangeRecord(at=at, **known)


def _members(data: str | bytes, known: Collection[str]) -> dict[str, Any]:
    """The members that a record has; a later version may have written more."""
    members: dict[str, Any] = json.loads(data)  # unlike orjson, it reads whatever `to_json` writes
    members["key_id"] = KeyId(members["key_id"])
    user: dict[str, Any] | None = members.get("user")
    members["user"] = user and User(user["issuer"], user["subject"])
    return {name: value for name, value in members.items() if name in known}


def _plain(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
