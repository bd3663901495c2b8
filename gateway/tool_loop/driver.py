"""Performs what the state machine asks for: calls the model, runs the tools, passes events on.

Above: the API gives a sink for events and turns the end into a response. Below: routing (a `ModelCaller`) and
the tool-call pipeline (a `ToolRunner`). Refuses to know: HTTP, wire formats, policies, MCP.

A loop that was interrupted, because its client left or its provider failed, can be run again: rounds and tool
calls that are complete are not repeated.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gateway.conversation import (
    ModelResponse,
    Part,
    ResponseStarted,
    StreamEvent,
    ToolResult,
    ToolsListed,
    Usage,
)
from gateway.conversation.assembly import ResponseAssembler
from gateway.errors import UpstreamError
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop.actions import Action, CallModel, Finish
from gateway.tool_loop.answers import events_with_distinct_call_ids
from gateway.tool_loop.ports import ModelCaller, Sink, ToolRunner
from gateway.tool_loop.progress import RoundStarted, RunEvent
from gateway.tool_loop.round_of_calls import CallsOfRun
from gateway.tool_loop.shown_calls import Showing
from gateway.tool_loop.state import ToolLoopMachine
from gateway.tool_loop.stopwatch import Stopwatch
from gateway.tool_loop.stream_filter import StreamFilter
from gateway.tool_loop.told_parts import Telling, Told


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
        telling: Telling | None = None,
    ) -> None:
        """`usage_of_run` says whether the usage that is told is the sum over all rounds, or that of the last;
        `telling`, what else the client is told.
        """
        self.telling = replace(telling or Telling(), holds_words=machine.request.structured_output)
        self.run_id = run_id
        self.machine = machine
        self.finish: Finish | None = None
        self._response_id = response_id
        self._usage_of_run = usage_of_run
        self._model = model
        self._stopwatch = Stopwatch()
        self._calls = CallsOfRun(tools, machine.limits, machine.spent, self._stopwatch)
        self._underway = False
        self._showing = Showing(self.telling.shown)

    @property
    def outcomes(self) -> Sequence[ToolOutcome]:
        """Of the calls that have ended, in that order, without what they gave."""
        return self._calls.outcomes

    @property
    def may_have_written(self) -> bool:
        """True once a tool that is not known to be read-only has run: a retry from scratch would not be safe."""
        return any(outcome.ran and outcome.may_write for outcome in self.outcomes)

    @property
    def results_so_far(self) -> Mapping[str, ToolResult]:
        """What the round that is under way has given, by the calls' ids."""
        return self._calls.results

    def go_on_with(self, model: ModelCaller, tools: ToolRunner) -> None:
        """Use these from now on: what the loop began with may be gone by the time it is taken up again."""
        self._model = model
        self._calls.runner = tools

    async def run(self, emit: Sink) -> Finish:
        """Run to the end, or take up an earlier attempt where it broke off; a finished run is told again.

        Raises `UpstreamError` when the model cannot be reached any more. `emit` is awaited for each event.
        """
        stream_filter = StreamFilter(
            self._response_id, self.machine.client_tools, self.telling, usage_of_run=self._usage_of_run
        )
        self._showing = Showing(self.telling.shown)
        if self.finish is None:
            self.finish = await self._timed(stream_filter, emit)
        else:
            last = self.finish.last
            await _emit_all(emit, stream_filter.started(last.model, last.created))
            await _emit_all(emit, stream_filter.resumed(self._told(self.finish), self.machine.rounds))
        await _emit_all(emit, stream_filter.ended(self.finish.reason, self.told_usage(self.finish)))
        return self.finish

    def told_usage(self, finish: Finish) -> Usage | None:
        """The usage that the client is told of in the answer itself."""
        return finish.usage if self._usage_of_run else finish.last.usage

    def told_parts(self, finish: Finish) -> tuple[Part, ...]:
        """What the client is told of the whole run, in its order."""
        return self._told(finish).parts

    def _told(self, finish: Finish | None) -> Told:
        return self.telling.told(self.machine.transcript, self.machine.client_calls, finish)

    async def _timed(self, stream_filter: StreamFilter, emit: Sink) -> Finish:
        self._stopwatch.start()
        try:
            return await self._advance(stream_filter, emit)
        finally:
            self._stopwatch.stop()

    async def _advance(self, stream_filter: StreamFilter, emit: Sink) -> Finish:
        if self._underway:
            action = self.machine.again()
            await _emit_all(emit, stream_filter.started(self.machine.request.model, int(time.time())))
            await _emit_all(emit, stream_filter.resumed(self._told(None), self.machine.rounds))
        else:
            self._underway = True
            action = self.machine.start()
        while not isinstance(action, Finish):
            known = len(self.machine.transcript)
            if isinstance(action, CallModel):
                action = await self._call_model(action, stream_filter, emit)
            else:
                results = await self._calls.run(action, emit, self._showing)
                action = self.machine.tools_finished(results, elapsed=self._stopwatch.elapsed())
            added = self.machine.transcript[known:]
            if added and added[-1].role == "tool":
                await _emit_all(emit, self._showing.settled(self.machine.transcript))
        return action

    async def _call_model(self, action: CallModel, stream_filter: StreamFilter, emit: Sink) -> Action:
        await emit(RoundStarted(action.round))
        if action.request.stream:
            response = await self._stream_round(action, stream_filter, emit)
        else:
            response = await self._model.complete(action.request)
        return self.machine.model_answered(response, elapsed=self._stopwatch.elapsed())

    async def _stream_round(self, action: CallModel, stream_filter: StreamFilter, emit: Sink) -> ModelResponse:
        await _emit_all(emit, stream_filter.between_rounds())
        stream_filter.begin_round(closing=action.closing)
        while True:
            said = _Counting(emit)
            try:
                response = await self._stream_once(action, stream_filter, said)
            except UpstreamError as error:
                # As long as nothing of the round has left, it can be begun anew without anybody's noticing.
                if said.events or not error.may_begin_anew:
                    raise
                stream_filter.begin_anew()
            else:
                stream_filter.end_round(response)
                return response

    async def _stream_once(self, action: CallModel, stream_filter: StreamFilter, emit: Sink) -> ModelResponse:
        assembler = ResponseAssembler()
        async with self._model.stream(action.request) as events:
            async for event in events_with_distinct_call_ids(events, action.round):
                assembler.add(event)
                await _emit_all(emit, stream_filter.outgoing(event))
        return assembler.response()


class _Counting:
    """Passes events on, and counts those that say something."""

    def __init__(self, emit: Sink) -> None:
        self._emit = emit
        self.events = 0

    async def __call__(self, event: RunEvent) -> None:
        self.events += not isinstance(event, ResponseStarted | ToolsListed)
        await self._emit(event)


async def _emit_all(emit: Sink, events: Iterable[StreamEvent]) -> None:
    for event in events:
        await emit(event)
