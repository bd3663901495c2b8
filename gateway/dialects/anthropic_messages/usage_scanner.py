"""Finds the usage in answers whose bytes pass through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.anthropic_messages.usage import read_usage
from gateway.dialects.json_values import object_or_none
from gateway.dialects.usage_scanning import EventScanner, object_in


class MessagesUsageScanner(EventScanner):
    """Looks at one stream, whose first event has the input's counts and one of the last the output's."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, Any] = {}

    def read(self, event: Mapping[str, Any]) -> None:
        """Look at one event."""
        message = object_or_none(event.get("message")) or event
        self.note_model(message.get("model"))
        usage = object_or_none(message.get("usage"))
        if usage is not None:
            self._counts |= {name: value for name, value in usage.items() if value is not None}
            self.usage = read_usage(self._counts)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    usage = object_or_none(object_in(body).get("usage"))
    return None if usage is None else read_usage(usage)
