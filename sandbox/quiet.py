"""Waits for the end of a stream that something else may hold open after its writer has ended.

Above: `sandbox.process`, and the hub's stdio peer. Refuses to know: what the stream says.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio

_PERIOD = 0.02  # seconds
_PERIODS = 2  # one after the other: after the first, what a busy loop has not got to yet gets its turn


async def ended_or_quiet(ended: anyio.Event, heard: Callable[[], float], *, within: float) -> None:
    """Return once `ended` is set, `heard` stays the same for a moment, or `within` seconds are over."""
    with anyio.move_on_after(within):
        quiet = 0
        while quiet < _PERIODS and not ended.is_set():
            before = heard()
            with anyio.move_on_after(_PERIOD):
                await ended.wait()
            quiet = quiet + 1 if heard() == before else 0
