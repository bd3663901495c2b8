"""What a client that asks is told of its run: the `toolgate` object of an answer.

Names, verdicts and durations, never arguments or results: those stay in the run's own record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.tool_calls import ToolOutcome
from gateway.tool_loop import Progress, RoundStarted, ToolCallBegan, ToolCallEnded, ToolLoop


def summarize_run(loop: ToolLoop, unavailable: Sequence[str]) -> dict[str, Any]:
    """A run so far: its id, its rounds, the tokens of all of them, what they cost (null where a price is not
    known), dead servers, and the calls to our tools in the order of their ends.
    """
    summary: dict[str, Any] = {
        "run_id": loop.run_id,
        "rounds": loop.machine.rounds,
        "tool_calls": [_call(outcome) for outcome in loop.outcomes],
        "unavailable": list(unavailable),
    }
    if loop.machine.usage is not None:
        summary["usage"] = asdict(loop.machine.usage)
        summary["cost_usd"] = summary["usage"].pop("cost_usd")
    if loop.machine.limit is not None:
        summary["limit"] = loop.machine.limit
    return summary


def describe_progress(event: Progress) -> dict[str, Any]:
    """One step of a run, for clients that ask for `events`."""
    match event:
        case RoundStarted():
            return {"event": "round_started", "round": event.round}
        case ToolCallBegan():
            return {"event": "tool_call_started", "round": event.round, "id": event.call_id, "name": event.tool}
        case ToolCallEnded():
            return {
                "event": "tool_call_ended",
                "round": event.round,
                "id": event.call_id,
                "name": event.tool,
                "verdict": event.verdict,
                "rule": event.rule,
                "outcome": event.outcome,
                "duration_seconds": round(event.duration_seconds, 6),
            }
        case _:
            return {
                "event": "tool_call_progress",
                "id": event.call_id,
                "name": event.tool,
                "progress": event.progress,
                "total": event.total,
                "message": event.message,
            }


def _call(outcome: ToolOutcome) -> dict[str, Any]:
    return {
        "id": outcome.call_id,
        "server": outcome.server,
        "tool": outcome.tool,
        "verdict": outcome.verdict,
        "rule": outcome.rule,
        "outcome": outcome.outcome,
        "is_error": outcome.is_error,
        "duration_seconds": round(outcome.duration_seconds, 6),
    }
