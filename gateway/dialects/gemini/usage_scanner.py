"""Finds the usage in answers whose bytes pass through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from gateway.conversation import Usage
from gateway.dialects.gemini.fields import field
from gateway.dialects.gemini.usage import read_usage
from gateway.dialects.json_values import object_or_none
from gateway.dialects.usage_scanning import EventScanner, object_in


class GeminiUsageScanner(EventScanner):
    """Looks at one stream, whose every chunk may have the counts so far."""

    __slots__ = ()

    mark: ClassVar[bytes] = b'"usageMetadata"'
    form: ClassVar[re.Pattern[bytes]] = re.compile(rb'"usageMetadata"\s*:\s*\{')

    def read(self, event: Mapping[str, Any]) -> None:
        """Look at one chunk."""
        self.note_model(field(event, "modelVersion"))
        usage = object_or_none(field(event, "usageMetadata"))
        if usage is not None:
            self.usage = read_usage(usage)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    usage = object_or_none(field(object_in(body), "usageMetadata"))
    return None if usage is None else read_usage(usage)
