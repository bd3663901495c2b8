"""What a model is shown of many tools, from the beginning of a conversation on.

At first it sees the search and the pinned tools. Each tool that a search finds, or that the model calls by itself,
is appended behind them, in the order in which the conversation tells of it. So what stands before never changes,
and nothing needs to be kept but the conversation itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.conversation import Message, ToolChoice, ToolDefinition, ToolResult
from gateway.exposure.selection.search_tool import SearchTool


@dataclass(frozen=True, slots=True)
class Selection:
    """`others` are the tools that are not shown at first, by wire name, in the order of the catalogue."""

    search: SearchTool = field(repr=False)
    others: Mapping[str, ToolDefinition] = field(repr=False)

    def told_of(self, messages: Iterable[Message]) -> tuple[ToolDefinition, ...]:
        """The tools that these messages' searches have found, and those that they call, the earliest first."""
        names: dict[str, None] = {}
        for message in messages:
            for part in message.parts:
                if isinstance(part, ToolResult):
                    names |= dict.fromkeys(part.loads)
            names |= dict.fromkeys(call.name for call in message.tool_calls)
        return self._those(names)

    def meant_by(self, choice: ToolChoice | None) -> tuple[ToolDefinition, ...]:
        """The tools that a choice names: they must be there to be chosen."""
        if choice is None:
            return ()
        return self._those((*([choice.name] if choice.name else ()), *(choice.among or ())))

    def _those(self, names: Iterable[str]) -> tuple[ToolDefinition, ...]:
        return tuple(self.others[name] for name in names if name in self.others)
