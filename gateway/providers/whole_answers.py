"""A whole answer told as a stream, for providers that do not stream although they were asked to."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.conversation import (
    Finished,
    ModelResponse,
    Part,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UnknownPart,
    UsageReported,
)


def events_of(response: ModelResponse) -> Iterator[StreamEvent]:
    """The events that would have told the same answer."""
    dialect = response.source.dialect if response.source is not None else ""
    yield ResponseStarted(response.id, response.model, response.created, response.extras, dialect)
    calls = 0
    for part in response.message.parts:
        if isinstance(part, ToolCall):
            yield ToolCallStarted.of(part, calls)
            yield ToolCallDelta(calls, part.arguments)
            calls += 1
        elif (event := _event_of(part)) is not None:
            yield event
    yield Finished(response.finish_reason)
    if response.usage is not None:
        yield UsageReported(response.usage)


def _event_of(part: Part) -> StreamEvent | None:
    match part:
        case Text(text=text, source=source):
            return TextDelta(text, source)
        case Reasoning(text=text, signature=signature, name=name):
            return ReasoningDelta(text, name, signature)
        case Refusal(text=text):
            return RefusalDelta(text)
        case UnknownPart(dialect=dialect, raw=raw):
            return UnknownDelta(dialect, raw, is_part=True)
        case _:
            return None  # media and tool results are not what a model streams
