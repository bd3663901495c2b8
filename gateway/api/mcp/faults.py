"""What MCP's clients are told of an exception: the one table of `gateway.api.errors`, as JSON-RPC errors."""

from __future__ import annotations

import logging

from gateway.api.errors import SERVER_ERROR, describe_error
from gateway.api.mcp.wire import INTERNAL_ERROR, Refusal, http_refusal
from gateway.api.requests import Request
from gateway.errors import ToolgateError

_log = logging.getLogger(__name__)


def explain(error: Exception, request: Request) -> Refusal:
    """The refusal that tells of an exception; in constant words, and with a traceback in the log, of a defect."""
    if isinstance(error, Refusal):
        return error
    told = describe_error(error, request_id=request.request_id)
    if told.kind == SERVER_ERROR:
        foreseen = isinstance(error, ToolgateError)
        cause = error if foreseen else type(error).__name__
        _log.error("request %s failed: %s", request.request_id, cause, exc_info=None if foreseen else error)
    if told.status == 500:
        return Refusal(INTERNAL_ERROR, told.message, status=500)
    headers = {} if told.retry_after is None else {"retry-after": str(told.retry_after)}
    return http_refusal(told.status, told.message, headers)
