"""Performs what the state machine asks for: calls the model, runs the tools, passes events on.

Above: the API gives a sink for events and turns the end into a response. Below: routing (a `ModelCaller`) and
the tool-call pipeline (a `ToolRunner`). Refuses to know: HTTP, wire formats, policies, MCP.

A loop that was interrupted, because its client left or its provider failed, can be run again: rounds and tool
calls that are complete are not repeated.
"""

from __future__ import annotations

import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

import anyio

from gateway.conversation import (
    Media,
    ModelRequest,
    ModelResponse,
    Part,
    Refusal,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    Text,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolResult,
    ToolsListed,
    Usage,
)
from gateway.conversation.assembly import ResponseAssembler
from gateway.errors import UpstreamError
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop.progress import RoundStarted, RunEvent, ToolCallBegan, ToolCallEnded, ToolCallProgressed
from gateway.tool_loop.shown_calls import Showing, ShownTools
from gateway.tool_loop.state import LIMIT_REACHED, CallModel, Finish, RunTools, ToolLoopMachine
from gateway.tool_loop.stream_filter import StreamFilter

Sink = Callable[[RunEvent], Awaitable[None]]
ProgressListener = Callable[[float, float | None, str | None], None]


class ModelCaller(Protocol):
    """Calls the model that the request names. Both raise `gateway.errors.UpstreamError`."""

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One whole answer."""
        ...

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        """One answer as it comes; leaving the context stops the model."""
        ...


@dataclass(frozen=True, slots=True)
class ToolBudget:
    """What one tool call may use: seconds until its deadline, and bytes of its result shown to the model."""

    round: int
    timeout_seconds: float
    result_bytes: int


class ToolRunner(Protocol):
    """Runs one call through the pipeline, on behalf of this run's principal. Never raises but for cancellation."""

    async def run(
        self,
        call: ToolCall,
        budget: ToolBudget,
        on_progress: ProgressListener,
    ) -> ToolOutcome:
        """The outcome, whatever it is: a refusal and a fault are outcomes too."""
        ...


