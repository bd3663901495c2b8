"""Faults in Google's form (google.rpc.Status, in AIP-193)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dialects.faults import ToldFault, UpstreamStreamError
from gateway.dialects.gemini.fields import as_list
from gateway.dialects.json_values import object_or_none, text_or_empty

_TYPES = "type.googleapis.com/google.rpc."
_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def write_error(fault: ToldFault) -> dict[str, Any]:
    """Google's error object, whose first field must be `error`: by that its SDK knows one in a stream."""
    status = _STATUSES.get(fault.status) or ("INVALID_ARGUMENT" if fault.status < 500 else "INTERNAL")
    reason = {"@type": f"{_TYPES}ErrorInfo", "reason": fault.code.upper(), "domain": "toolgate"}
    details: list[dict[str, Any]] = [reason]
    if fault.param:
        violation = {"field": fault.param, "description": fault.message}
        details.append({"@type": f"{_TYPES}BadRequest", "fieldViolations": [violation]})
    if fault.retry_after is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{fault.retry_after}s"})
    return {"error": {"code": fault.status, "message": fault.message, "status": status, "details": details}}


def read_error(body: bytes) -> str | None:
    """The message in an error's body, which may stand in a list."""
    error = _error_in(body)
    return text_or_empty((error or {}).get("message")) or None


def _error_in(body: bytes) -> dict[str, Any] | None:
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    found = object_or_none(next(iter(as_list(value)), None)) or {}
    return object_or_none(found.get("error"))


def raise_error_in(raw: Mapping[str, Any], data: bytes) -> None:
    """Raise UpstreamStreamError for an error object."""
    error = raw.get("error")
    if error:
        code = (object_or_none(error) or {}).get("code")
        is_status = isinstance(code, int) and 400 <= code < 600
        raise UpstreamStreamError(data, code if is_status else None)


def failed_answer(reason: str, message: str, status: int) -> UpstreamStreamError:
    """An answer that says nothing but why it failed, as the error that it is."""
    told = f"the model's answer ended with {reason[:64]}" + (f": {message[:500]}" if message else "")
    error = {"code": status, "message": told, "status": _STATUSES[status]}
    return UpstreamStreamError(orjson.dumps({"error": error}), status)
