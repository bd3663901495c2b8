"""Finds the usage in answers whose bytes pass through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.ollama.usage import find_usage
from gateway.dialects.usage_scanning import EventScanner, object_in


class OllamaUsageScanner(EventScanner):
    """Looks at one stream, whose last line has the counts."""

    __slots__ = ()

    line_start = b"{"
    mark = b'"eval_count"'
    form = re.compile(rb'"eval_count"\s*:')

    def read(self, event: Mapping[str, Any]) -> None:
        """Look at one line."""
        self.usage = find_usage(event) or self.usage
        self.note_model(event.get("model"))


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    return find_usage(object_in(body))
