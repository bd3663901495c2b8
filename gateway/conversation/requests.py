"""A request to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.conversation.messages import Message
from gateway.conversation.tools import ToolChoice, ToolDefinition


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a client asks of a model.

    `dialect` is the wire format it was read from, and `extras` the top-level fields of that format which this
    vocabulary does not name (sampling parameters, metadata, fields newer than we are): the same dialect
    writes them back as they came. `max_tokens` holds for each model call, not for a whole run.
    """

    model: str
    messages: tuple[Message, ...]
    dialect: str
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False
    structured_output: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])
