"""JSON-RPC errors of servers, as far as they are for the client to see."""

from __future__ import annotations

from gateway.api.mcp.wire import (
    HEADER_MISMATCH,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Refusal,
)
from gateway.errors import ToolServerError, ToolServerRefusal

_BETWEEN_US = frozenset({PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, HEADER_MISMATCH, UNSUPPORTED_VERSION})
"""Errors about our own message to the server: a client would take them for something that it said."""


def passed_on(error: ToolServerError | None) -> Refusal | None:
    """A server's own error, word for word; None for anything else that went wrong with it."""
    if not isinstance(error, ToolServerRefusal) or error.code in _BETWEEN_US:
        return None
    return Refusal(error.code, error.reason, error.data)
