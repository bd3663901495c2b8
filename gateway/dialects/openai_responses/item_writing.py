"""Items as they are written: a model's turn for a client, or for a provider that takes it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.conversation import (
    Part,
    Reasoning,
    Refusal,
    ServedCall,
    Text,
    ToolCall,
    ToolListing,
    UnknownPart,
)
from gateway.dialects.json_values import list_or_empty, object_or_none
from gateway.dialects.openai_responses.calls import CallWriter, item_id, new_id
from gateway.dialects.openai_responses.name import NAME, SEPARATOR, SUMMARY, THOUGHT
from gateway.dialects.openai_responses.proofs import our_item, proven_item
from gateway.dialects.openai_responses.served_calls import call_item, listing_item


def answer_items(
    parts: Iterable[Part], calls: CallWriter, *, with_proofs: bool = True, status: str = "completed"
) -> list[dict[str, Any]]:
    """A turn for a client; `with_proofs` says whether it asked for what proves the model's thoughts."""
    return _ItemWriter(calls, is_answer=True, with_proofs=with_proofs, status=status).write(parts)


def replayed_items(parts: Iterable[Part], calls: CallWriter, *, stored: bool) -> list[dict[str, Any]]:
    """A turn as a provider takes it back: of the thoughts, only those that it can check.

    Where it has not `stored` its answers it finds none by its id, so that ids are left out, and thoughts that
    are nothing but one.
    """
    items = _ItemWriter(calls, is_answer=False, with_proofs=True, status="completed").write(parts)
    if stored:
        return [item if "id" in item or item["type"] != "message" else _without_id(item) for item in items]
    return [_without_id(item) for item in items if _is_self_contained(item)]


def _is_self_contained(item: Mapping[str, Any]) -> bool:
    """Whether an item says something to a provider that has not kept it."""
    return item.get("type") != "reasoning" or bool(item.get("encrypted_content") or item.get("content"))


def _without_id(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item that is not looked up by its id. A message is then what a client would say the model said."""
    if item.get("type") != "message":
        keeps = item.get("type") not in ("function_call", "custom_tool_call")
        return {name: value for name, value in item.items() if keeps or name not in ("id", "status")}
    said = [object_or_none(part) or {} for part in list_or_empty(item.get("content"))]
    text = "".join(str(part.get("text") or part.get("refusal") or "") for part in said)
    phase = {"phase": item["phase"]} if item.get("phase") else {}
    return {"type": "message", "role": "assistant", "content": text, **phase}


@dataclass(slots=True)
class _ItemWriter:
    """One turn, as far as it has been written."""

    calls: CallWriter
    is_answer: bool
    with_proofs: bool
    status: str
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _fields: Mapping[str, Any] | None = None
    _content: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _thoughts: list[Reasoning] = field(default_factory=list[Reasoning])
    _has_spoken: bool = False

    def write(self, parts: Iterable[Part]) -> list[dict[str, Any]]:
        for part in parts:
            self._write_part(part)
        self._end_thoughts()
        self._end_message(self.status)
        return self.items

    def _write_part(self, part: Part) -> None:
        if not isinstance(part, Reasoning):
            self._end_thoughts()
        match part:
            case Text():
                self._say_text(part.text)
            case Refusal():
                self._content.append({"type": "refusal", "refusal": part.text})
            case Reasoning():
                self._think(part)
            case ToolCall():
                self._add(self._call(part))
            case ServedCall() if self.is_answer:
                self._add(call_item(part))
            case ToolListing() if self.is_answer:
                self._add(listing_item(part))
            case UnknownPart() if part.dialect == NAME:
                self._write_own(part.raw)
            case _:
                pass

    def _write_own(self, raw: Mapping[str, Any]) -> None:
        if "message" in raw:
            self._end_message()
            self._fields = object_or_none(raw["message"])
        elif (item := object_or_none(raw.get("item"))) is not None:
            self._add(item)
        elif "annotations" in raw:
            if self._content and self._content[-1]["type"] == "output_text":
                self._content[-1]["annotations"] = list_or_empty(raw["annotations"])
        else:
            self._content += list_or_empty(raw.get("content"))

    def _say_text(self, text: str) -> None:
        if self._has_spoken and not self._content:
            text = text.removeprefix(SEPARATOR)
        if text:
            self._content.append({"type": "output_text", "text": text, "annotations": [], "logprobs": []})

    def _call(self, call: ToolCall) -> dict[str, Any]:
        item = self.calls.write(call)
        if self.is_answer:
            return {"id": item_id(item["type"]), "status": self.status, **item}
        return {**item, "arguments": "{}"} if item.get("arguments") == "" else item

    def _add(self, item: dict[str, Any]) -> None:
        self._end_message()
        self.items.append(item)

    def _think(self, part: Reasoning) -> None:
        self._end_message()
        item = proven_item(part.name, part.signature)
        if item is not None:
            self._thoughts.clear()  # the item holds them all
            proofs = self.with_proofs or not self.is_answer
            self.items.append(item if proofs else {**item, "encrypted_content": None})
            return
        self._thoughts.append(part)
        if part.signature is not None:
            self._end_thoughts()

    def _end_thoughts(self) -> None:
        thoughts, self._thoughts = self._thoughts, []
        if thoughts and self.is_answer:
            last = thoughts[-1]
            name = SUMMARY if last.name == THOUGHT else last.name
            self.items.append(our_item(name, [part.text for part in thoughts], last.signature))

    def _end_message(self, status: str = "completed") -> None:
        content, fields = self._content, self._fields or {}
        if not content:
            return
        self._has_spoken = self._has_spoken or any(part["type"] == "output_text" for part in content)
        self._content, self._fields = [], None
        head = {"id": new_id("msg")} if self.is_answer else {}
        own: dict[str, Any] = {"type": "message", "role": "assistant", "content": content, "status": status}
        self.items.append({**head, **fields, **own})
