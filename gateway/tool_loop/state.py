"""The tool loop as a state machine without I/O.

Above: the driver performs the actions and reports what came of them. Below: the conversation vocabulary.
Refuses to know: how a model is reached, how a tool runs, what time it is (the driver says), who is asking.

    start() ──> CallModel ──model_answered()──> RunTools ──tools_finished()──> CallModel ...
                                      └───────> Finish <─────────┘

A round is one model call and the tool calls that came of it. Calls to our tools are run and answered here;
calls to the client's own tools end the run, and the client gets them as from any model. All that a run adds
to the conversation is its `transcript`, from which it can be taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Literal

from gateway.conversation import (
    FinishReason,
    Message,
    ModelRequest,
    ModelResponse,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    Usage,
)
from gateway.tool_loop.actions import ROUND_SEPARATOR, Action, CallModel, Finish, RunTools
from gateway.tool_loop.answers import is_cut_short, reason_without_calls, with_distinct_call_ids
from gateway.tool_loop.limits import LIMIT_REACHED, LimitName, LoopLimits
from gateway.tool_loop.spending import Spending


class Phase(Enum):
    """What the machine is waiting for."""

    READY = auto()
    MODEL = auto()
    TOOLS = auto()
    DONE = auto()


Input = Literal["start", "model_answered", "tools_finished"]

TRANSITIONS: Mapping[tuple[Phase, Input], frozenset[Phase]] = {
    (Phase.READY, "start"): frozenset({Phase.MODEL}),
    (Phase.MODEL, "model_answered"): frozenset({Phase.MODEL, Phase.TOOLS, Phase.DONE}),
    (Phase.TOOLS, "tools_finished"): frozenset({Phase.MODEL, Phase.DONE}),
}
"""Which inputs each phase takes, and which phases may follow. Anything else is a bug in the driver."""

LaterTools = Callable[[Sequence[Message]], Sequence[ToolDefinition]]
"""For more of a transcript it must give the same, and perhaps more behind it."""


class LoopProtocolError(Exception):
    """The driver broke the order that `TRANSITIONS` lays down."""


@dataclass(slots=True)
class ToolLoopMachine:
    """One run. `client_tools` are the names of the client's own tools: all other calls are ours to answer.

    `later_tools` says which tools a transcript tells of: the model is shown them besides from then on.
    """

    request: ModelRequest
    client_tools: frozenset[str]
    limits: LoopLimits
    later_tools: LaterTools | None = None
    transcript: list[Message] = field(default_factory=list[Message])
    phase: Phase = Phase.READY
    limit: LimitName | None = None
    spent: Spending = field(init=False)
    _texts: list[str] = field(default_factory=list[str])
    _answered: dict[str, ToolResult] = field(default_factory=dict[str, ToolResult])
    _pending: tuple[ToolCall, ...] = ()
    _client_calls: tuple[ToolCall, ...] = ()
    _last: ModelResponse | None = None
    _next_phases: frozenset[Phase] = frozenset()

    def __post_init__(self) -> None:
        self.spent = Spending(self.limits)

    @property
    def rounds(self) -> int:
        """Model calls answered so far."""
        return self.spent.rounds

    @property
    def usage(self) -> Usage | None:
        """The sum over the rounds so far; None as long as nobody has told any."""
        return self.spent.usage

    def start(self) -> CallModel:
        """The first action: to call the model."""
        self._take("start")
        return self._next_call()

    def again(self) -> CallModel | RunTools:
        """The action that was under way when the run was interrupted, to be done again."""
        if self.phase is Phase.TOOLS:
            return RunTools(self._pending, self.rounds)
        if self.phase is Phase.MODEL:
            return self._call_model()
        raise LoopProtocolError(f"nothing was under way in phase {self.phase.name}")

    def model_answered(self, response: ModelResponse, *, elapsed: float) -> Action:
        """Take in a whole answer; `elapsed` is in seconds since the run began."""
        self._take("model_answered")
        response = with_distinct_call_ids(response, self.rounds)
        if self._forbids_calls:
            response = self._without_our_calls(response)
        self.spent.answered(response)
        self._last = response
        if text := response.message.text:
            self._texts.append(text)
        calls = response.message.tool_calls
        if not calls or self.limit is not None:
            return self._finish(reason_without_calls(response))
        self._client_calls = tuple(call for call in calls if self._is_clients(call))
        if is_cut_short(response):
            return self._finish(response.finish_reason)
        self.transcript.append(response.message)
        return self._plan(tuple(call for call in calls if not self._is_clients(call)), elapsed)

    def tools_finished(self, results: Sequence[ToolResult], *, elapsed: float) -> Action:
        """Take in one result for each call of the last `RunTools`, in any order."""
        self._take("tools_finished")
        given = {result.call_id: result for result in results}
        missing = [call.id for call in self._pending if call.id not in given]
        if missing or len(given) != len(self._pending):
            raise LoopProtocolError(f"results do not match the calls of this round; missing: {missing}")
        for call in self._pending:
            self.spent.finished(call, given[call.id])
        self._answered |= given
        return self._close_round(elapsed)

    @property
    def client_calls(self) -> tuple[ToolCall, ...]:
        """Those of the last answer that the client must answer; none before there are any."""
        return self._client_calls

    @property
    def text(self) -> str:
        """The text of all rounds answered so far; nothing yet when only the last round's text is to leave."""
        return "" if self.request.structured_output else ROUND_SEPARATOR.join(self._texts)

    @property
    def _answer(self) -> ModelResponse:
        if self._last is None:
            raise LoopProtocolError("no model has answered yet")
        return self._last

    def _take(self, given: Input) -> None:
        if (self.phase, given) not in TRANSITIONS:
            raise LoopProtocolError(f"{given}() in phase {self.phase.name}")
        self._next_phases = TRANSITIONS[self.phase, given]

    def _enter(self, phase: Phase) -> None:
        if phase not in self._next_phases:
            raise LoopProtocolError(f"{self.phase.name} cannot be followed by {phase.name}")
        self.phase = phase

    def _is_clients(self, call: ToolCall) -> bool:
        return call.name in self.client_tools

    @property
    def _forbids_calls(self) -> bool:
        """Whether the client said that no tool is to be called, which not every model heeds."""
        return self.request.tool_choice is not None and self.request.tool_choice.mode == "none"

    def _without_our_calls(self, response: ModelResponse) -> ModelResponse:
        kept = tuple(
            part for part in response.message.parts if not isinstance(part, ToolCall) or self._is_clients(part)
        )
        if len(kept) == len(response.message.parts):
            return response
        return replace(response, message=replace(response.message, parts=kept, source=None))

    def _plan(self, ours: tuple[ToolCall, ...], elapsed: float) -> Action:
        """Split our calls into those that run and those that a limit forbids; the latter are answered here."""
        runnable: list[ToolCall] = []
        self._answered = {}
        for call in ours:
            if reached := self.spent.admit(call, elapsed):
                self.limit = reached
                self._answered[call.id] = _not_run(call, reached)
            else:
                runnable.append(call)
        self._pending = tuple(runnable)
        if not runnable:
            return self._close_round(elapsed)
        self._enter(Phase.TOOLS)
        return RunTools(self._pending, self.rounds)

    def _close_round(self, elapsed: float) -> Action:
        """Append this round's results in the order of its calls, then go on or end."""
        self.limit = self.limit or self.spent.limit_reached(elapsed)
        results = [
            self._answered[call.id] for call in self._answer.message.tool_calls if call.id in self._answered
        ]
        if self.limit is not None and results and not self._client_calls:
            results[-1] = _with_notice(results[-1], self.limit)
        self.transcript += [Message("tool", (result,)) for result in results]
        self._pending = ()
        if self._client_calls:
            return self._finish(FinishReason.TOOL_CALLS)
        return self._next_call()

    def _next_call(self) -> CallModel:
        self._enter(Phase.MODEL)
        return self._call_model()

    def _call_model(self) -> CallModel:
        closing = self.limit is not None
        if self.rounds == 0 and not closing and self.later_tools is None:
            return CallModel(self.request, 1, closing)
        request = replace(
            self.request,
            messages=self.request.messages + tuple(self.transcript),
            tools=self._tools(),
            tool_choice=ToolChoice("none") if closing else self._tool_choice(),
        )
        return CallModel(request, self.rounds + 1, closing)

    def _tools(self) -> tuple[ToolDefinition, ...]:
        """Those that the run began with, and behind them, in the order in which they came, those found since."""
        if self.later_tools is None:
            return self.request.tools
        return appended(self.request.tools, self.later_tools(self.transcript))

    def _tool_choice(self) -> ToolChoice | None:
        """The client's choice; one that forces a call holds for the first round only, else it would never end."""
        choice = self.request.tool_choice
        return choice.afterwards if choice is not None and choice.forces_a_call and self.rounds else choice

    def _finish(self, reason: FinishReason) -> Finish:
        self._enter(Phase.DONE)
        return Finish(
            reason=reason,
            last=self._answer,
            text=self._answer.message.text
            if self.request.structured_output
            else ROUND_SEPARATOR.join(self._texts),
            client_calls=self._client_calls,
            usage=self.usage,
            rounds=self.rounds,
            limit=self.limit,
        )


def appended(tools: tuple[ToolDefinition, ...], more: Iterable[ToolDefinition]) -> tuple[ToolDefinition, ...]:
    """The tools, and behind them those that are not among them: what stands before never changes its place."""
    there = {tool.name for tool in tools}
    return (*tools, *(tool for tool in more if tool.name not in there))


def _not_run(call: ToolCall, reached: LimitName) -> ToolResult:
    return ToolResult(call.id, (Text(f"not run: {LIMIT_REACHED[reached]}"),), is_error=True)


def _with_notice(result: ToolResult, reached: LimitName) -> ToolResult:
    """Tell the model in the last thing it reads, which every dialect can carry."""
    notice = f"[{LIMIT_REACHED[reached]}. No further tool will run: answer now with what you have.]"
    return replace(result, content=(*result.content, Text(notice)))
