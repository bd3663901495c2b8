"""The parts that a message is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a sound or a file: by `url`, or as base64 `data` of `media_type`. One of the two is set."""

    kind: Literal["image", "audio", "file"]
    media_type: str | None = None
    url: str | None = None
    data: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What the model thought. `signature` is the provider's opaque proof, replayed byte for byte."""

    text: str
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model's own refusal, where the dialect tells it from text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call as the model wrote it.

    `arguments` is the JSON text exactly as received: it may be malformed, and it is sent back byte for byte.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to the tool call `call_id`, in the order that the tool gave its parts."""

    call_id: str
    content: tuple[Text | Media, ...]
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class UnknownPart:
    """A part of a type that this vocabulary does not name; only its own dialect can write it again."""

    dialect: str
    raw: Mapping[str, Any]


Part = Text | Media | Reasoning | Refusal | ToolCall | ToolResult | UnknownPart
