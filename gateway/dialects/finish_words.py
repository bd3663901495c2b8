"""Why an answer ended: each format has words of its own for it, which are read and written by the same rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import FinishReason, ModelResponse, Refusal

Words = Mapping[str, FinishReason]


def reason_of(words: Words, value: Any, *, has_calls: bool) -> FinishReason:
    """The reason for which a word stands; an answer with calls that ended well ended for them."""
    reason = words.get(value, FinishReason.UNKNOWN) if isinstance(value, str) else FinishReason.UNKNOWN
    return FinishReason.TOOL_CALLS if has_calls and reason is FinishReason.STOP else reason


def reason_or_end(words: Words, value: Any, *, has_calls: bool) -> FinishReason:
    """The same; an answer that says nothing of its end has ended well."""
    if not value:
        return FinishReason.TOOL_CALLS if has_calls else FinishReason.STOP
    return reason_of(words, value, has_calls=has_calls)


def word_for(words: Words, written: Mapping[FinishReason, str], reason: FinishReason, raw: Any) -> str:
    """The word for a reason; `raw` is the provider's own word, which stands where it says the same."""
    if isinstance(raw, str) and raw and (reason is FinishReason.UNKNOWN or words.get(raw) is reason):
        return raw
    return written[reason]


def told_reason(response: ModelResponse) -> FinishReason:
    """Why an answer ended, where a refusal in words has no place of its own: it is a reason, then."""
    refused = any(isinstance(part, Refusal) for part in response.message.parts)
    is_plain = response.finish_reason is FinishReason.STOP
    return FinishReason.CONTENT_FILTER if refused and is_plain else response.finish_reason
