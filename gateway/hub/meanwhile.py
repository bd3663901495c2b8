"""Who hears what a server says of one request before it has answered it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.hub.results import ProgressListener

NotificationTaker = Callable[[str, Mapping[str, Any]], bool]
"""Told of the method and params of a notification that belongs to the request; whether it was for the taker.

Must be quick and must not raise. What it does not take is the connection's to hear.
"""

LogListener = Callable[[Mapping[str, Any]], None]
"""Told of the params of a log message of the request. Must be quick and must not raise."""


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """See the module; None hears nothing."""

    on_progress: ProgressListener | None = None
    on_notification: NotificationTaker | None = None
    on_log: LogListener | None = None


SILENCE = Meanwhile()
"""Nobody hears anything."""
