"""Faults in Anthropic's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.faults import ToldFault, WireFormatError
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty

_KINDS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUSES: Mapping[str, int] = {kind: status for status, kind in _KINDS.items()} | {"api_error": 500}


def write_error(fault: ToldFault, request_id: str | None = None) -> dict[str, Any]:
    """Anthropic's error object. The kind follows from the status, as it does there; a field stands in the text."""
    kind = kind_of(fault.status)
    if fault.code == "overloaded":
        kind = "overloaded_error"
    told: dict[str, Any] = {"type": "error", "error": {"type": kind, "message": fault.message}}
    return told if request_id is None else {**told, "request_id": request_id}


def kind_of(status: int) -> str:
    """What an error of this HTTP status is called."""
    return _KINDS.get(status) or ("invalid_request_error" if status < 500 else "api_error")


def read_error(body: bytes) -> str | None:
    """The message in an error's body."""
    try:
        error = object_or_none(load_object(body).get("error"))
    except WireFormatError:
        return None
    return text_or_empty((error or {}).get("message")) or None


def status_of(raw: Mapping[str, Any]) -> int | None:
    """The HTTP status that an error object within an answer stands for."""
    error = object_or_none(raw.get("error")) or {}
    return _STATUSES.get(text_or_empty(error.get("type")))
