from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import get_args

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.conversation import (
    Finished,
    FinishReason,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolChoice,
    UnknownDelta,
    UnknownPart,
    Usage,
    UsageReported,
)
from gateway.conversation.assembly import ResponseAssembler
from gateway.errors import UpstreamUnreachable
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop import (
    Finish,
    LoopLimits,
    RoundStarted,
    Telling,
    ToolCallBegan,
    ToolCallEnded,
    ToolCallProgressed,
)

from .conversations import OURS, THEIRS, answer, call, check_well_formed
from .scripted import Run, ScriptedModel, ScriptedTools

both = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


@both
async def test_a_run_of_several_rounds_is_one_answer(stream):
    run = Run(
        answer("let me see", call("1"), usage=Usage(1, 1)),
        answer(call("2"), call("3"), usage=Usage(2, 2)),
        answer("it is done", usage=Usage(4, 4)),
        stream=stream,
    )
    finish = await run.go()
    assert (finish.reason, finish.rounds, finish.usage) == (FinishReason.STOP, 3, Usage(7, 7))
    assert finish.text == "let me see\n\nit is done"
    assert run.tools.began == ["1", "2", "3"]
    check_well_formed(run.machine.transcript)
    assert [len(asked.messages) for asked in run.model.requests] == [1, 3, 6]


async def test_the_stream_has_one_start_one_end_and_no_trace_of_our_calls():
    run = Run(answer("see", call("1"), usage=Usage(1, 1)), answer("done", usage=Usage(2, 2)))
    await run.go()
    assert [event.id for event in run.of(ResponseStarted)] == ["chatcmpl-1"]
    assert run.of(Finished) == [Finished(FinishReason.STOP)]
    assert run.of(UsageReported) == [UsageReported(Usage(3, 3))]
    assert run.emitted[-2:] == [*run.of(Finished), *run.of(UsageReported)]
    assert run.of(ToolCallStarted, ToolCallDelta) == []
    assert run.text == "see\n\ndone"


async def test_a_run_without_reported_usage_reports_none():
    run = Run(answer("done"))
    await run.go()
    assert run.emitted[-1] == Finished(FinishReason.STOP)


async def test_reasoning_of_every_round_leaves():
    run = Run(answer(Reasoning("first"), call("1")), answer(Reasoning("second"), "done"))
    await run.go()
    assert [event.text for event in run.of(ReasoningDelta)] == ["first", "second"]


@both
async def test_under_structured_output_only_the_last_rounds_text_leaves(stream):
    run = Run(answer("thinking aloud", call("1")), answer('{"a": 1}'), structured_output=True, stream=stream)
    assert (await run.go()).text == '{"a": 1}'
    assert run.text == ('{"a": 1}' if stream else "")


async def test_the_clients_calls_leave_with_indexes_of_their_own_once_ours_have_run():
    run = Run(answer("both", call("1"), call("2", THEIRS, '{"city":"Paris"}'), call("3"), call("4", THEIRS)))
    finish = await run.go()
    assert finish.reason is FinishReason.TOOL_CALLS
    assert [(event.index, event.id) for event in run.of(ToolCallStarted)] == [(0, "2"), (1, "4")]
    arguments = "".join(event.arguments for event in run.of(ToolCallDelta) if event.index == 0)
    assert arguments == '{"city":"Paris"}'
    assert sorted(run.tools.ended) == ["1", "3"]
    assert run.emitted[-1] == Finished(FinishReason.TOOL_CALLS)


@both
@pytest.mark.parametrize("ids", [("a", "a"), ("", ""), ("", "call_1_0"), ("call_1_1", "")])
async def test_calls_without_an_id_of_their_own_are_told_apart_and_the_client_sees_the_same_ids(ids, stream):
    run = Run(answer(*(call(one, THEIRS) for one in ids), call("x")), stream=stream)
    finish = await run.go()
    named = [one.id for one in finish.client_calls]
    assert len(set(named)) == 2
    assert "" not in named
    if stream:
        assert [event.id for event in run.of(ToolCallStarted)] == named


async def test_a_model_that_calls_tools_in_the_closing_round_ends_the_run_without_them():
    run = Run(answer(call("1")), answer("still", call("2"), call("3", THEIRS)), limits=LoopLimits(rounds=1))
    finish = await run.go()
    assert (finish.reason, finish.client_calls, finish.limit) == (FinishReason.STOP, (), "rounds")
    assert run.model.requests[1].tool_choice == ToolChoice("none")
    assert run.of(ToolCallStarted, ToolCallDelta) == []
    assert run.tools.began == ["1"]


async def test_calls_of_one_round_run_side_by_side_up_to_the_limit():
    running, most, full, release = 0, 0, anyio.Event(), anyio.Event()

    async def work(_call) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await release.wait()
        running -= 1
        return "ok"

    async def let_go() -> None:
        await full.wait()
        await anyio.wait_all_tasks_blocked()
        release.set()

    run = Run(
        answer(*(call(str(n), arguments=f'{{"n":{n}}}') for n in range(8))),
        answer("done"),
        tools=ScriptedTools(work),
        limits=LoopLimits(concurrent_calls=3),
    )
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(let_go)
            await run.go()
    assert most == 3
    assert len(run.tools.ended) == 8


