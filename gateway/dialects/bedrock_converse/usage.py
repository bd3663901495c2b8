"""Token counts, which Amazon gives without those that a cache took part in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage

_MOST_TOKENS = 10**12
"""More is nonsense, whose sums would not fit where numbers are kept."""


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    cached, written = _count(raw, "cacheReadInputTokens"), _count(raw, "cacheWriteInputTokens")
    return Usage(
        input_tokens=_count(raw, "inputTokens") + cached + written,
        output_tokens=_count(raw, "outputTokens"),
        cached_input_tokens=cached,
        cache_write_tokens=written,
    )


def write_usage(usage: Usage | None) -> dict[str, int]:
    """A usage object as Amazon gives it; all 0 where nothing is known."""
    usage = usage or Usage()
    told = {
        "inputTokens": max(0, usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens),
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
    }
    if usage.cached_input_tokens or usage.cache_write_tokens:
        told["cacheReadInputTokens"] = usage.cached_input_tokens
        told["cacheWriteInputTokens"] = usage.cache_write_tokens
    return told


def _count(raw: Mapping[str, Any], name: str) -> int:
    value: Any = raw.get(name)
    return min(max(0, int(value)), _MOST_TOKENS) if isinstance(value, int | float) else 0
