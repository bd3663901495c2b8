"""Messages to JSON text and back, without loss: for what must outlive a process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.conversation.messages import Message
from gateway.conversation.parts import (
    Media,
    Part,
    Reasoning,
    Refusal,
    ServedCall,
    Text,
    ToolCall,
    ToolListing,
    ToolResult,
    UnknownPart,
)
from gateway.conversation.source import Source

_PART_TYPES: Mapping[str, type[Part]] = {
    part_type.__name__: part_type
    for part_type in (
        *(Text, Media, Reasoning, Refusal, ToolCall, ToolResult, ToolListing, ServedCall, UnknownPart),
    )
}


def dump_messages(messages: Sequence[Message]) -> bytes:
    """Messages as UTF-8 JSON. Every part carries the name of its type; raw wire objects are kept whole."""
    return orjson.dumps([_dump_message(message) for message in messages])


def load_messages(data: bytes) -> tuple[Message, ...]:
    """What `dump_messages` wrote. Raises ValueError for anything else."""
    try:
        return tuple(_load_message(raw) for raw in orjson.loads(data))
    except (KeyError, TypeError) as error:
        raise ValueError("not a dumped conversation") from error


def _dump_message(message: Message) -> dict[str, Any]:
    source = message.source and {"dialect": message.source.dialect, "raw": message.source.raw}
    parts = [_dump_part(part) for part in message.parts]
    return {
        "role": message.role,
        "name": message.name,
        "parts": parts,
        "source": source,
        "origin": message.origin,
    }


def _load_message(raw: Mapping[str, Any]) -> Message:
    source = raw["source"] and Source(**raw["source"])
    return Message(
        raw["role"], tuple(_load_part(part) for part in raw["parts"]), raw["name"], source, raw.get("origin")
    )


def _dump_part(part: Part) -> dict[str, Any]:
    fields = {name: getattr(part, name) for name in part.__slots__}
    if isinstance(part, ToolResult):
        fields["content"] = [_dump_part(inner) for inner in part.content]
    elif isinstance(part, ServedCall):
        fields["made"] = _dump_part(part.made)
        fields["result"] = part.result and _dump_part(part.result)
    return {"type": type(part).__name__, "fields": fields}


def _load_part(raw: Mapping[str, Any]) -> Any:
    fields = dict(raw["fields"])
    if raw["type"] == ToolResult.__name__:
        fields["content"] = tuple(_load_part(inner) for inner in fields["content"])
        fields["loads"] = tuple(fields.get("loads", ()))
    elif raw["type"] == ServedCall.__name__:
        fields["made"] = _load_part(fields["made"])
        fields["result"] = fields["result"] and _load_part(fields["result"])
    elif raw["type"] == ToolListing.__name__:
        fields["tools"] = tuple(fields["tools"])
    elif fields.get("source") is not None:
        fields["source"] = Source(**fields["source"])
    return _PART_TYPES[raw["type"]](**fields)
