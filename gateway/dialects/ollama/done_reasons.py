"""Why an answer ended, in Ollama's words. Of calls it says nothing: they are there or not."""

from __future__ import annotations

from typing import Any

from gateway.conversation import FinishReason

_READ = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


def read_done_reason(value: Any, *, has_calls: bool) -> FinishReason:
    """The reason; an answer with calls that ended well ended for them."""
    reason = _READ.get(value, FinishReason.UNKNOWN) if isinstance(value, str) and value else FinishReason.STOP
    return FinishReason.TOOL_CALLS if has_calls and reason is FinishReason.STOP else reason


def write_done_reason(reason: FinishReason, raw: Any = None) -> str:
    """The word for it; `raw` is the provider's own word, which stands where nothing else is known."""
    if reason is FinishReason.UNKNOWN:
        return raw if isinstance(raw, str) and raw else "stop"
    if reason in (FinishReason.LENGTH, FinishReason.PAUSED):
        return "length"
    return "content_filter" if reason is FinishReason.CONTENT_FILTER else "stop"
