"""Token counts. Google gives thoughts, and what its own tools added to the prompt, beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.gemini.fields import field

_MOST_TOKENS = 10**12
"""More is nonsense, whose sums would not fit where numbers are kept."""


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a `usageMetadata`; what is missing, or no number, counts as 0."""
    thoughts = _count(raw, "thoughtsTokenCount")
    return Usage(
        input_tokens=_count(raw, "promptTokenCount") + _count(raw, "toolUsePromptTokenCount"),
        output_tokens=_count(raw, "candidatesTokenCount") + thoughts,
        cached_input_tokens=_count(raw, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """A `usageMetadata` as Google gives it."""
    told = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(0, usage.output_tokens - usage.reasoning_tokens),
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.reasoning_tokens:
        told["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cached_input_tokens:
        told["cachedContentTokenCount"] = usage.cached_input_tokens
    return told


def _count(raw: Mapping[str, Any], name: str) -> int:
    value: Any = field(raw, name)
    return min(max(0, int(value)), _MOST_TOKENS) if isinstance(value, int | float) else 0