async def test_each_call_is_given_its_share_of_what_the_run_may_still_use():
    limits = LoopLimits(wall_clock_seconds=100, tool_call_seconds=60, result_bytes=1000)
    run = Run(answer(call("1"), call("2", arguments='{"n":2}')), answer("done"), limits=limits)
    await run.go()
    assert [(budget.round, budget.timeout_seconds, budget.result_bytes) for budget in run.tools.budgets] == [
        (1, 60, 500),
        (1, 60, 500),
    ]


async def test_what_the_run_does_is_told_in_order_for_those_who_ask():
    run = Run(answer(call("1")), answer("done"))
    await run.go()
    told = run.of(RoundStarted, ToolCallBegan, ToolCallProgressed, ToolCallEnded)
    assert [type(event) for event in told] == [
        RoundStarted,
        ToolCallBegan,
        ToolCallProgressed,
        ToolCallEnded,
        RoundStarted,
    ]
    assert told[2] == ToolCallProgressed("1", OURS, 1, 2, "half")
    assert told[3].outcome == "ok"


async def test_a_tool_that_reports_more_than_the_client_reads_is_not_held_up():
    class Chatty(ScriptedTools):
        async def run(self, call, budget, on_progress) -> ToolOutcome:
            for step in range(1000):
                on_progress(step, None, None)
            outcome = await super().run(call, budget, on_progress)
            self.late = on_progress
            return outcome

    run = Run(answer(call("1")), answer("done"), tools=Chatty())
    await run.go()
    assert len(run.of(ToolCallProgressed)) <= 17
    run.tools.late(1, None, "after the end")


async def _interrupt_when(run: Run, began: anyio.Event) -> None:
    """Run until the event, then cancel."""
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.go)
            await began.wait()
            tasks.cancel_scope.cancel()


async def test_a_run_interrupted_in_mid_round_is_taken_up_without_running_any_finished_call_again():
    stuck = anyio.Event()
    slow = {"2"}

    async def work(one) -> str:
        if one.id in slow:
            stuck.set()
            await anyio.sleep_forever()
        return f"result of {one.id}"

    calls = [call(str(n), arguments=f'{{"n":{n}}}') for n in range(1, 4)]
    run = Run(answer("see", *calls), answer("done"), tools=ScriptedTools(work))
    await _interrupt_when(run, stuck)
    assert sorted(run.tools.ended) == ["1", "3"]
    slow.clear()
    finish = await run.go()
    assert run.tools.began.count("2") == 2
    assert sorted(run.tools.ended) == ["1", "2", "3"]
    assert finish.text == run.text == "see\n\ndone"
    assert len(run.model.requests) == 2, "the first round is not asked for again"
    check_well_formed(run.machine.transcript)


async def test_a_call_that_may_write_is_recorded_even_if_its_client_leaves_meanwhile():
    begun, finish_writing = anyio.Event(), anyio.Event()

    async def write(_call) -> str:
        begun.set()
        with anyio.CancelScope(shield=True):
            await finish_writing.wait()
        return "written"

    run = Run(answer(call("1")), answer("done"), tools=ScriptedTools(write, may_write=True))
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.go)
            await begun.wait()
            tasks.cancel_scope.cancel()
            finish_writing.set()
    assert run.loop.may_have_written
    finish = await run.go()
    assert run.tools.began == ["1"]
    assert finish.text == "done"


async def test_a_model_that_fails_leaves_a_run_that_can_be_taken_up_where_it_was():
    down = UpstreamUnreachable("cut", provider="p")
    run = Run(answer("see", call("1")), down, answer("done"))
    with pytest.raises(UpstreamUnreachable):
        await run.go()
    assert run.of(Finished) == []
    finish = await run.go()
    assert run.tools.began == ["1"]
    assert run.text == finish.text == "see\n\ndone"
    assert [event.id for event in run.of(ResponseStarted)] == ["chatcmpl-1"]


@both
async def test_a_finished_run_is_told_again_without_asking_anybody(stream):
    run = Run(answer("both", call("1"), call("2", THEIRS, '{"a":1}'), usage=Usage(1, 1)), stream=stream)
    first = await run.go()
    said = run.text
    assert await run.go() is first
    assert run.text == (said if stream else "both")
    assert [(event.index, event.id, event.name) for event in run.of(ToolCallStarted)] == [(0, "2", THEIRS)]
    assert run.emitted[-2:] == [Finished(FinishReason.TOOL_CALLS), UsageReported(Usage(1, 1))]
    assert run.tools.began == ["1"]


