"""What a scripted model answers: one turn, with whatever goes wrong in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `arguments` that are text are sent as they stand, malformed or not."""

    name: str
    arguments: str | Mapping[str, Any] = "{}"
    id: str | None = None

    @property
    def arguments_text(self) -> str:
        """The JSON text that is sent."""
        return self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments)


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer.

    `status` from 400 on, or a `body`, is sent as it stands instead of an answer made from the other fields; an
    error without a body gets a usual one. `wait_for` holds back the whole answer until the event is set. The
    faults count the events of a stream (with the role's, which comes first) before they strike, and only one of
    them may be set: `cut_after` breaks the connection off, `stall_after` waits for `resume` or for ever,
    `malformed_after` sends an event that is not JSON, `error_after` sends an error event, `end_after` ends the
    body properly but too early. For an answer that is not streamed the first three mean: cut in the middle,
    stall before the head, a body that is not JSON.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None
    status: int = 200
    body: bytes | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    wait_for: anyio.Event | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    resume: anyio.Event | None = None
    malformed_after: int | None = None
    error_after: int | None = None
    end_after: int | None = None

    @property
    def reason(self) -> str:
        """Why the model stopped, in OpenAI's words."""
        return self.finish_reason or ("tool_calls" if self.calls else "stop")
