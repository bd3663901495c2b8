"""Tells of drift once, not at every listing that shows it again."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from gateway.hub.drift import PROMPT, Drift
from gateway.telemetry.visible import one_line

_log = logging.getLogger(__name__)

_MOST_LOGGED = 20  # of one listing; all of them are in the server's status
_A_WHILE = 600.0  # seconds
_LONGEST_NAME = 128  # characters

Report = Callable[[str, Drift], Awaitable[None]]
"""Takes a server's name, and what of it has come to differ: for metrics and the audit trail."""


async def _unheard(server: str, drift: Drift) -> None:
    """For who wants the log alone."""


class Reporter:
    """Remembers what it has told of each server, of which none can make it talk without end."""

    def __init__(self, report: Report = _unheard, *, most_in_a_while: int = 200) -> None:
        self._report = report
        self._most_in_a_while = most_in_a_while
        self._present: dict[str, frozenset[Drift]] = {}
        self._told_at: dict[str, deque[float]] = {}

    async def tell(self, server: str, found: tuple[Drift, ...]) -> None:
        """Tell what is new of a server, and that it is as it should be once it is again."""
        before = self._present.get(server, frozenset())
        self._present[server] = frozenset(found)
        new = [drift for drift in found if drift not in before]
        told = new[: self._still_allowed(server, len(new))]
        for drift in told[:_MOST_LOGGED]:
            _log.warning("%s", describe_drift(server, drift))
        if len(told) > _MOST_LOGGED:
            _log.warning("%s: %d more are not as they were", server, len(new) - _MOST_LOGGED)
        if before and not found:
            _log.info("%s: all of it is as it was again", server)
        for drift in told:
            await self._report(server, drift)

    def _still_allowed(self, server: str, wanted: int) -> int:
        """How many of so many new differences may be told now."""
        now = anyio.current_time()
        times = self._told_at.setdefault(server, deque(maxlen=self._most_in_a_while))
        while times and times[0] < now - _A_WHILE:
            times.popleft()
        allowed = min(wanted, self._most_in_a_while - len(times))
        times.extend([now] * allowed)
        return allowed


def describe_drift(server: str, drift: Drift) -> str:
    """One difference in one line."""
    action = {
        "hidden": "hidden",
        "served_locked": "served as it was",
        "accepted": "taken over",
        "missing": "gone",
    }[drift.action]
    if drift.tool == "*" and drift.kind == "description":
        return f"{server}: {drift.reason}"
    return f"{server}: {_what(drift.tool)} {action}: {drift.reason}"


def _what(tool: str) -> str:
    if tool == "*":
        return "all of its tools are"
    kind = "prompt" if tool.startswith(PROMPT) else "tool"
    return f"the {kind} {one_line(tool.removeprefix(PROMPT), _LONGEST_NAME)} is"
