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
    Media,
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
from gateway.tool_loop.answers import (
    fingerprint_of,
    is_cut_short,
    reason_without_calls,
    size_of,
    with_distinct_call_ids,
)
from gateway.tool_loop.limits import MEDIA_BYTES, LoopLimits


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

LimitName = Literal["rounds", "calls", "wall_clock_seconds", "result_bytes", "repeats", "usd"]

LIMIT_REACHED: Mapping[LimitName, str] = {
    "rounds": "this run's limit on rounds of tool calls is reached",
    "calls": "this run's limit on tool calls is reached",
    "wall_clock_seconds": "this run's time for tool calls is used up",
    "result_bytes": "this run's limit on the size of tool results is reached",
    "repeats": "the same call has been repeated with the same result",
    "usd": "the money for this run is used up",
}


LaterTools = Callable[[Sequence[Message]], Sequence[ToolDefinition]]
"""For more of a transcript it must give the same, and perhaps more behind it."""


class LoopProtocolError(Exception):
    """The driver broke the order that `TRANSITIONS` lays down."""


@dataclass(frozen=True, slots=True)
class CallModel:
    """Call the model with this request. `closing` calls come after a limit: their tool calls will not run."""

    request: ModelRequest
    round: int
    closing: bool


@dataclass(frozen=True, slots=True)
class RunTools:
    """Run these calls, in any order and several at once, and report every one of them."""

    calls: tuple[ToolCall, ...]
    round: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over.

    `client_calls` are the calls to the client's own tools, which it must answer. `last` is the last answer of
    the model, `text` that of all rounds (of the last one alone when the request asks for structured output).
    """

    reason: FinishReason
    last: ModelResponse
    text: str
    client_calls: tuple[ToolCall, ...]
    usage: Usage | None
    rounds: int
    limit: LimitName | None


Action = CallModel | RunTools | Finish


@dataclass(slots=True)
class _Spent:
    """What the run has used so far, in the units of `LoopLimits`."""

    rounds: int = 0
    calls: int = 0
    result_bytes: int = 0
    media_bytes: int = 0
    answer_bytes: int = 0


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
    usage: Usage | None = None
    phase: Phase = Phase.READY
    limit: LimitName | None = None
    _spent: _Spent = field(default_factory=_Spent)
    _texts: list[str] = field(default_factory=list[str])
    _history: dict[bytes, _Repeats] = field(default_factory=dict[bytes, "_Repeats"])
    _answered: dict[str, ToolResult] = field(default_factory=dict[str, ToolResult])
    _pending: tuple[ToolCall, ...] = ()
    _client_calls: tuple[ToolCall, ...] = ()
    _last: ModelResponse | None = None
    _next_phases: frozenset[Phase] = frozenset()

    @property
    def rounds(self) -> int:
        """Model calls answered so far."""
        return self._spent.rounds

    def start(self) -> CallModel:
        """The first action: to call the model."""
        self._take("start")
        return self._next_call()

    def again(self) -> CallModel | RunTools:
        """The action that was under way when the run was interrupted, to be done again."""
        if self.phase is Phase.TOOLS:
            return RunTools(self._pending, self._spent.rounds)
        if self.phase is Phase.MODEL:
            return self._call_model()
        raise LoopProtocolError(f"nothing was under way in phase {self.phase.name}")

    def model_answered(self, response: ModelResponse, *, elapsed: float) -> Action:
        """Take in a whole answer; `elapsed` is in seconds since the run began."""
        self._take("model_answered")
        response = with_distinct_call_ids(response, self._spent.rounds)
        if self._forbids_calls:
            response = self._without_our_calls(response)
        self._spent.rounds += 1
        self._spent.answer_bytes += size_of(response)
        self._last = response
        if response.usage is not None:
            self.usage = response.usage if self.usage is None else self.usage + response.usage
        if response.message.text:
            self._texts.append(response.message.text)
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
            self._note(call, given[call.id])
        self._answered |= given
        return self._close_round(elapsed)

    @property
    def text(self) -> str:
        """The text of all rounds answered so far; nothing yet when only the last round's text is to leave."""
        return "" if self.request.structured_output else ROUND_SEPARATOR.join(self._texts)

    @property
    def _answer(self) -> ModelResponse:
        if self._last is None:
            raise LoopProtocolError("no model has answered yet")
        return self._last

    @property
    def kept_bytes(self) -> int:
        """About how many bytes of models' answers and of tool results, text and media, this run keeps."""
        return self._spent.answer_bytes + self._spent.result_bytes + self._spent.media_bytes

    def room_for_results(self) -> int:
        """How many bytes of tool results may still be shown to the model in this run."""
        return max(0, self.limits.result_bytes - self._spent.result_bytes)

    def room_for_media(self) -> int:
        """How many bytes of base64 may still be shown to the model in this run."""
        return max(0, MEDIA_BYTES - self._spent.media_bytes)

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
            if reached := self._limit_for(call, len(runnable), elapsed):
                self.limit = reached
                self._answered[call.id] = _not_run(call, reached)
            else:
                runnable.append(call)
        self._spent.calls += len(runnable)
        self._pending = tuple(runnable)
        if not runnable:
            return self._close_round(elapsed)
        self._enter(Phase.TOOLS)
        return RunTools(self._pending, self._spent.rounds)

    def _limit_for(self, call: ToolCall, planned: int, elapsed: float) -> LimitName | None:
        if elapsed >= self.limits.wall_clock_seconds:
            return "wall_clock_seconds"
        if self._spent.calls + planned >= self.limits.calls:
            return "calls"
        if self._is_too_dear:
            return "usd"
        seen = self._history.get(fingerprint_of(call))
        return "repeats" if seen is not None and seen.times >= self.limits.repeats else None

    @property
    def _is_too_dear(self) -> bool:
        if self.limits.usd is None:
            return False
        cost = self.usage.cost_usd if self.usage is not None else None
        return cost is None or cost >= self.limits.usd

    def _note(self, call: ToolCall, result: ToolResult) -> None:
        self._spent.result_bytes += sum(
            len(part.text.encode()) for part in result.content if isinstance(part, Text)
        )
        self._spent.media_bytes += sum(len(part.data or "") for part in result.content if isinstance(part, Media))
        fingerprint = fingerprint_of(call)
        seen = self._history.get(fingerprint)
        same = seen is not None and seen.result == result.content
        self._history[fingerprint] = _Repeats(seen.times + 1 if seen and same else 1, result.content)

    def _close_round(self, elapsed: float) -> Action:
        """Append this round's results in the order of its calls, then go on or end."""
        self.limit = self.limit or self._limit_reached(elapsed)
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

    def _limit_reached(self, elapsed: float) -> LimitName | None:
        if self._spent.rounds >= self.limits.rounds:
            return "rounds"
        if self._spent.calls >= self.limits.calls:
            return "calls"
        if self._spent.result_bytes >= self.limits.result_bytes or self._spent.media_bytes >= MEDIA_BYTES:
            return "result_bytes"
        return "wall_clock_seconds" if elapsed >= self.limits.wall_clock_seconds else None

    def _next_call(self) -> CallModel:
        self._enter(Phase.MODEL)
        return self._call_model()

    def _call_model(self) -> CallModel:
        closing = self.limit is not None
        request = replace(
            self.request,
            messages=self.request.messages + tuple(self.transcript),
            tools=self._tools(),
            tool_choice=ToolChoice("none") if closing else self._tool_choice(),
        )
        return CallModel(request, self._spent.rounds + 1, closing)

    def _tools(self) -> tuple[ToolDefinition, ...]:
        """Those that the run began with, and behind them, in the order in which they came, those found since."""
        if self.later_tools is None:
            return self.request.tools
        return appended(self.request.tools, self.later_tools(self.transcript))

    def _tool_choice(self) -> ToolChoice | None:
        """The client's choice; one that forces a call holds for the first round only, else it would never end."""
        choice = self.request.tool_choice
        return choice.afterwards if choice is not None and choice.forces_a_call and self._spent.rounds else choice

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
            rounds=self._spent.rounds,
            limit=self.limit,
        )


def appended(tools: tuple[ToolDefinition, ...], more: Iterable[ToolDefinition]) -> tuple[ToolDefinition, ...]:
    """The tools, and behind them those that are not among them: what stands before never changes its place."""
    there = {tool.name for tool in tools}
    return (*tools, *(tool for tool in more if tool.name not in there))


ROUND_SEPARATOR = "\n\n"
"""What stands between the texts of two rounds, in a stream as in a whole answer."""


@dataclass(frozen=True, slots=True)
class _Repeats:
    """How often in a row one call gave this result."""

    times: int
    result: tuple[object, ...]


def _not_run(call: ToolCall, reached: LimitName) -> ToolResult:
    return ToolResult(call.id, (Text(f"not run: {LIMIT_REACHED[reached]}"),), is_error=True)


def _with_notice(result: ToolResult, reached: LimitName) -> ToolResult:
    """Tell the model in the last thing it reads, which every dialect can carry."""
    notice = f"[{LIMIT_REACHED[reached]}. No further tool will run: answer now with what you have.]"
    return replace(result, content=(*result.content, Text(notice)))