class ToolLoop:
    """One run: its machine, what its tools gave, and whether anything may have been written."""

    def __init__(
        self,
        machine: ToolLoopMachine,
        *,
        run_id: str,
        response_id: str,
        model: ModelCaller,
        tools: ToolRunner,
        usage_of_run: bool = True,
        shown: ShownTools | None = None,
    ) -> None:
        """`usage_of_run` says whether the usage that is told is the sum over all rounds, or that of the last.

        `shown` are the tools whose calls the client is shown.
        """
        self.shown = shown or ShownTools()
        self.run_id = run_id
        self.machine = machine
        self.outcomes: list[ToolOutcome] = []
        self.finish: Finish | None = None
        self._response_id = response_id
        self._usage_of_run = usage_of_run
        self._model = model
        self._tools = tools
        self._results: dict[str, ToolResult] = {}
        self._began = 0.0  # on anyio's clock, as if there had been no pause between attempts
        self._worked = 0.0  # seconds that earlier attempts took
        self._underway = False
        self._showing = Showing(self.shown)

    @property
    def may_have_written(self) -> bool:
        """True once a tool that is not known to be read-only has run: a retry from scratch would not be safe."""
        return any(outcome.ran and outcome.may_write for outcome in self.outcomes)

    @property
    def results_so_far(self) -> Mapping[str, ToolResult]:
        """What the round that is under way has given, by the calls' ids."""
        return self._results

    def go_on_with(self, model: ModelCaller, tools: ToolRunner) -> None:
        """Use these from now on: what the loop began with may be gone by the time it is taken up again."""
        self._model = model
        self._tools = tools

    async def run(self, emit: Sink) -> Finish:
        """Run to the end, or take up an earlier attempt where it broke off; a finished run is told again.

        Raises `UpstreamError` when the model cannot be reached any more. `emit` is awaited for each event.
        """
        request = self.machine.request
        stream_filter = StreamFilter(
            self._response_id,
            self.machine.client_tools,
            hold_text=request.structured_output,
            usage_of_run=self._usage_of_run,
            shown=self.shown,
        )
        self._showing = Showing(self.shown)
        if self.finish is None:
            self.finish = await self._timed(stream_filter, emit)
        else:
            await _tell_again(self.finish, self.told_parts(self.finish), stream_filter, emit)
        await _emit_all(emit, stream_filter.ended(self.finish.reason, self.told_usage(self.finish)))
        return self.finish

    def told_usage(self, finish: Finish) -> Usage | None:
        """The usage that the client is told of in the answer itself."""
        return finish.usage if self._usage_of_run else finish.last.usage

    def told_parts(self, finish: Finish | None = None) -> tuple[Part, ...]:
        """The texts so far, and the calls that were shown among them; of the whole run once there is its end."""
        machine = self.machine
        if not self.shown:
            text = machine.text if finish is None else finish.text
            return (Text(text),) if text else ()
        parts = self.shown.told_parts(machine.transcript, with_text=not machine.request.structured_output)
        if (
            finish is not None
            and finish.last.message.text
            and all(message is not finish.last.message for message in machine.transcript)
        ):
            parts.append(Text(finish.last.message.text))
        return tuple(parts)

    async def _timed(self, stream_filter: StreamFilter, emit: Sink) -> Finish:
        self._began = anyio.current_time() - self._worked
        try:
            return await self._advance(stream_filter, emit)
        finally:
            self._worked = self._elapsed()

    async def _advance(self, stream_filter: StreamFilter, emit: Sink) -> Finish:
        if self._underway:
            action = self.machine.again()
            await _emit_all(emit, stream_filter.started(self.machine.request.model, int(time.time())))
            await _emit_all(emit, stream_filter.resumed(self.told_parts()))
        else:
            self._underway = True
            action = self.machine.start()
        while not isinstance(action, Finish):
            known = len(self.machine.transcript)
            if isinstance(action, CallModel):
                action = await self._call_model(action, stream_filter, emit)
            else:
                action = await self._run_tools(action, emit)
            added = self.machine.transcript[known:]
            if added and added[-1].role == "tool":
                await _emit_all(emit, self._showing.settled(self.machine.transcript))
        return action

    async def _call_model(
        self, action: CallModel, stream_filter: StreamFilter, emit: Sink
    ) -> CallModel | RunTools | Finish:
        await emit(RoundStarted(action.round))
        if action.request.stream:
            response = await self._stream_round(action, stream_filter, emit)
        else:
            response = await self._model.complete(action.request)
        return self.machine.model_answered(response, elapsed=self._elapsed())

    async def _stream_round(self, action: CallModel, stream_filter: StreamFilter, emit: Sink) -> ModelResponse:
        while True:
            said = _Counting(emit)
            try:
                response = await self._stream_once(action, stream_filter, said)
            except UpstreamError as error:
                # As long as nothing of the round has left, it can be begun anew without anybody's noticing.
                if said.events or not error.may_begin_anew:
                    raise
            else:
                stream_filter.end_round(response)
                return response

    async def _stream_once(self, action: CallModel, stream_filter: StreamFilter, emit: Sink) -> ModelResponse:
        assembler = ResponseAssembler()
        stream_filter.begin_round(closing=action.closing)
        async with self._model.stream(action.request) as events:
            async for event in _with_distinct_call_ids(events, action.round):
                assembler.add(event)
                await _emit_all(emit, stream_filter.outgoing(event))
        return assembler.response()

    async def _run_tools(self, action: RunTools, emit: Sink) -> CallModel | RunTools | Finish:
        due = [call for call in action.calls if call.id not in self._results]
        share = self.machine.room_for_results() // max(1, len(due))
        limiter = anyio.CapacityLimiter(self.machine.limits.concurrent_calls)

        async def run_one(call: ToolCall) -> None:
            async with limiter:
                await emit(ToolCallBegan(action.round, call.id, call.name))
                await _emit_all(emit, self._showing.began(call))
                outcome = await self._run_tool(call, self._budget(action.round, share), emit)
                await _emit_all(emit, self._showing.ended(call, self._results[call.id]))
                await emit(_ended(action.round, call, outcome))

        # A task of its own even for one call: what ends this task at once lets a call that may write go on.
        async with anyio.create_task_group() as group:
            for call in due:
                group.start_soon(run_one, call)
        results = [self._results[call.id] for call in action.calls]
        self._results = {}
        return self.machine.tools_finished(results, elapsed=self._elapsed())

    async def _run_tool(self, call: ToolCall, budget: ToolBudget, emit: Sink) -> ToolOutcome:
        """Run one call and keep its result before anything else can be cancelled."""
        async with _reporting(call, emit) as on_progress:
            outcome = await self._tools.run(call, budget, on_progress)
            # What a tool gave stands in the transcript, once: runs are kept for a while after their end.
            self.outcomes.append(replace(outcome, content=(), structured=None, loads=()))
            content = _within(self._room_for_media(), outcome.content)
            self._results[call.id] = ToolResult(call.id, content, outcome.is_error, outcome.loads)
        return outcome

    def _room_for_media(self) -> int:
        taken = sum(_media_bytes(part) for result in self._results.values() for part in result.content)
        return self.machine.room_for_media() - taken

    def _budget(self, round_number: int, result_bytes: int) -> ToolBudget:
        limits = self.machine.limits
        left = max(0.0, limits.wall_clock_seconds - self._elapsed())
        return ToolBudget(round_number, min(limits.tool_call_seconds, left), result_bytes)

    def _elapsed(self) -> float:
        return anyio.current_time() - self._began


