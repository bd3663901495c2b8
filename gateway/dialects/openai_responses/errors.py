"""Faults in OpenAI's form, as an HTTP error and within an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dialects.faults import ToldFault, UpstreamStreamError
from gateway.dialects.json_values import object_or_none, text_or_empty

_STATUSES: Mapping[str, int] = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "server_error": 500,
    "vector_store_timeout": 504,
    "server_is_overloaded": 503,
}
_OF_RESPONSES = frozenset(
    {
        *("server_error", "rate_limit_exceeded", "invalid_prompt"),
        *("insufficient_quota", "context_length_exceeded", "server_is_overloaded", "slow_down"),
    }
)
"""What a response may have failed for, of the causes that a gateway can know. By those of the second line, which
the SDK's types do not have, some clients decide whether to ask again.
"""


def failure(fault: ToldFault) -> dict[str, Any]:
    """The `error` of a response that failed."""
    code = fault.code
    if code not in _OF_RESPONSES:
        code = "rate_limit_exceeded" if fault.status == 429 else "server_error"
    return {"code": code, "message": fault.message}


def told_error(raw: Mapping[str, Any]) -> UpstreamStreamError:
    """The error in an `error` event, in a response that failed, or in what came instead of one.

    Its body is that of an HTTP error, whatever the form in which it was told.
    """
    error = dict(object_or_none(raw.get("error")) or raw)
    code = text_or_empty(error.get("code"))
    kind = text_or_empty(error.get("type"))
    told = {
        "message": text_or_empty(error.get("message")) or "the provider gave no reason",
        "type": kind if kind not in ("", "error") else code or "server_error",
        "param": error.get("param"),
        "code": code or None,
    }
    status = _STATUSES.get(code) or _STATUSES.get(kind) or (400 if "invalid" in code + kind else None)
    return UpstreamStreamError(orjson.dumps({"error": told}), status)
