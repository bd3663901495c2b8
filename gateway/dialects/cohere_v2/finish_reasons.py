"""Why an answer ended, in Cohere's words; those for failures are in `errors`."""

from __future__ import annotations

from typing import Any

from gateway.conversation import FinishReason

_READ = {
    "COMPLETE": FinishReason.STOP,
    "STOP_SEQUENCE": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "TOOL_CALL": FinishReason.TOOL_CALLS,
}
_WRITTEN = {
    FinishReason.STOP: "COMPLETE",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.TOOL_CALLS: "TOOL_CALL",
    FinishReason.CONTENT_FILTER: "ERROR_TOXIC",
    FinishReason.PAUSED: "MAX_TOKENS",
    FinishReason.UNKNOWN: "COMPLETE",
}


def read_finish(value: Any, *, has_calls: bool) -> FinishReason:
    """The reason; an answer with calls that ended well ended for them."""
    if not value:
        return FinishReason.TOOL_CALLS if has_calls else FinishReason.STOP
    reason = _READ.get(value, FinishReason.UNKNOWN) if isinstance(value, str) else FinishReason.UNKNOWN
    return FinishReason.TOOL_CALLS if has_calls and reason is FinishReason.STOP else reason


def write_finish(reason: FinishReason, raw: Any = None) -> str:
    """The word for it; `raw` is the provider's own word, which stands where it says the same."""
    if isinstance(raw, str) and raw and (reason is FinishReason.UNKNOWN or _READ.get(raw) is reason):
        return raw
    return _WRITTEN[reason]
