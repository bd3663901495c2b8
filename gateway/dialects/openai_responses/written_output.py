"""The output of a stream that is written: which items are under way, and where each stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import (
    ModelRequest,
    ReasoningDelta,
    RefusalDelta,
    ServedCallEnded,
    ServedCallStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    ToolsListed,
    UnknownDelta,
)
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.openai_responses.calls import CallWriter
from gateway.dialects.openai_responses.echo import asks_for_proofs
from gateway.dialects.openai_responses.frames import Frames
from gateway.dialects.openai_responses.name import SEPARATOR, SUMMARY, THOUGHT, own_fields
from gateway.dialects.openai_responses.proofs import proven_item
from gateway.dialects.openai_responses.served_calls import (
    begin_call,
    call_item,
    end_call,
    list_tools,
    listing_item,
)
from gateway.dialects.openai_responses.written_items import (
    WrittenCall,
    WrittenItem,
    WrittenMessage,
    WrittenThoughts,
)


class WrittenOutput:
    """The items of one answer, in the order in which they began; `write` and `end` return the frames."""

    __slots__ = (
        "_calls",
        "_fields",
        "_frames",
        "_has_spoken",
        "_identity",
        "_logprobs",
        "_message",
        "_open_calls",
        "_others",
        "_served",
        "_thoughts",
        "_with_proofs",
        "_written",
    )

    def __init__(self, frames: Frames, calls: CallWriter, request: ModelRequest | None) -> None:
        self._frames = frames
        self._calls = calls
        self._with_proofs = asks_for_proofs(request)
        self._written: list[WrittenItem] = []
        self._message: WrittenMessage | None = None
        self._thoughts: WrittenThoughts | None = None
        self._open_calls: dict[int, WrittenCall] = {}
        self._others: dict[str, WrittenItem] = {}
        self._served: dict[str, WrittenItem] = {}
        self._fields: Mapping[str, Any] = {}
        self._identity: str | None = None
        self._logprobs: Any = None
        self._has_spoken = False

    def items(self) -> list[dict[str, Any]]:
        """All that has begun."""
        return [written.item for written in self._written]

    def write(self, event: StreamEvent) -> bytes:
        """A piece of the answer."""
        match event:
            case TextDelta():
                return self._text(event.text)
            case ToolCallDelta():
                return self._arguments(event)
            case ReasoningDelta():
                return self._think(event)
            case RefusalDelta():
                return self._refusal(event.text)
            case ToolCallStarted():
                return self._call(event)
            case UnknownDelta():
                return self._own(own_fields(event.dialect, event.raw))
            case ToolsListed() | ServedCallStarted() | ServedCallEnded():
                return self._serve(event)
            case _:
                return b""

    def _serve(self, event: ToolsListed | ServedCallStarted | ServedCallEnded) -> bytes:
        """A step of this gateway's, at a server that the client named."""
        if isinstance(event, ServedCallEnded):
            under_way = self._served.pop(event.served.made.id, None)
            return b"" if under_way is None else end_call(under_way, event.served)
        if isinstance(event, ToolsListed):
            closing, written = self._place(listing_item(event.listing))
            return closing + list_tools(written)
        closing, written = self._place(call_item(event.served))
        self._served[event.served.made.id] = written
        return closing + begin_call(written)

    def _place(self, item: dict[str, Any]) -> tuple[bytes, WrittenItem]:
        """A place for an item of ours, behind what has come so far."""
        closing = self._end_last()
        written = WrittenItem(self._frames, len(self._written), item)
        self._written.append(written)
        return closing, written

    def _text(self, text: str) -> bytes:
        """A piece of what the model says."""
        message, opening = self._message, b""
        if message is None and self._has_spoken:
            text = text.removeprefix(SEPARATOR)
        if not text:
            return b""
        if message is None:
            message, opening = self._open_message()
        self._has_spoken = True
        logprobs, self._logprobs = self._logprobs, None
        return opening + message.text(text, logprobs)

    def _refusal(self, text: str) -> bytes:
        """A piece of its refusal."""
        message, opening = (self._message, b"") if self._message is not None else self._open_message()
        return opening + message.refusal(text)

    def _think(self, event: ReasoningDelta) -> bytes:
        """A piece of its thoughts, or what proves them."""
        proven = proven_item(event.field, event.signature)
        if self._thoughts is None and proven is not None:
            return self._whole_thoughts(proven)
        if not event.text and event.signature is None:
            return b""
        thoughts, opening = self._thoughts, b""
        if thoughts is None:
            thoughts, opening = self._open_thoughts(self._identity)
        told = opening + (thoughts.think(event.text, event.field) if event.text else b"")
        if event.signature is None:
            return told
        return told + self._end_thoughts(proven, event.signature, event.field)

    def _call(self, event: ToolCallStarted) -> bytes:
        """A call begins."""
        closing = self._end_last()
        head = self._calls.head(event.id, event.name, own_fields(event.dialect, event.raw))
        call = self._open_calls[event.index] = WrittenCall(self._frames, len(self._written), head)
        self._written.append(call)
        return closing + call.begin()

    def _arguments(self, event: ToolCallDelta) -> bytes:
        """A piece of what it asks for."""
        call = self._open_calls.get(event.index)
        return b"" if call is None else call.ask(event.arguments)

    def _own(self, raw: Mapping[str, Any]) -> bytes:
        """What only this dialect knows; see `name`, and `stream_reading`."""
        if "event" in raw:
            return self._pass_on(object_or_none(raw["event"]) or {})
        if "item" in raw:
            return self._whole_item(object_or_none(raw["item"]) or {})
        if "message" in raw:
            closing = self._end_last()
            self._fields = object_or_none(raw["message"]) or {}
            return closing
        if "reasoning" in raw:
            closing = self._end_last()
            self._identity = text_or_empty((object_or_none(raw["reasoning"]) or {}).get("id")) or None
            return closing
        return self._beside(raw)

    def end(self, *, is_whole: bool) -> bytes:
        """End what has not been ended; what came last may not be whole."""
        status = "completed" if is_whole else "incomplete"
        told = self._end_last(status)
        for call in self._open_calls.values():
            told += call.end(status)
        for other in self._others.values():
            told += other.done(status)
        self._open_calls, self._others = {}, {}
        return told

    def _beside(self, raw: Mapping[str, Any]) -> bytes:
        """What stands beside, or within, what is open."""
        if "logprobs" in raw:
            self._logprobs = list_or_empty(raw["logprobs"])
        elif "summary_part" in raw and self._thoughts is not None:
            return self._thoughts.end_part()
        elif "annotation" in raw and self._message is not None:
            return self._message.annotation(raw["annotation"])
        elif "annotations" in raw and self._message is not None:
            about = list_or_empty(raw["annotations"])
            return b"".join(self._message.annotation(annotation) for annotation in about)
        elif content := list_or_empty(raw.get("content")):
            message, told = (self._message, b"") if self._message is not None else self._open_message()
            return told + b"".join(message.part(part) for part in content)
        return b""

    def _open_message(self) -> tuple[WrittenMessage, bytes]:
        closing = self._end_last()
        message = self._message = WrittenMessage(self._frames, len(self._written), self._fields)
        self._fields = {}
        self._written.append(message)
        return message, closing + message.begin()

    def _open_thoughts(self, identity: str | None) -> tuple[WrittenThoughts, bytes]:
        closing = self._end_last()
        thoughts = self._thoughts = WrittenThoughts(self._frames, len(self._written), identity)
        self._identity = None
        self._written.append(thoughts)
        return thoughts, closing + thoughts.begin()

    def _whole_thoughts(self, proven: Mapping[str, Any]) -> bytes:
        """An item of which nothing has been told."""
        thoughts, told = self._open_thoughts(text_or_empty(proven.get("id")) or self._identity)
        for part in list_or_empty(proven.get("content")):
            told += thoughts.think(text_or_empty((object_or_none(part) or {}).get("text")), THOUGHT)
        for part in list_or_empty(proven.get("summary")):
            told += thoughts.think(text_or_empty((object_or_none(part) or {}).get("text")), SUMMARY)
            told += thoughts.end_part()
        return told + self._end_thoughts(proven)

    def _end_thoughts(
        self, proven: Mapping[str, Any] | None = None, signature: str | None = None, name: str | None = None
    ) -> bytes:
        thoughts, self._thoughts = self._thoughts, None
        if thoughts is None:
            return b""
        return thoughts.end(proven, signature, name=name, with_proof=self._with_proofs)

    def _end_last(self, status: str = "completed") -> bytes:
        """End the message or the thoughts under way: the next piece belongs to something else."""
        message, self._message = self._message, None
        told = b"" if message is None else message.end(status)
        return told + self._end_thoughts()

    def _whole_item(self, item: dict[str, Any]) -> bytes:
        other = self._others.pop(text_or_empty(item.get("id")), None)
        if other is not None:
            other.item = item
            return other.done(item.get("status") or "completed")
        closing = self._end_last()
        other = WrittenItem(self._frames, len(self._written), item)
        self._written.append(other)
        return closing + other.begin() + other.done(item.get("status") or "completed")

    def _pass_on(self, event: Mapping[str, Any]) -> bytes:
        """An event about an item that the vocabulary does not name, or about none."""
        kind = text_or_empty(event.get("type"))
        fields = {name: value for name, value in event.items() if name not in ("type", "sequence_number")}
        item = object_or_none(event.get("item"))
        if item is not None:
            closing = self._end_last()
            other = WrittenItem(self._frames, len(self._written), item)
            self._others[text_or_empty(item.get("id"))] = other
            self._written.append(other)
            return closing + other.begin()
        known = self._others.get(text_or_empty(event.get("item_id")))
        if known is not None:
            return self._frames.make(kind, **{**fields, "output_index": known.index})
        is_about_item = "item_id" in event or "output_index" in event
        return b"" if is_about_item or not kind else self._frames.make(kind, **fields)
