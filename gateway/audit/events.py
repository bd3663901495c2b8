"""What the audit trail keeps: who, what, verdict and rule, digest of arguments, duration, outcome.

Never arguments, results or messages themselves. The exception is asked for by auditors: where a call that may
write wrote to (the path, the address), in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from gateway.auth import KeyId, User
from gateway.conversation import Usage


@dataclass(frozen=True, slots=True)
class ToolCallRecord:
    """One tool call, whatever became of it.

    `requested` is the name that was asked for, escaped; `server` and `tool` are None when this key has no such
    tool. `verdict`, `rule` and `reason` are the policy's. `arguments_sha256` is the digest, in hex, of the
    arguments as canonical JSON (members sorted by name, no spaces; see `gateway.tool_calls.arguments`), or of
    the text as it came when that is no JSON object. `targets` are the values of arguments that name a place.
    `result_bytes` counts the text given to the model, `escaped` the characters made visible in it. `user` is whom
    the call was for, when that was proven.
    """

    kind: ClassVar[str] = "tool_call"

    at: datetime
    run_id: str
    call_id: str
    key_id: KeyId
    requested: str
    verdict: str
    outcome: str
    duration_seconds: float
    arguments_sha256: str
    arguments_bytes: int
    round: int | None = None
    server: str | None = None
    tool: str | None = None
    rule: str | None = None
    reason: str | None = None
    may_write: bool = False
    is_error: bool = False
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    result_bytes: int = 0
    result_was_cut: bool = False
    escaped: int = 0
    user: User | None = None


@dataclass(slots=True)  # not frozen: one is made for every request, at a fifth of the price
class RunRecord:
    """One run: a request and everything that was done for it. `client` is the caller's user agent, escaped."""

    kind: ClassVar[str] = "run"

    run_id: str
    key_id: KeyId
    model: str
    started: datetime
    ended: datetime
    outcome: str
    dialect: str
    rounds: int = 0
    calls: int = 0
    usage: Usage | None = None
    client: str | None = None
    user: User | None = None

    @property
    def at(self) -> datetime:
        """When the record was made: at the run's end."""
        return self.ended


@dataclass(frozen=True, slots=True)
class ToolChangeRecord:
    """A tool that is not as it was locked, or first seen: what changed, and what became of it.

    `tool` is `*` where all tools of the server are meant; `change`, `action` and `reason` are those of
    `gateway.hub.drift`. `sha256` is the digest of the definition that the server has come to list.
    """

    kind: ClassVar[str] = "tool_change"

    at: datetime
    server: str
    tool: str
    change: str
    action: str
    reason: str
    sha256: str | None = None


AuditEvent = ToolCallRecord | RunRecord | ToolChangeRecord


def now() -> datetime:
    """The time in UTC, as every record has it."""
    return datetime.now(UTC)
