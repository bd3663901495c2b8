"""The end of what a process writes to its standard error, in bounded memory.

Above: each backend's box feeds one. Refuses to know: where the bytes come from.
"""

from __future__ import annotations

from collections import deque

MOST_LINES = 200
LONGEST_LINE = 2000  # characters
_LONGEST_BYTES = 4 * LONGEST_LINE  # no character is longer than four bytes


class StderrTail:
    """Keeps the last 200 lines, each cut to 2,000 characters; a line that has not ended yet counts."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._unfinished = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes, split anywhere."""
        *ended, rest = data.split(b"\n")
        if ended:
            self._lines.append(_text(self._unfinished + ended[0]))
            self._lines.extend(_text(line) for line in ended[1:][-MOST_LINES:])
            self._unfinished = b""
        self._unfinished = (self._unfinished + rest)[:_LONGEST_BYTES]

    def lines(self) -> tuple[str, ...]:
        """The lines, oldest first."""
        if not self._unfinished:
            return tuple(self._lines)
        return (*self._lines, _text(self._unfinished))[-MOST_LINES:]


def _text(line: bytes) -> str:
    return line[:_LONGEST_BYTES].removesuffix(b"\r").decode(errors="replace")[:LONGEST_LINE]
