"""Items as they are read: those of a request become messages, those of an answer the parts of one.

What a model said, thought and called in one turn is one message, whose source is the list of its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.conversation import Media, Message, Part, Role, Source, Text, ToolResult, UnknownPart
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.openai_responses.calls import is_call, read_call
from gateway.dialects.openai_responses.content import read_content
from gateway.dialects.openai_responses.name import NAME, SEPARATOR
from gateway.dialects.openai_responses.proofs import read_reasoning
from gateway.dialects.openai_responses.served_calls import read_served

_ROLES: Mapping[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
}
_SETTINGS = frozenset({"additional_tools", "configuration_update"})
"""Items that say nothing to a model: what they set is read from them elsewhere."""
_NOT_OF_THE_MESSAGE = frozenset({"type", "role", "content", "status"})
_OUTPUT = "_output"


def role_in(item: Mapping[str, Any]) -> Role | None:
    """The role of whoever says a message; None for other items."""
    if item.get("type") not in (None, "message"):
        return None
    return _ROLES.get(text_or_empty(item.get("role")))


def read_messages(items: Iterable[Mapping[str, Any]]) -> list[Message]:
    """The messages that a list of items makes."""
    messages: list[Message] = []
    turn: list[Mapping[str, Any]] = []
    for item in items:
        if is_of_model(item):
            turn.append(item)
            continue
        _end_turn(turn, messages)
        messages.append(_read_single(item))
    _end_turn(turn, messages)
    return messages


def _end_turn(turn: list[Mapping[str, Any]], messages: list[Message]) -> None:
    if turn:
        messages.append(Message("assistant", read_turn(turn), source=Source(NAME, {"items": list(turn)})))
        turn.clear()


def is_of_model(item: Mapping[str, Any]) -> bool:
    """Whether an item is of the model's making: what it said, thought, called, and what its provider ran."""
    kind = text_or_empty(item.get("type"))
    if kind in ("", "message"):
        return role_in(item) == "assistant"
    if kind.endswith(_OUTPUT):
        return kind == "program_output" or item.get("execution") == "server"
    return kind not in (*_SETTINGS, "item_reference", "compaction_trigger", "mcp_approval_response")


def _read_single(item: Mapping[str, Any]) -> Message:
    source = Source(NAME, {"items": [item]})
    role = role_in(item)
    if role is not None:
        return Message(role, tuple(read_content(item.get("content"))), source=source)
    kind = text_or_empty(item.get("type"))
    if kind in _SETTINGS:
        return Message("developer", (), source=source)
    if kind.endswith(_OUTPUT):
        return Message("tool", _read_output(item), source=source)
    return Message("user", (UnknownPart(NAME, {"item": item}),), source=source)


def _read_output(item: Mapping[str, Any]) -> tuple[Part, ...]:
    """A tool's result, and beside it what of it the vocabulary does not name."""
    call_id = text_or_empty(item.get("call_id")) or text_or_empty(item.get("id"))
    parts = read_content(_shell_output(item) or item.get("output"))
    content = tuple(part for part in parts if isinstance(part, Text | Media))
    others = [part for part in parts if not isinstance(part, Text | Media)]
    is_error = item.get("status") in ("failed", "incomplete")
    return (ToolResult(call_id, content, is_error), *others)


def _shell_output(item: Mapping[str, Any]) -> str:
    """What a command wrote, of which the parts are no parts of a message."""
    if item.get("type") != "shell_call_output":
        return ""
    pieces = [object_or_none(piece) or {} for piece in list_or_empty(item.get("output"))]
    return "\n".join(text_or_empty(piece.get(name)) for piece in pieces for name in ("stdout", "stderr"))


def read_turn(items: Iterable[Mapping[str, Any]]) -> tuple[Part, ...]:
    """The parts of one turn of a model's."""
    parts: list[Part] = []
    last_text = ""
    for item in items:
        kind = item.get("type")
        if role_in(item) is not None:
            said = _read_said(item, before=last_text)
            last_text = next((part.text for part in reversed(said) if isinstance(part, Text)), last_text)
            parts += said
        elif kind == "reasoning":
            parts += read_reasoning(item)
        elif is_call(item):
            parts.append(read_call(item))
        else:
            parts.append(read_served(item) or UnknownPart(NAME, {"item": item}))
    return tuple(parts)


def _read_said(item: Mapping[str, Any], *, before: str) -> list[Part]:
    parts: list[Part] = [UnknownPart(NAME, {"message": message_fields(item)})]
    separator_due = is_to_be_set_apart(before)
    for part in read_content(item.get("content")):
        if separator_due and isinstance(part, Text):
            parts.append(Text(SEPARATOR + part.text))
            separator_due = False
        else:
            parts.append(part)
    return parts


def is_to_be_set_apart(before: str) -> bool:
    """Whether a message's text needs to be set apart from that of the message before it, or the end of that."""
    return bool(before) and not before.endswith(SEPARATOR)


def message_fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a message besides what it says."""
    return {name: value for name, value in item.items() if name not in _NOT_OF_THE_MESSAGE}
