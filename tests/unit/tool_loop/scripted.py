"""A model and tools that do as the test says, behind the protocols that the driver uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.conversation import (
    Finished,
    ModelRequest,
    ModelResponse,
    Reasoning,
    ReasoningDelta,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop import LoopLimits, RunEvent, Telling, ToolBudget, ToolLoop, ToolLoopMachine

from .conversations import MANY, THEIRS, request


def stream_of(response: ModelResponse) -> list[StreamEvent]:
    """The events of a stream that tells this answer, in small pieces."""
    events: list[StreamEvent] = [
        ResponseStarted(response.id, response.model, response.created, dialect="openai_chat")
    ]
    index = 0
    for part in response.message.parts:
        match part:
            case Text():
                events += [TextDelta(piece) for piece in (part.text[:2], part.text[2:])]
            case Reasoning():
                events.append(ReasoningDelta(part.text, part.name, part.signature))
            case ToolCall():
                events.append(ToolCallStarted(index, part.id, part.name))
                events += [ToolCallDelta(index, piece) for piece in (part.arguments[:3], part.arguments[3:])]
                index += 1
    events.append(Finished(response.finish_reason))
    return events + ([UsageReported(response.usage)] if response.usage else [])


@dataclass
class ScriptedModel:
    """Gives its answers in turn; an exception among them is raised in the place of an answer."""

    answers: list[ModelResponse | Exception]
    requests: list[ModelRequest] = field(default_factory=list)

    def _next(self, asked: ModelRequest) -> ModelResponse:
        self.requests.append(asked)
        given = self.answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    async def complete(self, asked: ModelRequest) -> ModelResponse:
        return self._next(asked)

    @asynccontextmanager
    async def stream(self, asked: ModelRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        self.requests.append(asked)
        given = self.answers.pop(0)

        async def events() -> AsyncIterator[StreamEvent]:
            if isinstance(given, Exception):
                yield TextDelta("broken o")
                raise given
            for event in stream_of(given):
                yield event

        yield events()


Work = Callable[[ToolCall], Awaitable[str]]


async def quickly(call: ToolCall) -> str:
    return f"result of {call.id}"


@dataclass
class ScriptedTools:
    """Runs each call by `work`; notes what began and what ended."""

    work: Work = quickly
    may_write: bool = False
    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    budgets: list[ToolBudget] = field(default_factory=list)

    async def run(self, call: ToolCall, budget: ToolBudget, on_progress) -> ToolOutcome:
        self.began.append(call.id)
        self.budgets.append(budget)
        on_progress(1, 2, "half")
        text = await self.work(call)
        self.ended.append(call.id)
        return ToolOutcome(call.id, "allow", "ok", (Text(text),), False, 0.1, may_write=self.may_write)


class Run:
    """One loop with all that it emitted."""

    def __init__(
        self,
        *answers: ModelResponse | Exception,
        tools: ScriptedTools | None = None,
        limits: LoopLimits = MANY,
        stream: bool = True,
        telling: Telling | None = None,
        **changes,
    ) -> None:
        self.model = ScriptedModel(list(answers))
        self.tools = tools or ScriptedTools()
        self.machine = ToolLoopMachine(request(stream=stream, **changes), frozenset({THEIRS}), limits)
        self.loop = ToolLoop(
            self.machine,
            run_id="run_1",
            response_id="chatcmpl-1",
            model=self.model,
            tools=self.tools,
            telling=telling,
        )
        self.emitted: list[RunEvent] = []

    async def go(self):
        self.emitted = []
        return await self.loop.run(self._emit)

    async def _emit(self, event: RunEvent) -> None:
        self.emitted.append(event)

    def of(self, *kinds: type) -> Sequence[RunEvent]:
        return [event for event in self.emitted if isinstance(event, kinds)]

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.of(TextDelta))
