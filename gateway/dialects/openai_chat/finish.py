"""Why an answer ended, in the words of OpenAI and of its imitators."""

from __future__ import annotations

from typing import Any

from gateway.conversation import FinishReason
from gateway.dialects.finish_words import reason_or_end

_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "function_call": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
}


def read_finish(value: Any, *, has_calls: bool) -> FinishReason:
    """The reason; an answer with calls that ended well ended for them, whatever word stands there, or none."""
    return reason_or_end(_REASONS, value, has_calls=has_calls)


def write_finish(reason: FinishReason, raw: Any = None) -> str:
    """The word for it; `raw` is the provider's own word where the dialect is the same."""
    if reason is FinishReason.UNKNOWN:
        return raw if isinstance(raw, str) and raw else "stop"
    if raw == "function_call" and reason is FinishReason.TOOL_CALLS:
        return "function_call"
    return "length" if reason is FinishReason.PAUSED else reason.value
