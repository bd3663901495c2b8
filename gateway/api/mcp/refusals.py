"""What clients are told of requests that came to nothing: servers' own errors, as far as these are for them."""

from __future__ import annotations

from gateway.api.mcp.wire import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Refusal,
    http_refusal,
)
from gateway.errors import ToolServerError, ToolServerRefusal
from gateway.tool_calls import ToolOutcome

_BETWEEN_US = frozenset({PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, HEADER_MISMATCH, UNSUPPORTED_VERSION})
"""Errors about our own message to the server: a client would take them for something that it said."""


def passed_on(error: ToolServerError | None) -> Refusal | None:
    """A server's own error, word for word; None for anything else that went wrong with it."""
    if not isinstance(error, ToolServerRefusal) or error.code in _BETWEEN_US:
        return None
    return Refusal(error.code, error.reason, error.data)


def refusal_of(outcome: ToolOutcome) -> Refusal:
    """What a client is told of a request that came to nothing."""
    if refusal := passed_on(outcome.error):
        return refusal
    statuses = {"denied": 403, "timeout": 504, "server_down": 503, "server_fault": 502}
    return http_refusal(statuses.get(outcome.outcome, 400), outcome.text)


def no_resource(uri: str) -> Refusal:
    """What is answered for a resource that the key may not see, as for one that is not there."""
    return Refusal(INVALID_PARAMS, "Resource not found", {"uri": uri})
