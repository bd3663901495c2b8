"""What one run may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

Number = TypeVar("Number", int, float)

MEDIA_BYTES = 32 * 1024 * 1024
"""Base64 of images and sounds in all results of one run; no model counts it like text."""

LimitName = Literal["rounds", "calls", "wall_clock_seconds", "result_bytes", "repeats", "usd"]

LIMIT_REACHED: Mapping[LimitName, str] = {
    "rounds": "this run's limit on rounds of tool calls is reached",
    "calls": "this run's limit on tool calls is reached",
    "wall_clock_seconds": "this run's time for tool calls is used up",
    "result_bytes": "this run's limit on the size of tool results is reached",
    "repeats": "the same call has been repeated with the same result",
    "usd": "the money for this run is used up",
}


@dataclass(frozen=True, slots=True)
class LoopLimits:
    """The bounds of one run. When one is reached the model is told, and asked for its answer without tools.

    `rounds` counts model calls whose tool calls may still run; the closing call comes on top. `calls` counts
    tool calls. `wall_clock_seconds` is measured from the start of the run, pauses between attempts left out.
    `result_bytes` is the sum of the text of all tool results in UTF-8; of media there may be `MEDIA_BYTES`.
    `repeats` is how often the same call may give the same result in a row. `usd` is what the model calls before
    the closing one may cost, in US dollars; a cost that is not known counts as too high.
    """

    rounds: int = 16
    calls: int = 64
    concurrent_calls: int = 8
    wall_clock_seconds: float = 600.0
    tool_call_seconds: float = 60.0
    result_bytes: int = 256 * 1024
    repeats: int = 3
    usd: float | None = None

    def narrowed(
        self,
        *,
        rounds: int | None = None,
        calls: int | None = None,
        concurrent_calls: int | None = None,
        wall_clock_seconds: float | None = None,
        result_bytes: int | None = None,
        usd: float | None = None,
    ) -> LoopLimits:
        """These limits, each lowered to the given one where that is lower. Nothing is ever raised."""
        return LoopLimits(
            rounds=_lower(self.rounds, rounds),
            calls=_lower(self.calls, calls),
            concurrent_calls=_lower(self.concurrent_calls, concurrent_calls),
            wall_clock_seconds=_lower(self.wall_clock_seconds, wall_clock_seconds),
            tool_call_seconds=self.tool_call_seconds,
            result_bytes=_lower(self.result_bytes, result_bytes),
            repeats=self.repeats,
            usd=usd if self.usd is None else _lower(self.usd, usd),
        )


def _lower(ours: Number, theirs: Number | None) -> Number:
    return ours if theirs is None else min(ours, theirs)
