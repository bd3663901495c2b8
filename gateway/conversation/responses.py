"""A model's whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gateway.conversation.messages import Message
from gateway.conversation.source import Source
from gateway.conversation.usage import Usage


class FinishReason(StrEnum):
    """Why a model stopped. After PAUSED it would go on if it were sent its own answer."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    PAUSED = "paused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One answer: of one model call, or of a whole run once the loop has put its rounds together.

    `created` is in seconds since the epoch. `usage` is None when the provider did not report any.
    `extras` are top-level fields of the dialect in `source` that this vocabulary does not name.
    """

    id: str
    model: str
    created: int
    message: Message
    finish_reason: FinishReason
    usage: Usage | None = None
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])
    source: Source | None = None
