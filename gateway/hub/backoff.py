"""How long to wait before the next attempt."""

from __future__ import annotations

import random

_JITTER = 0.3  # so that servers that died together do not come back together


class Backoff:
    """Waits that double from `first` to `longest` seconds, each with jitter."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def reset(self) -> None:
        """After lasting success the next wait is none at all."""
        self._next = 0.0

    def next(self) -> float:
        """Seconds to wait now."""
        wait = self._next
        self._next = min(max(wait * 2, self._first), self._longest)
        return wait * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - jitter, not a secret
