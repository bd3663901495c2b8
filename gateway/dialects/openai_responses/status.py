"""How an answer ended: its status, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import FinishReason
from gateway.dialects.json_values import object_or_none, text_or_empty

_LACKS: Mapping[str, FinishReason] = {
    "max_output_tokens": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_WRITTEN: Mapping[FinishReason, str] = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.PAUSED: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
}


def read_finish(raw: Mapping[str, Any], *, has_calls: bool) -> FinishReason:
    """The reason, from a response that has ended."""
    details = object_or_none(raw.get("incomplete_details"))
    if details is not None and details.get("reason"):
        return _LACKS.get(text_or_empty(details["reason"]), FinishReason.UNKNOWN)
    if raw.get("status") not in (None, "completed"):
        return FinishReason.UNKNOWN
    return FinishReason.TOOL_CALLS if has_calls else FinishReason.STOP


def write_finish(reason: FinishReason, raw: Mapping[str, Any]) -> dict[str, Any]:
    """`status` and `incomplete_details`; those in `raw`, the response as it came, where they say the same."""
    if raw.get("status") and _says(raw, reason):
        return {"status": raw["status"], "incomplete_details": raw.get("incomplete_details")}
    if (lacks := _WRITTEN.get(reason)) is not None:
        return {"status": "incomplete", "incomplete_details": {"reason": lacks}}
    return {"status": "completed", "incomplete_details": None}


def _says(raw: Mapping[str, Any], reason: FinishReason) -> bool:
    return read_finish(raw, has_calls=reason is FinishReason.TOOL_CALLS) is reason
