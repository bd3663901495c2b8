"""A provider's stream, frame by frame."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any, cast

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
from gateway.dialects.bedrock_converse.blocks import read_call
from gateway.dialects.bedrock_converse.errors import is_error_frame, raise_error_frame
from gateway.dialects.bedrock_converse.name import NAME, REASONING, REDACTED, UNPROVEN
from gateway.dialects.bedrock_converse.responses import new_response_id
from gateway.dialects.bedrock_converse.stop_reasons import read_stop_reason
from gateway.dialects.bedrock_converse.usage import read_usage
from gateway.dialects.event_reading import MOST_CALLS, FrameReader
from gateway.dialects.event_stream import EventStreamDecoder, Frame
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import list_or_empty, load_object, object_or_none, text_or_empty


class _Block:
    """One content block that has begun, or whose first piece came: blocks of text have no start.

    `number` tells calls apart. Of the others, pieces are kept as far as their block is told whole.
    """

    __slots__ = ("content", "kind", "number", "redacted", "signature", "start", "told")

    def __init__(self, kind: str = "", start: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self.start = start or {}
        self.number = -1
        self.signature: list[str] = []
        self.redacted: list[str] = []
        self.content: list[Any] = []
        self.told: list[str] = []


class ConverseStreamReader(FrameReader[Frame]):
    """See `gateway.dialects.StreamReader`. The usage is the last that is told."""

    __slots__ = ("_blocks", "_calls", "_finish", "_metadata", "_started")

    def __init__(self) -> None:
        super().__init__(EventStreamDecoder())
        self._blocks: dict[Any, _Block] = {}
        self._calls = 0
        self._started = False
        self._finish: dict[str, Any] | None = None
        self._metadata: dict[str, Any] = {}

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped."""
        return self._closed or self._finish is not None

    def _read_event(self, event: Frame, events: list[StreamEvent]) -> None:
        if is_error_frame(event):
            raise_error_frame(event)
        kind = event.headers.get(":event-type")
        if kind not in _KINDS:
            return  # something newer than this reader, or a sign of life
        raw = load_object(event.payload)
        match kind:
            case "contentBlockDelta":
                self._read_delta(raw, events)
            case "contentBlockStart":
                self._begin(raw, events)
            case "contentBlockStop":
                self._end_block(raw.get("contentBlockIndex"), events)
            case "messageStart":
                self._start(events)
            case "messageStop":
                self._finish = raw
            case _:
                self._metadata = raw
                self._close(events)

    def _start(self, events: list[StreamEvent]) -> None:
        self._started = True
        events.append(ResponseStarted(new_response_id(), "", int(time.time()), dialect=NAME))

    def _begin(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        start = object_or_none(raw.get("start")) or {}
        kind = next(iter(start), "")
        inner = object_or_none(start.get(kind)) or {}
        is_call = kind == "toolUse" and "type" not in inner
        block = self._new_block(raw.get("contentBlockIndex"), "call" if is_call else kind, inner, events)
        if is_call:
            self._begin_call(block, events)

    def _new_block(self, index: Any, kind: str, start: Mapping[str, Any], events: list[StreamEvent]) -> _Block:
        if not self._started:
            raise WireFormatError("a part of the answer came before its start")
        self._end_block(index, events)
        block = self._blocks[index] = _Block(kind, start)
        return block

    def _begin_call(self, block: _Block, events: list[StreamEvent]) -> None:
        if self._calls >= MOST_CALLS:
            raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
        block.number = self._calls
        self._calls += 1
        events.append(ToolCallStarted.of(read_call(block.start), block.number))

    def _read_delta(self, raw: Mapping[str, Any], events: list[StreamEvent]) -> None:
        index = raw.get("contentBlockIndex")
        delta = object_or_none(raw.get("delta")) or {}
        block = self._blocks.get(index) or self._new_block(index, "", {}, events)
        for kind, value in delta.items():
            match kind:
                case "text":
                    if text := text_or_empty(value):
                        events.append(TextDelta(text))
                case "toolUse":
                    self._add_input(block, text_or_empty((object_or_none(value) or {}).get("input")), events)
                case "reasoningContent":
                    self._read_reasoning(block, object_or_none(value) or {}, events)
                case "citation":
                    events.append(UnknownDelta(NAME, {"citation": value}, in_message=False))
                case _:
                    block.kind = block.kind or kind
                    block.content += list_or_empty(value) if isinstance(value, list) else [value]

    def _read_reasoning(self, block: _Block, delta: Mapping[str, Any], events: list[StreamEvent]) -> None:
        block.kind = REASONING
        if text := text_or_empty(delta.get("text")):
            events.append(ReasoningDelta(text, REASONING))
        block.signature.append(text_or_empty(delta.get("signature")))
        if redacted := text_or_empty(delta.get(REDACTED)):
            block.redacted.append(redacted)

    def _add_input(self, block: _Block, piece: str, events: list[StreamEvent]) -> None:
        if block.number < 0:
            block.told.append(piece)
        elif piece:
            events.append(ToolCallDelta(block.number, piece))

    def _end_block(self, index: Any, events: list[StreamEvent]) -> None:
        block = self._blocks.pop(index, None)
        if block is None or block.kind in ("", "call"):
            return
        if block.kind != REASONING:
            events.append(UnknownDelta(NAME, {"content": [_whole(block)]}, is_part=True))
            return
        signature = "".join(block.signature)
        if signature:
            events.append(ReasoningDelta("", REASONING, signature if signature != UNPROVEN else None))
        if block.redacted:
            events.append(ReasoningDelta("", REDACTED, _joined(block.redacted)))

    def _close(self, events: list[StreamEvent]) -> None:
        if not self._started:
            raise WireFormatError("the stream ended without an answer")
        if self._finish is None:
            raise WireFormatError("the stream ended before its answer did")
        for index in list(self._blocks):
            self._end_block(index, events)
        self._closed = True
        reason = read_stop_reason(self._finish.get("stopReason"), has_calls=self._calls > 0)
        usage = object_or_none(self._metadata.pop("usage", None))
        about = {**self._finish, **({"metadata": self._metadata} if self._metadata else {})}
        events.append(Finished(reason, about, NAME))
        if usage is not None:
            events.append(UsageReported(read_usage(usage), usage, NAME))


_KINDS = frozenset(
    {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"}
)


def _whole(block: _Block) -> Mapping[str, Any]:
    """A block that the vocabulary does not name, with all that came of it."""
    if block.kind == "toolUse":
        text = "".join(block.told)
        return {"toolUse": {**block.start, "input": load_object(text.encode()) if text else {}}}
    if block.kind == "toolResult":
        return {"toolResult": {**block.start, "content": block.content}}
    whole = dict(block.start)
    for piece in block.content:
        whole |= cast("dict[str, Any]", piece) if isinstance(piece, dict) else {}
    return {block.kind: whole}


def _joined(pieces: list[str]) -> str:
    """Pieces of base64, which can be put together only as what they stand for."""
    if len(pieces) == 1:
        return pieces[0]
    try:
        return base64.b64encode(b"".join(base64.b64decode(piece, validate=True) for piece in pieces)).decode()
    except binascii.Error as error:
        raise WireFormatError("a part of the answer is not base64") from error
