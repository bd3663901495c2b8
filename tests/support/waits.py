"""How long something waits for the clock alone, whatever else the machine is busy with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Waits:
    """Timers of the event loop that have run out: each with when it was set and for when, on the loop's clock."""

    over: list[tuple[float, float]] = field(default_factory=list)

    def seconds(self, since: float) -> float:
        """How long the timers took that ran out after this moment; those that ran beside each other count once."""
        total, reached = 0.0, float("-inf")
        for begun, due in sorted(timer for timer in self.over if timer[1] >= since):
            total += max(0.0, due - max(begun, reached))
            reached = max(reached, due)
        return total


class _Noted:
    """A timer's callback that notes when it runs."""

    def __init__(self, waits: Waits, begun: float, due: float, callback: Callable[..., object]) -> None:
        self._waits = waits
        self._timer = begun, due
        self._callback = callback

    def __call__(self, *args: Any) -> None:
        self._waits.over.append(self._timer)
        self._callback(*args)


@contextmanager
def waits_noted() -> Generator[Waits]:
    """Note the timers of the running loop from here on."""
    loop: Any = asyncio.get_running_loop()
    waits = Waits()

    def noting(set_timer: Callable[..., asyncio.TimerHandle], origin: Callable[[], float]) -> Callable[..., Any]:
        def noted(when: float, callback: Callable[..., object], *args: Any, **more: Any) -> asyncio.TimerHandle:
            if not isinstance(callback, _Noted):  # loops make one kind of timer by the other
                callback = _Noted(waits, loop.time(), origin() + when, callback)
            return set_timer(when, callback, *args, **more)

        return noted

    loop.call_at, loop.call_later = noting(loop.call_at, lambda: 0.0), noting(loop.call_later, loop.time)
    try:
        yield waits
    finally:
        del loop.call_at, loop.call_later
