"""Tells of drift once, not at every listing that shows it again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from gateway.hub.drift import Drift
from gateway.telemetry.visible import one_line

_log = logging.getLogger(__name__)

_MOST_LOGGED = 20  # of one listing; all of them are in the server's status
_LONGEST_NAME = 128  # characters

Report = Callable[[str, Drift], Awaitable[None]]
"""Takes a server's name, and what of it has come to differ: for metrics and the audit trail."""


async def _unheard(server: str, drift: Drift) -> None:
    """For who wants the log alone."""


class Reporter:
    """Remembers what it has told of each server."""

    def __init__(self, report: Report = _unheard) -> None:
        self._report = report
        self._told: dict[str, frozenset[Drift]] = {}

    async def tell(self, server: str, found: tuple[Drift, ...]) -> None:
        """Tell what is new of a server, and that it is as it should be once it is again."""
        before, now = self._told.get(server, frozenset()), frozenset(found)
        self._told[server] = now
        new = [drift for drift in found if drift not in before]
        for drift in new[:_MOST_LOGGED]:
            _log.warning("%s", describe(server, drift))
        if len(new) > _MOST_LOGGED:
            _log.warning("%s: %d more tools are not as they were", server, len(new) - _MOST_LOGGED)
        if before and not now:
            _log.info("%s: all of its tools are as they were again", server)
        for drift in new:
            await self._report(server, drift)


def describe(server: str, drift: Drift) -> str:
    """One difference in one line."""
    action = {
        "hidden": "hidden",
        "served_locked": "served as it was",
        "accepted": "taken over",
        "missing": "gone",
    }[drift.action]
    what = "all of its tools are" if drift.tool == "*" else f"the tool {one_line(drift.tool, _LONGEST_NAME)} is"
    return f"{server}: {what} {action}: {drift.reason}"
