"""Log messages of servers, as far as they belong to a call: for its own client, at the level that it wants.

Above: `Asked` has a listener where its client wants any. Below: `wire`. Sessions have a level, which
`logging/setLevel` sets; in 2026-07-28 each request says it. Bounded, because a server may log without end: what
goes beyond is left out, and never the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.api.mcp.wire import INVALID_PARAMS, Refusal, encode_notification
from gateway.hub import LogListener, protocol

DEFAULT_LEVEL = "info"
"""Of a session whose client has said nothing of it."""

_RANKS = {level: rank for rank, level in enumerate(protocol.LOG_LEVELS)}
_LONGEST_LOGGER = 200  # characters
_LARGEST = 64 * 1024  # bytes of one message
_MOST_BYTES = 1024 * 1024  # of all messages of a call
_MOST = 1000  # messages of a call


def read_level(value: Any) -> str:
    """A level of RFC 5424, as MCP writes it. Raises Refusal."""
    if not isinstance(value, str) or value not in _RANKS:
        raise Refusal(INVALID_PARAMS, "Invalid params: level must be one of RFC 5424's, in lower case")
    return value


class CallLog:
    """Takes the log messages of one call. Where all servers stand side by side, `server` is named as logger."""

    def __init__(self, level: str, notify: Callable[[bytes], None], server: str | None) -> None:
        self._least = _RANKS[level]
        self._notify = notify
        self._server = server
        self._messages = 0
        self._bytes = 0

    def take(self, params: Mapping[str, Any]) -> None:
        """Tell of one, if it is important enough and there were not too many."""
        level: Any = params.get("level")
        if not isinstance(level, str) or _RANKS.get(level, -1) < self._least or self._messages >= _MOST:
            return
        told: dict[str, Any] = {"level": level, "data": params.get("data")}
        if logger := self._logger(params.get("logger")):
            told["logger"] = logger
        try:
            message = encode_notification(protocol.LOG_MESSAGE, told)
        except orjson.JSONEncodeError:  # nested deeper than can be written
            return
        if len(message) <= min(_LARGEST, _MOST_BYTES - self._bytes):
            self._messages += 1
            self._bytes += len(message)
            self._notify(message)

    def _logger(self, name: Any) -> str | None:
        own = name[:_LONGEST_LOGGER] if isinstance(name, str) and name else None
        return "/".join(part for part in (self._server, own) if part) or None


def log_listener(level: str | None, notify: Callable[[bytes], None], server: str | None) -> LogListener | None:
    """Who takes the log messages of a call; None for a client that wants none."""
    return None if level is None else CallLog(level, notify, server).take
