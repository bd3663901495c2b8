"""Messages, and where they were read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway.conversation.parts import Part, Text, ToolCall

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Source:
    """The wire object that a value was read from, so that the same dialect can write it back untouched.

    `raw` is shared, never copied, and must not be changed by anybody.
    """

    dialect: str
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    source: Source | None = None

    @property
    def text(self) -> str:
        """The text parts, joined; without reasoning, refusals and results."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of an assistant message, in the model's order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))
