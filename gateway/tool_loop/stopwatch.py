"""How long a run has worked: the pauses between two attempts at it do not count."""

from __future__ import annotations

from time import monotonic


class Stopwatch:
    """Runs from `start` to `stop`, as often as it is wanted."""

    __slots__ = ("_began", "_worked")

    def __init__(self) -> None:
        self._began = 0.0
        self._worked = 0.0

    def start(self) -> None:
        """Go on from where it was stopped."""
        self._began = monotonic() - self._worked

    def stop(self) -> None:
        """Stand still until it is started again."""
        self._worked = self.elapsed()

    def elapsed(self) -> float:
        """Seconds, while it runs."""
        return monotonic() - self._began
