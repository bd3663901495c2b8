"""The parts that a message is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.conversation.source import Source


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text, which may be empty.

    `source` holds what a dialect says of this text beside it (a proof of thought, say); two texts are equal
    without regard to it.
    """

    text: str
    source: Source | None = field(default=None, compare=False)


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
    """What the model thought. `signature` is the provider's opaque proof, replayed byte for byte; `text` may be
    empty then.

    `name` is the dialect's own name for it, where it has several; see `ReasoningDelta.field`.
    """

    text: str
    signature: str | None = None
    name: str = "reasoning_content"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model's own refusal, where the dialect tells it from text."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call as the model wrote it.

    `arguments` is the JSON text exactly as received: it may be malformed, and it is sent back byte for byte.
    `source` holds the fields of the call that are not named here (a provider's proof of its thoughts, say); two
    calls are equal without regard to it.
    """

    id: str
    name: str
    arguments: str
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to the tool call `call_id`, in the order that the tool gave its parts.

    `loads` are the names of tools that may be called because of it, if it is of a search for tools.
    """

    call_id: str
    content: tuple[Text | Media, ...]
    is_error: bool = False
    loads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolListing:
    """The tools of a server that were attached because the client named it; `server` is the client's word for it.

    `tools` are objects in MCP's form: a name, a description, an `input_schema`.
    """

    id: str
    server: str
    tools: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ServedCall:
    """A call of the model's that was run on the client's behalf, and that the client is shown.

    `server` is the client's word for the server, and the name in `made` the one that it knows the tool by.
    `result` is None while the call is under way. A client sends them back: see `gateway.conversation.served`.
    """

    made: ToolCall
    server: str
    result: ToolResult | None = None


@dataclass(frozen=True, slots=True)
class UnknownPart:
    """What this vocabulary does not name; only its own dialect can write it again.

    `raw` holds fields of the message that it is a part of, in the form that the dialect gives a whole message.
    """

    dialect: str
    raw: Mapping[str, Any]


Part = Text | Media | Reasoning | Refusal | ToolCall | ToolResult | ToolListing | ServedCall | UnknownPart