class _Counting:
    """Passes events on, and counts those that say something."""

    def __init__(self, emit: Sink) -> None:
        self._emit = emit
        self.events = 0

    async def __call__(self, event: RunEvent) -> None:
        self.events += not isinstance(event, ResponseStarted | ToolsListed)
        await self._emit(event)


@asynccontextmanager
async def _reporting(call: ToolCall, emit: Sink) -> AsyncGenerator[ProgressListener]:
    """What a tool may call to report progress, which is then emitted by a task of its own: few tools ever do."""
    reports, updates = anyio.create_memory_object_stream[ToolCallProgressed](16)
    is_emitting = False

    async def pass_on() -> None:
        async for update in updates:
            await emit(update)

    async with updates, anyio.create_task_group() as group:

        def on_progress(progress: float, total: float | None, message: str | None) -> None:
            nonlocal is_emitting
            # A client that reads slowly misses some of it, never a result; a late report comes to nothing.
            with suppress(anyio.WouldBlock, anyio.ClosedResourceError):
                reports.send_nowait(ToolCallProgressed(call.id, call.name, progress, total, message))
                if not is_emitting:
                    is_emitting = True
                    group.start_soon(pass_on)

        with reports:
            yield on_progress


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


async def _emit_all(emit: Sink, events: Iterable[StreamEvent]) -> None:
    for event in events:
        await emit(event)


async def _tell_again(finish: Finish, told: Sequence[Part], stream_filter: StreamFilter, emit: Sink) -> None:
    """Give the answer of a run that ended before, to a client that lost it."""
    await _emit_all(emit, stream_filter.started(finish.last.model, finish.last.created))
    await _emit_all(emit, stream_filter.resumed(told))
    for part in finish.last.message.parts:
        if isinstance(part, Refusal):
            await emit(RefusalDelta(part.text))
    for index, call in enumerate(finish.client_calls):
        await emit(ToolCallStarted.of(call, index))
        await emit(ToolCallDelta(index, call.arguments))


async def _with_distinct_call_ids(
    events: AsyncIterator[StreamEvent], round_number: int
) -> AsyncGenerator[StreamEvent, None]:
    """Some models give several calls one id, or none; results could not be told apart then."""
    seen: set[str] = set()
    async for event in events:
        if not isinstance(event, ToolCallStarted):
            yield event
            continue
        is_distinct = bool(event.id) and event.id not in seen
        call_id = event.id if is_distinct else _unused_id(f"call_{round_number}_{event.index}", seen)
        seen.add(call_id)
        yield event if is_distinct else replace(event, id=call_id)


def _unused_id(wanted: str, used: Collection[str]) -> str:
    while wanted in used:
        wanted += "_"
    return wanted


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
