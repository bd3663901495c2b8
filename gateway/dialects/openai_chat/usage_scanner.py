"""Finds the usage in answers whose bytes pass through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.openai_chat.usage import find_usage, read_usage
from gateway.dialects.usage_scanning import EventScanner, object_in


class ChatUsageScanner(EventScanner):
    """Looks at one stream."""

    __slots__ = ()

    def read(self, event: Mapping[str, Any]) -> None:
        """Look at one chunk."""
        usage = find_usage(event)
        if usage is not None:
            self.usage = read_usage(usage)
        self.note_model(event.get("model"))


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    usage = find_usage(object_in(body))
    return None if usage is None else read_usage(usage)
