"""Why an answer ended, in Cohere's words; those for failures are in `errors`."""

from __future__ import annotations

from typing import Any

from gateway.conversation import FinishReason
from gateway.dialects.finish_words import reason_or_end, word_for

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
    return reason_or_end(_READ, value, has_calls=has_calls)


def write_finish(reason: FinishReason, raw: Any = None) -> str:
    """The word for it; `raw` is the provider's own word, which stands where it says the same."""
    return word_for(_READ, _WRITTEN, reason, raw)
