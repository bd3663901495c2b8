"""Short ways to write requests, answers and calls."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.conversation import (
    FinishReason,
    Message,
    ModelRequest,
    ModelResponse,
    Part,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from gateway.tool_loop import LoopLimits, ToolLoopMachine

OURS = "files__read"
THEIRS = "their_tool"
MANY = LoopLimits(rounds=100, calls=1000, repeats=100)


def request(**changes) -> ModelRequest:
    given = {"model": "m", "messages": (Message("user", (Text("hello"),)),), "dialect": "openai_chat"}
    return ModelRequest(**given | changes)


def call(call_id: str, name: str = OURS, arguments: str = "{}") -> ToolCall:
    return ToolCall(call_id, name, arguments)


def answer(*parts: Part | str, reason: FinishReason | None = None, usage: Usage | None = None) -> ModelResponse:
    made = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    has_calls = any(isinstance(part, ToolCall) for part in made)
    stop = reason or (FinishReason.TOOL_CALLS if has_calls else FinishReason.STOP)
    return ModelResponse("chatcmpl-upstream", "m", 1, Message("assistant", made), stop, usage)


def results(calls: Iterable[ToolCall], text: str = "fine") -> list[ToolResult]:
    return [ToolResult(one.id, (Text(text),)) for one in calls]


def machine(limits: LoopLimits = MANY, **changes) -> ToolLoopMachine:
    return ToolLoopMachine(request(**changes), frozenset({THEIRS}), limits)


def check_well_formed(messages: Iterable[Message]) -> None:
    """Each result answers a call of the nearest assistant message before it, once; returns unanswered call ids."""
    open_calls: set[str] = set()
    for message in messages:
        if message.role == "assistant":
            assert not open_calls, f"unanswered before the next turn: {open_calls}"
            ids = [one.id for one in message.tool_calls]
            assert all(ids)
            assert len(set(ids)) == len(ids)
            open_calls = set(ids)
        elif message.role == "tool":
            (result,) = message.parts
            assert isinstance(result, ToolResult)
            open_calls.remove(result.call_id)
    assert not open_calls, f"never answered: {open_calls}"
