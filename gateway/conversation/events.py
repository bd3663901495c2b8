"""What a streamed answer is made of, in order of appearance.

A stream is: `ResponseStarted`, then deltas, then `Finished`, then at most one `UsageReported`. A stream that
breaks off does not end in an event: its source raises one of `gateway.errors.UpstreamError`'s children.

Where an event holds fields that this vocabulary does not name, its `dialect` says whose they are, and no other
dialect writes them; empty stands for the dialect of whoever writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.conversation.parts import ServedCall, ToolCall, ToolListing
from gateway.conversation.responses import FinishReason
from gateway.conversation.source import Source
from gateway.conversation.usage import Usage


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The first event. `created` is in seconds since the epoch; `extras` are the other top-level fields.

    `origin` is that of the message that begins.
    """

    id: str
    model: str
    created: int
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dialect: str = ""
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer's text. One with a `source` is a part of its own: no other piece belongs to it."""

    text: str
    source: Source | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of reasoning. `field` is the dialect's own name for it, where it has several.

    A piece with a `signature`, the proof of all that was thought since the last one, is the last of its part.
    """

    text: str
    field: str = "reasoning_content"
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """A piece of the model's refusal."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """A tool call begins. `index` tells calls of one answer apart; `raw` holds fields we do not name."""

    index: int
    id: str
    name: str
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dialect: str = ""

    @classmethod
    def of(cls, call: ToolCall, index: int) -> ToolCallStarted:
        """The beginning of a call that is there whole already."""
        if call.source is None:
            return cls(index, call.id, call.name)
        return cls(index, call.id, call.name, call.source.raw, call.source.dialect)


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the JSON text of the arguments of call `index`. Pieces of several calls may interleave."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolsListed:
    """The tools of a server that the client named are there. Comes straight after `ResponseStarted`."""

    listing: ToolListing


@dataclass(frozen=True, slots=True)
class ServedCallStarted:
    """A call begins to be run on the client's behalf; its arguments are complete."""

    served: ServedCall


@dataclass(frozen=True, slots=True)
class ServedCallEnded:
    """The same call, with its result. Several may be under way at once."""

    served: ServedCall


@dataclass(frozen=True, slots=True)
class UnknownDelta:
    """Fields of a delta that this vocabulary does not name; only `dialect` can write them again.

    With `in_message` False they are told about the message (log probabilities, say) and are no part of it: they
    are passed on to the client, and not sent back to the model. With `is_part` they are a whole part, in its place
    among the others; else they are put together with those before.
    """

    dialect: str
    raw: Mapping[str, Any]
    in_message: bool = True
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The model stopped. `raw` holds fields of the last chunk's choice that we do not name."""

    reason: FinishReason
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dialect: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    """The tokens used. `raw` is the dialect's own usage object."""

    usage: Usage
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dialect: str = ""


StreamEvent = (
    ResponseStarted
    | TextDelta
    | ReasoningDelta
    | RefusalDelta
    | ToolCallStarted
    | ToolCallDelta
    | ToolsListed
    | ServedCallStarted
    | ServedCallEnded
    | UnknownDelta
    | Finished
    | UsageReported
)
