"""Calls that a client was shown and sends back, as the model knows them: its own calls, and results of tools.

Above: the API, once it knows what this gateway calls the tools. Below: the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gateway.conversation.messages import Message
from gateway.conversation.parts import Part, ServedCall, Text, ToolCall, ToolListing, ToolResult

ToolNaming = Callable[[str, str], str]
"""From a server and a tool, in a client's words, to the tool's name towards models."""

_LOST = "(The result of this call is not there any more.)"


def spelled_out(messages: Sequence[Message], name_of: ToolNaming) -> tuple[Message, ...]:
    """The messages, with each that shows calls taken apart into what the model said and what the tools gave."""
    whole: list[Message] = []
    for message in messages:
        if any(isinstance(part, ServedCall | ToolListing) for part in message.parts):
            whole += _taken_apart(message, name_of)
        else:
            whole.append(message)
    return tuple(whole)


@dataclass(slots=True)
class _Turns:
    """What has been taken apart so far; `said` is a turn of the model's that is not complete."""

    messages: list[Message] = field(default_factory=list[Message])
    said: list[Part] = field(default_factory=list[Part])
    results: list[ToolResult] = field(default_factory=list[ToolResult])

    def close(self) -> None:
        if self.said:
            self.messages.append(Message("assistant", tuple(self.said)))
        self.messages += [Message("tool", (result,)) for result in self.results]
        self.said, self.results = [], []


def _taken_apart(message: Message, name_of: ToolNaming) -> list[Message]:
    """Whatever the model says after calls, but for further calls, is another turn of its."""
    turns = _Turns()
    for part in message.parts:
        if isinstance(part, ServedCall):
            turns.said.append(replace(part.made, name=name_of(part.server, part.made.name)))
            turns.results.append(part.result or ToolResult(part.made.id, (Text(_LOST),), is_error=True))
        elif not isinstance(part, ToolListing):
            if turns.results and not isinstance(part, ToolCall):
                turns.close()
            turns.said.append(part)
    turns.close()
    return turns.messages
