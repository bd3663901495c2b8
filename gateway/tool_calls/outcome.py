"""What became of a tool call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.conversation import Media, Text
from gateway.errors import ToolServerError
from gateway.hub import CallResult

Verdict = Literal["allow", "deny", "ask", "invalid", "unknown"]
"""What the gateway said: the policy's word, or that it was never asked, because the call made no sense."""

OutcomeKind = Literal[
    "ok",
    "tool_error",
    "denied",
    "invalid_arguments",
    "unknown_tool",
    "timeout",
    "server_down",
    "not_connected",
    "server_fault",
    "cancelled",
]

_NEVER_SENT: frozenset[OutcomeKind] = frozenset({"denied", "invalid_arguments", "unknown_tool", "not_connected"})


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """The end of one call: a refusal and a fault are outcomes too.

    `content` is fit for a model. `structured` is the server's own JSON value, kept for programs when it is
    within the limit on results. `server`, `tool` and `qualified` are None for a tool that this key does not
    have. `may_write` says that the tool is not known to be read-only. `result` is what the server sent, for those
    who asked for that, and of what is no tool `answer`; `error` is how it failed the call. `loads` are the wire
    names of tools that the call, a search, has found.
    """

    call_id: str
    verdict: Verdict
    outcome: OutcomeKind
    content: tuple[Text | Media, ...]
    is_error: bool
    duration_seconds: float
    may_write: bool = False
    rule: str | None = None
    server: str | None = None
    tool: str | None = None
    qualified: str | None = None
    structured: Any | None = None
    result: CallResult | None = field(default=None, repr=False)
    answer: Mapping[str, Any] | None = field(default=None, repr=False)
    error: ToolServerError | None = None
    loads: tuple[str, ...] = ()

    @property
    def ran(self) -> bool:
        """True when the call may have reached the server: a repetition might repeat an effect."""
        return self.outcome not in _NEVER_SENT

    @property
    def text(self) -> str:
        """The text parts, joined by line ends."""
        return "\n".join(part.text for part in self.content if isinstance(part, Text))
