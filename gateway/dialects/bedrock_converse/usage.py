"""Token counts, which Amazon gives without those that a cache took part in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.token_counts import token_count


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    cached, written = token_count(raw.get("cacheReadInputTokens")), token_count(raw.get("cacheWriteInputTokens"))
    return Usage(
        input_tokens=token_count(raw.get("inputTokens")) + cached + written,
        output_tokens=token_count(raw.get("outputTokens")),
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
