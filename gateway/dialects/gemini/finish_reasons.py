"""Why an answer ended, in Google's words."""

from __future__ import annotations

from typing import Any

from gateway.conversation import FinishReason
from gateway.dialects.finish_words import reason_or_end, word_for

_READ = {
    "STOP": FinishReason.STOP,
    "FINISH_REASON_UNSPECIFIED": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.PAUSED,
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
        ),
        FinishReason.CONTENT_FILTER,
    ),
}
_WRITTEN = {
    FinishReason.STOP: "STOP",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.PAUSED: "MAX_TOKENS",
    FinishReason.UNKNOWN: "OTHER",
}
_MISSING_PROOF = "MISSING_THOUGHT_SIGNATURE"


def read_finish(value: Any, *, has_calls: bool) -> FinishReason:
    """The reason; Google has no word for an answer that ended for its calls."""
    return reason_or_end(_READ, value, has_calls=has_calls)


def write_finish(reason: FinishReason, raw: Any = None) -> str:
    """The word for it; `raw` is the provider's own word, which stands where it says the same."""
    if reason is FinishReason.TOOL_CALLS and isinstance(raw, str) and _READ.get(raw) is FinishReason.STOP:
        return raw
    return word_for(_READ, _WRITTEN, reason, raw)


def failure_status(value: Any) -> int | None:
    """The HTTP status that stands for an answer which says nothing and ended so; None for a proper end.

    These are failures of the model's (a call that it could not write, say) that come as answers. What failed for
    want of a proof will fail again.
    """
    if not value or (isinstance(value, str) and value in _READ):
        return None
    return 400 if value == _MISSING_PROOF else 502
