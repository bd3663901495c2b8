"""Finds the usage in answers whose bytes pass through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.json_values import object_or_none
from gateway.dialects.openai_responses.usage import read_usage
from gateway.dialects.usage_scanning import EventScanner, object_in


class ResponsesUsageScanner(EventScanner):
    """Looks at one stream, whose last event has the whole answer in it, and the usage at its end."""

    __slots__ = ()

    longest_line = 8 * 1024 * 1024

    def read(self, event: Mapping[str, Any]) -> None:
        """Look at one event."""
        response = object_or_none(event.get("response")) or {}
        self.note_model(response.get("model"))
        usage = object_or_none(response.get("usage"))
        if usage is not None:
            self.usage = read_usage(usage)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    usage = object_or_none(object_in(body).get("usage"))
    return None if usage is None else read_usage(usage)
