"""Why an answer ended, in Amazon's words."""

from __future__ import annotations

from typing import Any

from gateway.conversation import FinishReason
from gateway.dialects.finish_words import reason_of, word_for

_READ = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "guardrail_intervened": FinishReason.CONTENT_FILTER,
    "content_filtered": FinishReason.CONTENT_FILTER,
}
"""A model whose output or call was malformed stopped for a reason that no other dialect has a word for."""

_WRITTEN = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "content_filtered",
    FinishReason.PAUSED: "end_turn",
    FinishReason.UNKNOWN: "end_turn",
}


def read_stop_reason(value: Any, *, has_calls: bool) -> FinishReason:
    """The reason; an answer with calls that ended well ended for them."""
    return reason_of(_READ, value, has_calls=has_calls)


def write_stop_reason(reason: FinishReason, raw: Any = None) -> str:
    """The word for it; `raw` is the provider's own word, which stands where it says the same."""
    return word_for(_READ, _WRITTEN, reason, raw)
