"""Reads the usage out of answers whose bytes pass through, at the price of one search in each piece."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from gateway.conversation import Usage
from gateway.dialects.openai_chat.usage import find_usage, read_usage

_USAGE = re.compile(rb'"usage"\s*:\s*\{')
"""`"usage":null`, which OpenAI adds to every other chunk, is not worth a look; in texts the quotes are escaped."""

_LONGEST_TAIL = 64 * 1024
"""Bytes of an unfinished line that are kept. A longer one is some large delta, without a usage."""


class ChatUsageScanner:
    """Looks at a stream of server-sent events; see `gateway.dialects.UsageScanner`."""

    __slots__ = ("_is_skipping", "_tail", "model", "usage")

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.model: str | None = None
        self._tail = b""
        self._is_skipping = False

    def feed(self, chunk: bytes) -> None:
        """Look at the next piece."""
        if self._tail or self._is_skipping or not chunk.endswith(b"\n"):
            chunk = self._whole_lines(chunk)
        if self.model is None or (b'"usage"' in chunk and _USAGE.search(chunk)):
            for line in chunk.splitlines():
                if self.model is None or _USAGE.search(line):
                    self._read(line)

    def _whole_lines(self, chunk: bytes) -> bytes:
        end = chunk.rfind(b"\n") + 1
        if not end:
            if self._is_skipping:
                return b""
            self._tail += chunk
            if len(self._tail) > _LONGEST_TAIL:
                self._tail, self._is_skipping = b"", True
            return b""
        whole = self._tail + chunk[:end]
        if self._is_skipping:
            whole = chunk[chunk.find(b"\n") + 1 : end]
        self._tail, self._is_skipping = chunk[end:], False
        if len(self._tail) > _LONGEST_TAIL:
            self._tail, self._is_skipping = b"", True
        return whole

    def _read(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        found = _object_in(line[5:])
        usage = find_usage(found)
        if usage is not None:
            self.usage = read_usage(usage)
        model = found.get("model")
        if isinstance(model, str) and model:
            self.model = model


def usage_of(body: bytes) -> Usage | None:
    """The usage in a whole answer; None where none can be read."""
    usage = find_usage(_object_in(body))
    return None if usage is None else read_usage(usage)


def _object_in(data: bytes) -> dict[str, Any]:
    try:
        value: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
