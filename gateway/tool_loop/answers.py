"""What one answer of a model says about the calls in it, whatever state its run is in.

Above: the state machine. Below: the conversation vocabulary. Refuses to know: limits, rounds, whose a tool is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import suppress
from dataclasses import replace

from gateway.conversation import (
    FinishReason,
    ModelResponse,
    Part,
    Reasoning,
    Refusal,
    StreamEvent,
    Text,
    ToolCall,
    ToolCallStarted,
    UnknownPart,
)

_CUT_SHORT = frozenset({FinishReason.LENGTH, FinishReason.CONTENT_FILTER})
"""After these the arguments of a call may be incomplete: nothing is run."""

_LONGEST_COMPARED = 64 * 1024
"""Characters of arguments that are compared as JSON; longer ones are compared as text."""


def reason_without_calls(response: ModelResponse) -> FinishReason:
    """Why the answer ended, for a client that is given none of its calls."""
    if response.finish_reason is FinishReason.TOOL_CALLS:
        return FinishReason.STOP  # its calls were not run and are not the client's: the client sees an end
    return response.finish_reason


def with_distinct_call_ids(response: ModelResponse, round_index: int) -> ModelResponse:
    """Some models give several calls one id, or none; results could not be told apart then."""
    ids = [call.id for call in response.message.tool_calls]
    if all(ids) and len(set(ids)) == len(ids):
        return response
    number = iter(range(len(ids)))
    parts = tuple(
        replace(part, id=f"call_{round_index}_{next(number)}") if isinstance(part, ToolCall) else part
        for part in response.message.parts
    )
    return replace(response, message=replace(response.message, parts=parts, source=None))


async def events_with_distinct_call_ids(
    events: AsyncIterator[StreamEvent], round_number: int
) -> AsyncGenerator[StreamEvent, None]:
    """The same for an answer as it comes."""
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


def is_cut_short(response: ModelResponse) -> bool:
    """Whether the arguments of a call may be incomplete.

    After a reason that nobody knows (some providers end an answer with `error`) they are if there are none: of a
    JSON object, no other beginning is taken for the whole.
    """
    if response.finish_reason is FinishReason.UNKNOWN:
        return any(not call.arguments.strip() for call in response.message.tool_calls)
    return response.finish_reason in _CUT_SHORT


def size_of(response: ModelResponse) -> int:
    """About how many bytes the answer takes to keep."""
    return sum(_part_size(part) for part in response.message.parts)


def _part_size(part: Part) -> int:
    match part:
        case Text() | Refusal():
            return len(part.text)
        case Reasoning():
            return len(part.text) + len(part.signature or "")
        case ToolCall():
            return len(part.id) + len(part.name) + len(part.arguments)
        case UnknownPart():
            return len(str(part.raw))
        case _:
            return 0


def fingerprint_of(call: ToolCall) -> bytes:
    """Equal for two calls of one tool whose arguments are equal as JSON."""
    arguments = call.arguments
    with suppress(ValueError, RecursionError):
        if len(arguments) <= _LONGEST_COMPARED:
            arguments = json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    return hashlib.sha256(f"{call.name}\n{arguments}".encode("utf-8", "surrogatepass")).digest()
