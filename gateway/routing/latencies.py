"""How long a deployment took of late to begin its answers: a window of few values, none of them old.

Pure: time comes from the caller, in seconds.
"""

from __future__ import annotations

import math
from collections import deque

MOST = 64
"""Values in the window."""
FRESH = 300.0
"""Seconds after which a value counts no more: a deployment that was slow once gets another chance."""


class LatencyWindow:
    """The latest values, with the times at which they were taken."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: deque[tuple[float, float]] = deque(maxlen=MOST)

    def add(self, now: float, seconds: float) -> None:
        """Take one value."""
        self._taken.append((now, seconds))

    def percentile(self, now: float, fraction: float) -> float | None:
        """The least value that so much of the window is not above, by the nearest rank; None without values."""
        while self._taken and self._taken[0][0] < now - FRESH:
            self._taken.popleft()
        if not self._taken:
            return None
        ordered = sorted(seconds for _, seconds in self._taken)
        return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)]
