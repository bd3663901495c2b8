"""A provider's stream, event by event."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.conversation import (
    Finished,
    ReasoningDelta,
    ResponseStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.anthropic_messages.blocks import input_text, read_call
from gateway.dialects.anthropic_messages.name import NAME, REDACTED, THINKING, UNPROVEN
from gateway.dialects.anthropic_messages.responses import extras_of, new_response_id, raise_error_in
from gateway.dialects.anthropic_messages.stop_reasons import read_stop_reason
from gateway.dialects.anthropic_messages.usage import read_usage
from gateway.dialects.event_reading import MOST_CALLS, EventReader, FrameDecoder
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty
from gateway.sse import ServerSentEvent


class _Block:
    """One content block that has begun. `pieces` are those of a signature, or of an unknown block's input.

    `number` tells calls apart.
    """

    __slots__ = ("kind", "number", "pieces", "raw", "told")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.kind = text_or_empty(raw.get("type"))
        self.pieces: list[str] = []
        self.number = -1
        self.told = False


class MessagesStreamReader(EventReader):
    """See `gateway.dialects.StreamReader`."""

    __slots__ = ("_blocks", "_calls", "_finish", "_started", "_usage")

    def __init__(self, decoder: FrameDecoder[ServerSentEvent] | None = None) -> None:
        super().__init__(decoder)
        self._blocks: dict[Any, _Block] = {}
        self._calls = 0
        self._started = False
        self._finish: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped."""
        return self._closed or bool(self._finish.get("stop_reason"))

    def _read_event(self, event: ServerSentEvent, events: list[StreamEvent]) -> None:
        if not event.data:
            return
        raw = load_object(event.data)
        if event.kind == "error":
            raise_error_in({**raw, "type": "error"}, event.data)
        match raw.get("type") or event.kind:
            case "content_block_delta":
                self._read_delta(raw, events)
            case "content_block_start":
                self._begin(raw, events)
            case "content_block_stop":
                self._end_block(raw.get("index"), events)
            case "message_start":
                self._start(object_or_none(raw.get("message")) or {}, events)
            case "message_delta":
                self._note_end(raw)
            case "message_stop":
                self._close(events)
            case _:
                raise_error_in(raw, event.data)  # a ping, or something newer than this reader

    def _start(self, message: Mapping[str, Any], events: list[StreamEvent]) -> None:
        self._started = True
        usage = object_or_none(message.get("usage")) or {}
        self._note_usage(usage)
        extras = {**extras_of(message), "usage": usage}
        identity = text_or_empty(message.get("id")) or new_response_id()
        events.append(
            ResponseStarted(identity, text_or_empty(message.get("model")), int(time.time()), extras, NAME)
        )

    def _begin(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        if not self._started:
            raise WireFormatError("a part of the answer came before its start")
        index = raw.get("index")
        if index in self._blocks:
            self._end_block(index, events)
        block = self._blocks[index] = _Block(object_or_none(raw.get("content_block")) or {})
        match block.kind:
            case "text":
                if text := text_or_empty(block.raw.get("text")):
                    events.append(TextDelta(text))
            case "thinking":
                if text := text_or_empty(block.raw.get("thinking")):
                    events.append(ReasoningDelta(text, THINKING))
                block.pieces.append(text_or_empty(block.raw.get("signature")))
            case "redacted_thinking":
                events.append(ReasoningDelta("", REDACTED, text_or_empty(block.raw.get("data"))))
            case "tool_use":
                self._begin_call(block, events)
            case _:
                pass

    def _begin_call(self, block: _Block, events: list[StreamEvent]) -> None:
        if self._calls >= MOST_CALLS:
            raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
        block.number = self._calls
        self._calls += 1
        call = read_call(block.raw)
        events.append(ToolCallStarted.of(call, block.number))

    def _read_delta(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        delta = object_or_none(raw.get("delta")) or {}
        block = self._blocks.get(raw.get("index"))
        if block is None:
            raise WireFormatError("a piece came of a part that has not begun")
        match delta.get("type"):
            case "text_delta":
                if text := text_or_empty(delta.get("text")):
                    events.append(TextDelta(text))
            case "thinking_delta":
                if text := text_or_empty(delta.get("thinking")):
                    events.append(ReasoningDelta(text, THINKING))
            case "signature_delta":
                block.pieces.append(text_or_empty(delta.get("signature")))
            case "input_json_delta":
                self._add_input(block, text_or_empty(delta.get("partial_json")), events)
            case "citations_delta":
                events.append(UnknownDelta(NAME, delta, in_message=False))
            case _:
                pass

    def _add_input(self, block: _Block, piece: str, events: list[StreamEvent]) -> None:
        if block.number < 0:
            block.pieces.append(piece)
        elif piece:
            block.told = True
            events.append(ToolCallDelta(block.number, piece))

    def _end_block(self, index: Any, events: list[StreamEvent]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        match block.kind:
            case "thinking":
                signature = "".join(block.pieces)
                events.append(ReasoningDelta("", THINKING, signature if signature != UNPROVEN else None))
            case "tool_use":
                if not block.told and (given := block.raw.get("input")):
                    events.append(ToolCallDelta(block.number, input_text(given)))
            case "text" | "redacted_thinking":
                pass
            case _:
                events.append(UnknownDelta(NAME, {"content": [_whole(block)]}, is_part=True))

    def _note_end(self, raw: Mapping[str, Any]) -> None:
        self._finish |= object_or_none(raw.get("delta")) or {}
        self._finish |= {
            name: value
            for name, value in raw.items()
            if name not in ("type", "delta", "usage") and value is not None
        }
        self._note_usage(object_or_none(raw.get("usage")) or {})

    def _note_usage(self, usage: Mapping[str, Any]) -> None:
        self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _close(self, events: list[StreamEvent]) -> None:
        if not self._started:
            raise WireFormatError("the stream ended without an answer")
        if not self._finish.get("stop_reason"):
            raise WireFormatError("the stream ended before its answer did")
        for index in list(self._blocks):
            self._end_block(index, events)
        self._closed = True
        reason = read_stop_reason(self._finish.get("stop_reason"), has_calls=self._calls > 0)
        events.append(Finished(reason, self._finish, NAME))
        if self._usage:
            events.append(UsageReported(read_usage(self._usage), self._usage, NAME))


def _whole(block: _Block) -> Mapping[str, Any]:
    """An unknown block, with the input that came for it in pieces."""
    text = "".join(block.pieces)
    if not text:
        return block.raw
    try:
        return {**block.raw, "input": orjson.loads(text)}
    except orjson.JSONDecodeError as error:
        raise WireFormatError("the input of a part of the answer is not JSON") from error
