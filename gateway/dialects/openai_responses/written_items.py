"""The items of a stream that is written: each says how it begins, grows and ends, and what it is in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dialects.openai_responses.calls import CUSTOM, FUNCTION, CallWriter, item_id, new_id
from gateway.dialects.openai_responses.frames import Frames
from gateway.dialects.openai_responses.freeform import Unwrapping
from gateway.dialects.openai_responses.name import SEPARATOR, SUMMARY, THOUGHT
from gateway.dialects.openai_responses.proofs import new_item_id, our_proof

_TEXT_DELTA = (
    b"event: response.output_text.delta\n"
    b'data: {"type":"response.output_text.delta","sequence_number":%d,%b,"delta":%b,"logprobs":%b}\n\n'
)


class WrittenItem:
    """An item at a place of the output. `item` is what has been told of it."""

    __slots__ = ("frames", "index", "item")

    def __init__(self, frames: Frames, index: int, item: dict[str, Any]) -> None:
        self.frames = frames
        self.index = index
        self.item: dict[str, Any] = item

    def begin(self) -> bytes:
        """Tell that it begins."""
        return self.frames.make("response.output_item.added", output_index=self.index, item=self.item)

    def done(self, status: str = "completed") -> bytes:
        """Tell that it is whole, or ends before it is."""
        if "status" in self.item:
            self.item = {**self.item, "status": status}  # which may be the object that came
        return self.frames.make("response.output_item.done", output_index=self.index, item=self.item)

    def about(self, kind: str, **fields: Any) -> bytes:
        """An event about this item."""
        return self.frames.make(kind, item_id=self.item["id"], output_index=self.index, **fields)


class WrittenMessage(WrittenItem):
    """What the model says."""

    __slots__ = ("_about", "_part", "_pieces")

    def __init__(self, frames: Frames, index: int, fields: Mapping[str, Any]) -> None:
        own: dict[str, Any] = {"type": "message", "role": "assistant", "status": "in_progress", "content": []}
        super().__init__(frames, index, {"id": new_id("msg"), **fields, **own})
        self._part: dict[str, Any] | None = None
        self._pieces: list[str] = []
        self._about = b""

    def text(self, text: str, logprobs: Any) -> bytes:
        """A piece of text."""
        opening = self._open("output_text", {"text": "", "annotations": [], "logprobs": []})
        self._pieces.append(text)
        if self._part is not None and logprobs:
            self._part["logprobs"] += logprobs
        told = orjson.dumps(logprobs) if logprobs else b"[]"
        return opening + _TEXT_DELTA % (self.frames.take(), self._about, orjson.dumps(text), told)

    def refusal(self, text: str) -> bytes:
        """A piece of a refusal."""
        opening = self._open("refusal", {"refusal": ""})
        self._pieces.append(text)
        return opening + self._piece("response.refusal.delta", delta=text)

    def annotation(self, value: Any) -> bytes:
        """Something about the text so far."""
        if self._part is None or self._part["type"] != "output_text":
            return b""
        self._part["annotations"].append(value)
        index = len(self._part["annotations"]) - 1
        return self._piece("response.output_text.annotation.added", annotation_index=index, annotation=value)

    def part(self, raw: Mapping[str, Any]) -> bytes:
        """A whole part of another kind."""
        closing = self._close()
        index = len(self.item["content"])
        self.item["content"].append(raw)
        begin = self.about("response.content_part.added", content_index=index, part=raw)
        return closing + begin + self.about("response.content_part.done", content_index=index, part=raw)

    def end(self, status: str) -> bytes:
        """The end."""
        return self._close() + self.done(status)

    def _open(self, kind: str, empty: Mapping[str, Any]) -> bytes:
        if self._part is not None and self._part["type"] == kind:
            return b""
        closing = self._close()
        index = len(self.item["content"])
        place = {"item_id": self.item["id"], "output_index": self.index, "content_index": index}
        self._about = orjson.dumps(place)[1:-1]
        self._part = {"type": kind, **empty}
        return closing + self._piece("response.content_part.added", part=self._part)

    def _close(self) -> bytes:
        part, self._part = self._part, None
        if part is None:
            return b""
        text, self._pieces = "".join(self._pieces), []
        if part["type"] == "output_text":
            part["text"] = text
            told = self._piece("response.output_text.done", text=text, logprobs=part["logprobs"])
        else:
            part["refusal"] = text
            told = self._piece("response.refusal.done", refusal=text)
        ended = self._piece("response.content_part.done", part=part)
        self.item["content"].append(part)
        return told + ended

    def _piece(self, kind: str, **fields: Any) -> bytes:
        return self.about(kind, content_index=len(self.item["content"]), **fields)


class WrittenThoughts(WrittenItem):
    """What the model thinks: a summary in parts, or the thoughts themselves, or both."""

    __slots__ = ("_name", "_pieces", "_thoughts")

    def __init__(self, frames: Frames, index: int, identity: str | None) -> None:
        item: dict[str, Any] = {"id": identity or new_item_id(), "type": "reasoning", "summary": []}
        super().__init__(frames, index, item)
        self._name = SUMMARY
        self._pieces: list[str] = []
        self._thoughts: list[str] = []

    def think(self, text: str, name: str) -> bytes:
        """A piece of either."""
        if name != THOUGHT:
            self._name = name
            return self._summarise(text)
        opening = b""
        if not self._thoughts:
            part = {"type": "reasoning_text", "text": ""}
            opening = self.about("response.content_part.added", content_index=0, part=part)
        self._thoughts.append(text)
        return opening + self.about("response.reasoning_text.delta", content_index=0, delta=text)

    def end_part(self) -> bytes:
        """End a part of the summary."""
        if not self._pieces:
            return b""
        text, self._pieces = "".join(self._pieces), []
        part, index = {"type": "summary_text", "text": text}, len(self.item["summary"])
        self.item["summary"].append(part)
        told = self.about("response.reasoning_summary_text.done", summary_index=index, text=text)
        return told + self.about("response.reasoning_summary_part.done", summary_index=index, part=part)

    def end(
        self, proven: Mapping[str, Any] | None, signature: str | None, *, name: str | None, with_proof: bool
    ) -> bytes:
        """The end, with the item that proves it, or else with the proof that another dialect calls `name`."""
        told = self.end_part() + self._end_thoughts()
        if proven is None:
            self.item["encrypted_content"] = our_proof(name or self._name, signature)
        else:
            kept = {name: value for name, value in proven.items() if name not in self.item}
            self.item |= kept if with_proof else {**kept, "encrypted_content": None}
        return told + self.done()

    def _summarise(self, text: str) -> bytes:
        opening, index = b"", len(self.item["summary"])
        if not self._pieces:
            if index:
                text = text.removeprefix(SEPARATOR)
            part = {"type": "summary_text", "text": ""}
            opening = self.about("response.reasoning_summary_part.added", summary_index=index, part=part)
        self._pieces.append(text)
        if not text:
            return opening
        return opening + self.about("response.reasoning_summary_text.delta", summary_index=index, delta=text)

    def _end_thoughts(self) -> bytes:
        if not self._thoughts:
            return b""
        text = "".join(self._thoughts)
        part = {"type": "reasoning_text", "text": text}
        self.item["content"] = [part]
        told = self.about("response.reasoning_text.done", content_index=0, text=text)
        return told + self.about("response.content_part.done", content_index=0, part=part)


class WrittenCall(WrittenItem):
    """A call. One to a tool that takes a text is told as that text; one of another kind at its end."""

    __slots__ = ("_head", "_pieces", "_text")

    def __init__(self, frames: Frames, index: int, head: Mapping[str, Any]) -> None:
        kind = head["type"]
        self._head = {"id": item_id(kind), "status": "in_progress", **head}
        asked = {FUNCTION: {"arguments": ""}, CUSTOM: {"input": ""}}.get(kind, {})
        super().__init__(frames, index, {**self._head, **asked})
        self._pieces: list[str] = []
        self._text = Unwrapping() if kind == CUSTOM else None

    def begin(self) -> bytes:
        """Tell that it begins, if it can be told in pieces."""
        return super().begin() if self._head["type"] in (FUNCTION, CUSTOM) else b""

    def ask(self, piece: str) -> bytes:
        """A piece of what is asked for."""
        if self._text is not None:
            text = self._text.feed(piece)
            return self.about("response.custom_tool_call_input.delta", delta=text) if text else b""
        self._pieces.append(piece)
        if self._head["type"] != FUNCTION or not piece:
            return b""
        return self.about("response.function_call_arguments.delta", delta=piece)

    def end(self, status: str) -> bytes:
        """The end."""
        if self._text is not None:
            return self._end_text(self._text) + self.done(status)
        arguments = "".join(self._pieces)
        if self._head["type"] == FUNCTION:
            self.item["arguments"] = arguments
            name, told = self._head.get("name"), "response.function_call_arguments.done"
            return self.about(told, name=name, arguments=arguments) + self.done(status)
        self.item = CallWriter.filled(self._head, arguments)
        return super().begin() + self.done(status)

    def _end_text(self, unwrapping: Unwrapping) -> bytes:
        whole, rest = unwrapping.end()
        self.item["input"] = whole
        last = self.about("response.custom_tool_call_input.delta", delta=rest) if rest else b""
        return last + self.about("response.custom_tool_call_input.done", input=whole)
