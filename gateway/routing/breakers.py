"""A circuit breaker: after too many failures in a row, a deployment is left alone for a while.

    closed ──too many failures──> open ──time passes──> half-open ──one probe succeeds──> closed
                                   ^                         └──────it fails──> open

Pure: time comes from the caller, in seconds on any clock that only goes forward. Used by one thread.
"""

from __future__ import annotations

from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]

_LONGEST = 8
"""How many times as long as at first it stays open when one probe after the other fails."""


class Breaker:
    """One deployment's. `most` failures in a row open it for `seconds`; with `most` 0 it never opens."""

    __slots__ = ("_failures", "_is_probing", "_open_until", "_opened", "most", "seconds")

    def __init__(self, most: int = 5, seconds: float = 10.0) -> None:
        self.most = most
        self.seconds = seconds
        self._failures = 0
        self._opened = 0
        """How often in a row; 0 when it is closed."""
        self._open_until = 0.0
        self._is_probing = False

    @property
    def is_closed(self) -> bool:
        """Whether all calls may be made."""
        return not self._opened

    def state(self, now: float) -> BreakerState:
        """What it is at this moment."""
        if not self._opened:
            return "closed"
        return "half_open" if now >= self._open_until else "open"

    def admits(self, now: float) -> bool:
        """Whether a call may be made; in the half-open state one at a time may, whose end must be told here."""
        if not self._opened:
            return True
        if now < self._open_until or self._is_probing:
            return False
        self._is_probing = True
        return True

    def opens_in(self, now: float) -> float:
        """Seconds until a call has a chance again."""
        return max(0.0, self._open_until - now)

    def succeeded(self) -> None:
        """A call came to a good end."""
        self._failures = self._opened = 0
        self._is_probing = False

    def failed(self, now: float) -> None:
        """A call failed in a way that speaks against the deployment."""
        if not self.most:
            return
        if self._opened:
            if self._is_probing:
                self._open(now)
            return
        self._failures += 1
        if self._failures >= self.most:
            self._open(now)

    def abandoned(self) -> None:
        """A call ended without a word on how the deployment is: its client left, say."""
        self._is_probing = False

    def _open(self, now: float) -> None:
        self._open_until = now + self.seconds * min(2**self._opened, _LONGEST)
        self._opened += 1
        self._failures = 0
        self._is_probing = False