async def test_the_time_between_two_attempts_does_not_count(monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr("gateway.tool_loop.stopwatch.monotonic", lambda: now)

    async def work(_call) -> str:
        nonlocal now
        now += 30
        return "ok"

    down = UpstreamUnreachable("cut", provider="p")
    run = Run(
        answer(call("1")), down, answer(call("2", arguments="[]")), answer("done"),
        tools=ScriptedTools(work), limits=LoopLimits(wall_clock_seconds=50),
    )  # fmt: skip
    with pytest.raises(UpstreamUnreachable):
        await run.go()
    now += 10_000
    finish = await run.go()
    assert [budget.timeout_seconds for budget in run.tools.budgets] == [50, 20]
    assert finish.limit == "wall_clock_seconds"


async def test_a_client_that_cannot_be_written_to_ends_the_attempt_and_not_the_run():
    run = Run(answer("see", call("1")), answer("done"))

    async def broken(event) -> None:
        if isinstance(event, ToolCallEnded):
            raise BrokenPipeError

    with pytest.raises(ExceptionGroup):
        await run.loop.run(broken)
    assert (await run.go()).text == "see\n\ndone"
    assert run.tools.began == ["1"]


parts = st.one_of(
    st.builds(Text, st.sampled_from(["", "a", "some words"])),
    st.builds(Reasoning, st.just("hm")),
    st.builds(call, st.sampled_from(["", "x", "y"]), st.sampled_from([OURS, THEIRS, "made_up"])),
)
answers = st.lists(
    st.lists(parts, max_size=4).map(lambda given_parts: answer(*given_parts)), min_size=1, max_size=4
)


TELLING = Telling("openai_responses", round_break=UnknownPart("openai_responses", {"message": {}}))


def in_a_stream(events):
    """The parts that a stream tells, without empty ones, which no client sees."""
    assembler = ResponseAssembler()
    for event in events:
        if not isinstance(event, TextDelta) or event.text:
            assembler.add(event)
    return assembler.response().message.parts


@settings(max_examples=150, deadline=None)
@given(answers, st.booleans(), st.sampled_from([Telling(), TELLING]))
def test_a_stream_tells_exactly_what_a_whole_answer_does(given_answers, structured, telling):
    async def compare() -> None:
        limits = LoopLimits(rounds=3)
        ends: list[Finish] = []
        for stream in (True, False):
            run = Run(
                *(*given_answers, answer("the end")),
                stream=stream,
                limits=limits,
                structured_output=structured,
                telling=telling,
            )
            ends.append(await run.go())
            told = run.loop.told_parts(ends[-1])
            if stream:
                streamed = told
                assert in_a_stream(run.of(*get_args(StreamEvent))) == streamed
                await run.go()
                assert in_a_stream(run.of(*get_args(StreamEvent))) == streamed
            else:
                # Ids that a model left out are made up in each way for itself.
                assert [replace(part, id="") if isinstance(part, ToolCall) else part for part in told] == [
                    replace(part, id="") if isinstance(part, ToolCall) else part for part in streamed
                ]
            if stream and telling.round_break is None:
                assert run.text == ends[0].text
                started = run.of(ToolCallStarted)
                assert [event.name for event in started] == [one.name for one in ends[0].client_calls]
                assert [event.id for event in started] == [one.id for one in ends[0].client_calls]
                assert [event.index for event in started] == list(range(len(started)))
                assert len(run.of(Finished)) == len(run.of(ResponseStarted)) == 1
        assert ends[0].text == ends[1].text
        assert ends[0].reason == ends[1].reason
        assert ends[0].rounds == ends[1].rounds

    anyio.run(compare)


async def test_text_deltas_leave_one_by_one_as_they_come():
    run = Run(answer("hello"))
    await run.go()
    assert [event.text for event in run.of(TextDelta)] == ["he", "llo"]


async def test_the_end_of_a_run_of_one_round_leaves_as_it_came_and_that_of_several_is_our_own():
    class Detailed(ScriptedModel):
        @asynccontextmanager
        async def stream(self, asked):
            async with super().stream(asked) as events:
                yield self._with_details(events)

        async def _with_details(self, events):
            async for event in events:
                yield replace(event, raw={"native": 1}) if isinstance(event, Finished | UsageReported) else event

    for answers, raw in [
        ([answer("done", usage=Usage(1, 1))], {"native": 1}),
        ([answer(call("1"), usage=Usage(1, 1)), answer("done", usage=Usage(1, 1))], {}),
    ]:
        run = Run()
        run.loop._model = Detailed(answers)
        await run.go()
        assert [event.raw for event in run.of(Finished, UsageReported)] == [raw, raw]


async def test_under_structured_output_nothing_that_an_earlier_round_said_leaves():
    model = ScriptedModel([])

    @asynccontextmanager
    async def stream(asked):
        async def events():
            first = not model.requests
            model.requests.append(asked)
            yield ResponseStarted("r", "m", 1)
            yield RefusalDelta("first" if first else "last")
            yield UnknownDelta("openai_chat", {"logprobs": "first" if first else "last"}, in_message=False)
            if first:
                yield ToolCallStarted(0, "1", OURS)
            yield Finished(FinishReason.TOOL_CALLS if first else FinishReason.STOP)

        yield events()

    model.stream = stream
    run = Run(structured_output=True)
    run.loop._model = model
    await run.go()
    assert run.of(RefusalDelta) == [RefusalDelta("last")]
    assert [event.raw for event in run.of(UnknownDelta)] == [{"logprobs": "last"}]
