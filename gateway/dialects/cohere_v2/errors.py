"""Faults in Cohere's form."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.dialects.faults import ToldFault, UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import load_object, text_or_empty

_FAILED = {"ERROR": 502, "ERROR_TOXIC": 422, "TIMEOUT": 504}
"""Words that stand where an answer says why it ended, and mean that it is none; and the HTTP status for each."""


def write_error(fault: ToldFault, request_id: str) -> dict[str, Any]:
    """Cohere's error: an id and a text."""
    return {"id": request_id, "message": fault.message}


def read_error(body: bytes) -> str | None:
    """The message in an error's body."""
    try:
        return text_or_empty(load_object(body).get("message")) or None
    except WireFormatError:
        return None


def raise_failure(reason: Any, message: Any) -> None:
    """Raise UpstreamStreamError for an answer that ended in a failure, in the form of an HTTP error's body."""
    status = _FAILED.get(reason) if isinstance(reason, str) else None
    if status is not None:
        told = text_or_empty(message) or f"the model's answer ended with {reason}"
        raise UpstreamStreamError(orjson.dumps({"message": told}), status)
