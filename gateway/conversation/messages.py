"""Messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.conversation.parts import Part, Text, ToolCall
from gateway.conversation.source import Source

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    `origin` is the family of models that wrote it, where that is known: what a message holds beside what was said
    can be read by no other. Two messages are equal without regard to it.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    source: Source | None = None
    origin: str | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """The text parts, joined; without reasoning, refusals and results."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of an assistant message, in the model's order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))
