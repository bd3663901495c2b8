"""Messages as both requests and answers have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.conversation import Message, Part, Reasoning, Refusal, Text, ToolCall, UnknownPart
from gateway.dialects.openai_chat.content import read_content, write_parts
from gateway.dialects.openai_chat.name import NAME
from gateway.dialects.openai_chat.tool_calls import read_tool_calls, write_tool_calls

REASONING_FIELDS = ("reasoning_content", "reasoning")
"""Where providers put what a model thinks, most frequent first. Each wants it back under the name it used."""

NAMED = frozenset({"role", "content", "refusal", "tool_calls", "name", *REASONING_FIELDS})


def read_assistant_parts(raw: Mapping[str, Any]) -> tuple[Part, ...]:
    """The parts of an assistant message: reasoning, content, refusal, calls, and what is left."""
    parts: list[Part] = [
        Reasoning(raw[name], name=name) for name in REASONING_FIELDS if isinstance(raw.get(name), str)
    ]
    parts += read_content(raw.get("content"))
    if isinstance(raw.get("refusal"), str):
        parts.append(Refusal(raw["refusal"]))
    parts += read_tool_calls(raw.get("tool_calls"))
    if unnamed := {name: value for name, value in raw.items() if name not in NAMED and tells_something(value)}:
        parts.append(UnknownPart(NAME, unnamed))
    return tuple(parts)


def tells_something(value: Any) -> bool:
    """False for null and for empty values, which some providers want back and others refuse to take."""
    return value is not None and value not in ("", [], {})


def write_assistant(message: Message) -> dict[str, Any]:
    """An assistant message, from its parts."""
    written: dict[str, Any] = {"role": "assistant", "content": None}
    if message.name is not None:
        written["name"] = message.name
    for part in message.parts:
        if isinstance(part, UnknownPart) and part.dialect == NAME:
            written |= {name: value for name, value in part.raw.items() if name != "content"}
    written["content"] = _assistant_content(message.parts)
    for name, text in _reasoning(message.parts).items():
        written[name] = text
    if refusal := "".join(part.text for part in message.parts if isinstance(part, Refusal)):
        written["refusal"] = refusal
    if calls := [part for part in message.parts if isinstance(part, ToolCall)]:
        written["tool_calls"] = write_tool_calls(calls)
    elif written["content"] is None and "refusal" not in written:
        written["content"] = ""
    return written


def _assistant_content(parts: Sequence[Part]) -> str | list[dict[str, Any]] | None:
    """One string, unless there are parts that are no text."""
    content = write_parts(parts)
    if all(part.get("type") == "text" for part in content):
        return "".join(part.text for part in parts if isinstance(part, Text)) or None
    return content


def _reasoning(parts: Sequence[Part]) -> dict[str, str]:
    told: dict[str, str] = {}
    for part in parts:
        if isinstance(part, Reasoning):
            name = part.name if part.name in REASONING_FIELDS else REASONING_FIELDS[0]
            told[name] = told.get(name, "") + part.text
    return told
