"""Finds the usage in answers whose bytes pass through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.cohere_v2.usage import read_usage
from gateway.dialects.json_values import object_or_none
from gateway.dialects.usage_scanning import EventScanner, object_in


class CohereUsageScanner(EventScanner):
    """Looks at one stream, whose last event has the counts. No event names the model."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.model = ""  # else it would be looked for in every event

    def read(self, event: Mapping[str, Any]) -> None:
        """Look at one event."""
        usage = object_or_none((object_or_none(event.get("delta")) or {}).get("usage"))
        if usage is not None:
            self.usage = read_usage(usage)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    usage = object_or_none(object_in(body).get("usage"))
    return None if usage is None else read_usage(usage)
