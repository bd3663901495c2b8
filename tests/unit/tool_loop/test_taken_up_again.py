"""A run that broke off, and goes on: what its client is told is what one that never broke off would have told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import get_args

import anyio
import pytest

from gateway.conversation import (
    Finished,
    FinishReason,
    ModelRequest,
    Reasoning,
    StreamEvent,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UnknownPart,
    Usage,
    UsageReported,
)
from gateway.errors import UpstreamUnreachable
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop import LoopLimits, Telling, ToolCallProgressed

from .conversations import THEIRS, answer, call
from .scripted import Run, ScriptedModel, ScriptedTools

TELLING = Telling("openai_responses", round_break=UnknownPart("openai_responses", {"message": {}}))
THOUGHT = answer(Reasoning("hm", signature="proof"), "done", usage=Usage(1, 1))


def down(*, may_begin_anew: bool = False) -> UpstreamUnreachable:
    error = UpstreamUnreachable("cut", provider="p")
    error.may_begin_anew = may_begin_anew
    return error


class Silent(ScriptedModel):
    """Breaks off before it has said anything; its end and its usage have fields that nobody knows."""

    @asynccontextmanager
    async def stream(self, asked: ModelRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        if isinstance(self.answers[0], Exception):
            yield self._failing(self.answers.pop(0))
        else:
            async with super().stream(asked) as events:
                yield self._detailed(events)

    async def _failing(self, error: Exception) -> AsyncIterator[StreamEvent]:
        yield UsageReported(Usage(9, 9))
        raise error

    async def _detailed(self, events: AsyncIterator[StreamEvent]) -> AsyncIterator[StreamEvent]:
        async for event in events:
            yield replace(event, raw={"native": 1}) if isinstance(event, Finished | UsageReported) else event


def said(run: Run) -> list[StreamEvent]:
    return list(run.of(*get_args(StreamEvent)))


async def never_broken(**given) -> list[StreamEvent]:
    run = Run(**given)
    run.loop._model = Silent([THOUGHT])
    await run.go()
    return said(run)


@pytest.mark.parametrize("telling", [Telling(), TELLING], ids=["plain", "with breaks"])
async def test_a_first_round_that_was_begun_anew_has_its_proof_and_its_own_end(telling: Telling):
    run = Run(telling=telling)
    run.loop._model = Silent([down(may_begin_anew=True), THOUGHT])
    await run.go()
    assert said(run) == await never_broken(telling=telling)
    assert [event.raw for event in run.of(Finished, UsageReported)] == [{"native": 1}] * 2


@pytest.mark.parametrize("telling", [Telling(), TELLING], ids=["plain", "with breaks"])
async def test_a_first_round_that_a_retry_takes_up_is_told_as_the_first(telling: Telling):
    run = Run(telling=telling)
    run.loop._model = Silent([down(), THOUGHT])
    with pytest.raises(UpstreamUnreachable):
        await run.go()
    await run.go()
    assert run.of(UnknownDelta) == []
    assert said(run)[1:] == (await never_broken(telling=telling))[1:]


async def test_a_later_round_that_a_retry_takes_up_has_no_proof_and_is_set_apart():
    run = Run(telling=TELLING)
    run.loop._model = Silent([answer("see", call("1")), down(), THOUGHT])
    with pytest.raises(UpstreamUnreachable):
        await run.go()
    finish = await run.go()
    assert len(run.of(UnknownDelta)) == 1
    thoughts = [part for part in run.loop.told_parts(finish) if isinstance(part, Reasoning)]
    assert thoughts == [Reasoning("hm")]


@dataclass
class Stuck(ScriptedTools):
    """The first call named stays where it is until it is cancelled; each listener is kept."""

    name: str = "1"
    is_stuck: anyio.Event = field(default_factory=anyio.Event)
    listeners: list = field(default_factory=list)

    async def run(self, call: ToolCall, budget, on_progress) -> ToolOutcome:
        self.listeners.append(on_progress)
        if call.id == self.name and not self.is_stuck.is_set():
            self.budgets.append(budget)
            self.is_stuck.set()
            await anyio.sleep_forever()
        return await super().run(call, budget, on_progress)


async def interrupted(run: Run, tools: Stuck) -> None:
    """Run until one of its tools is stuck, and all others are not; then its client leaves."""
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.go)
            await tools.is_stuck.wait()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize("structured", [False, True], ids=["as they come", "held"])
@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
async def test_the_clients_calls_and_words_are_told_by_a_run_that_broke_off_beside_them_too(order, structured):
    tools = Stuck()
    calls = {"1": call("1"), "2": call("2", THEIRS, '{"city":"Paris"}')}
    run = Run(answer("see", *(calls[one] for one in order)), tools=tools, structured_output=structured)
    await interrupted(run, tools)
    finish = await run.go()
    assert finish.client_calls == (calls["2"],)
    assert [(event.index, event.id, event.name) for event in run.of(ToolCallStarted)] == [(0, "2", THEIRS)]
    assert "".join(event.arguments for event in run.of(ToolCallDelta)) == '{"city":"Paris"}'
    assert (run.text, run.emitted[-1]) == ("see", Finished(FinishReason.TOOL_CALLS))


async def test_the_calls_of_a_second_attempt_have_no_share_of_what_the_first_has_used():
    tools = Stuck()
    calls = (call("1"), call("2", arguments='{"n":2}'))
    run = Run(answer(*calls), answer("done"), tools=tools, limits=LoopLimits(result_bytes=1000))
    await interrupted(run, tools)
    await run.go()
    assert [budget.result_bytes for budget in tools.budgets] == [500, 500, 500]


async def test_what_a_cancelled_call_reports_afterwards_comes_to_nothing():
    tools = Stuck()
    run = Run(answer(call("1")), answer("done"), tools=tools)
    await interrupted(run, tools)
    tools.listeners[0](1, None, "after the end")
    await run.go()
    assert [event.message for event in run.of(ToolCallProgressed)] == ["half"]
