"""Reads the usage out of answers whose bytes pass through, at the price of one search in each piece."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from gateway.conversation import Usage
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import load_object, text_or_empty

_USAGE = re.compile(rb'"usage"\s*:\s*\{')
"""`"usage":null`, which OpenAI adds to every other chunk, is not worth a look; in texts the quotes are escaped."""


def tells_usage(data: bytes) -> bool:
    """Whether there is a usage in lines of a stream, at the price of a search."""
    return b'"usage"' in data and _USAGE.search(data) is not None


class EventScanner(ABC):
    """Looks at a stream of server-sent events, or of lines; see `gateway.dialects.UsageScanner`.

    A dialect says in `read` where in an event it has the usage and the model's name. `line_start` is how the lines
    begin that hold events; `mark` and `form` are found in those that tell the usage.
    """

    __slots__ = ("_is_skipping", "_tail", "model", "usage")

    line_start: ClassVar[bytes] = b"data:"
    mark: ClassVar[bytes] = b'"usage"'
    form: ClassVar[re.Pattern[bytes]] = _USAGE
    longest_line: ClassVar[int] = 64 * 1024
    """Bytes of an unfinished line that are kept. In most dialects a longer one is a large delta, without usage."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model: str | None = None
        self._tail = b""
        self._is_skipping = False

    @abstractmethod
    def read(self, event: Mapping[str, Any]) -> None:
        """Look at one event that may tell something."""

    def feed(self, chunk: bytes) -> None:
        """Look at the next piece."""
        if self._tail or self._is_skipping or not chunk.endswith(b"\n"):
            chunk = self._whole_lines(chunk)
        if self.model is None or (self.mark in chunk and self.form.search(chunk)):
            for line in chunk.splitlines():
                if line.startswith(self.line_start) and (self.model is None or self.form.search(line)):
                    self.read(object_in(line.removeprefix(b"data:")))

    def note_model(self, name: Any) -> None:
        """Keep the model's name, if this is one."""
        self.model = text_or_empty(name) or self.model

    def _whole_lines(self, chunk: bytes) -> bytes:
        end = chunk.rfind(b"\n") + 1
        if not end:
            if self._is_skipping:
                return b""
            self._tail += chunk
            if len(self._tail) > self.longest_line:
                self._tail, self._is_skipping = b"", True
            return b""
        whole = self._tail + chunk[:end]
        if self._is_skipping:
            whole = chunk[chunk.find(b"\n") + 1 : end]
        self._tail, self._is_skipping = chunk[end:], False
        if len(self._tail) > self.longest_line:
            self._tail, self._is_skipping = b"", True
        return whole


def object_in(data: bytes) -> dict[str, Any]:
    """The JSON object in these bytes; an empty one when there is none."""
    try:
        return load_object(data)
    except WireFormatError:
        return {}
