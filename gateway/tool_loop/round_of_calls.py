"""Runs the tool calls of a run, those of one round at once, and keeps what they gave until the round is over.

Above: the driver. Below: a `ToolRunner`. Refuses to know: models, how a result becomes part of the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace

import anyio
from anyio.abc import TaskGroup

from gateway.conversation import Media, Text, ToolCall, ToolResult
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop.actions import RunTools
from gateway.tool_loop.call_reports import CallReports
from gateway.tool_loop.limits import LIMIT_REACHED, LoopLimits
from gateway.tool_loop.ports import Sink, ToolBudget, ToolRunner
from gateway.tool_loop.progress import ToolCallBegan, ToolCallEnded
from gateway.tool_loop.shown_calls import Showing
from gateway.tool_loop.spending import Spending
from gateway.tool_loop.stopwatch import Stopwatch


class CallsOfRun:
    """The calls of one run, over all its attempts."""

    def __init__(self, runner: ToolRunner, limits: LoopLimits, spent: Spending, stopwatch: Stopwatch) -> None:
        self.runner = runner
        """May be another one from one attempt to the next."""
        self.outcomes: list[ToolOutcome] = []
        """Of all calls that have ended, in that order, without what they gave."""
        self.results: dict[str, ToolResult] = {}
        """Of the round that is under way, by the calls' ids."""
        self._limits = limits
        self._spent = spent
        self._stopwatch = stopwatch

    async def run(self, action: RunTools, emit: Sink, showing: Showing) -> list[ToolResult]:
        """The results of these calls, in their order; those that have theirs already are not made again."""
        due = [call for call in action.calls if call.id not in self.results]
        share = self._spent.room_for_results // len(action.calls)  # those of an earlier attempt have had theirs
        places = anyio.Semaphore(self._limits.concurrent_calls, fast_acquire=True)

        async def run_one(call: ToolCall) -> None:
            async with places:
                await emit(ToolCallBegan(action.round, call.id, call.name))
                for event in showing.began(call):
                    await emit(event)
                outcome = await self._run_one(call, self._budget(action.round, share), emit, group)
                for event in showing.ended(call, self.results[call.id]):
                    await emit(event)
                await emit(_ended(action.round, call, outcome))

        # A task of its own even for one call: what ends this task at once lets a call that may write go on.
        async with anyio.create_task_group() as group:
            for call in due:
                group.start_soon(run_one, call)
        results = [self.results[call.id] for call in action.calls]
        self.results = {}
        return results

    async def _run_one(self, call: ToolCall, budget: ToolBudget, emit: Sink, group: TaskGroup) -> ToolOutcome:
        """Run one call and keep its result before anything else can be cancelled."""
        reports = CallReports(call, emit, group)
        with closing(reports):
            outcome = await self.runner.run(call, budget, reports)
        # What a tool gave stands in the transcript, once: runs are kept for a while after their end.
        self.outcomes.append(replace(outcome, content=(), structured=None, loads=()))
        content = _within(self._room_for_media(), outcome.content)
        self.results[call.id] = ToolResult(call.id, content, outcome.is_error, outcome.loads)
        await reports.emitted()
        return outcome

    def _room_for_media(self) -> int:
        taken = sum(_media_bytes(part) for result in self.results.values() for part in result.content)
        return self._spent.room_for_media - taken

    def _budget(self, round_number: int, result_bytes: int) -> ToolBudget:
        left = max(0.0, self._limits.wall_clock_seconds - self._stopwatch.elapsed())
        return ToolBudget(round_number, min(self._limits.tool_call_seconds, left), result_bytes)


def _within(room: int, content: Iterable[Text | Media]) -> tuple[Text | Media, ...]:
    """What a tool gave, with no more bytes of media than there is room for in the run."""
    kept: list[Text | Media] = []
    for part in content:
        room -= _media_bytes(part)
        if isinstance(part, Media) and room < 0:
            kept.append(Text(f"[{part.kind} left out: {LIMIT_REACHED['result_bytes']}]"))
        else:
            kept.append(part)
    return tuple(kept)


def _media_bytes(part: Text | Media) -> int:
    return len(part.data or "") if isinstance(part, Media) else 0


def _ended(round_number: int, call: ToolCall, outcome: ToolOutcome) -> ToolCallEnded:
    return ToolCallEnded(
        round=round_number,
        call_id=call.id,
        tool=call.name,
        verdict=outcome.verdict,
        rule=outcome.rule,
        outcome=outcome.outcome,
        duration_seconds=outcome.duration_seconds,
    )
