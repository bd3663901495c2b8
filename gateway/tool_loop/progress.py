"""What a run tells of itself while it works, for clients that ask for `events`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.conversation import StreamEvent


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """A model call begins; rounds count from 1."""

    round: int


@dataclass(frozen=True, slots=True)
class ToolCallBegan:
    """One of our tools is about to be called. `tool` is the name that the model used."""

    round: int
    call_id: str
    tool: str


@dataclass(frozen=True, slots=True)
class ToolCallProgressed:
    """A server reported progress; `progress` and `total` are in the server's own unit."""

    call_id: str
    tool: str
    progress: float
    total: float | None
    message: str | None


@dataclass(frozen=True, slots=True)
class ToolCallEnded:
    """One of our tool calls has its result, whatever it is."""

    round: int
    call_id: str
    tool: str
    verdict: str
    rule: str | None
    outcome: str
    duration_seconds: float


Progress = RoundStarted | ToolCallBegan | ToolCallProgressed | ToolCallEnded
RunEvent = StreamEvent | Progress
