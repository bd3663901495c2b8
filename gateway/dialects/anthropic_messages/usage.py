"""Token counts, which Anthropic gives without those that a cache took part in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.json_values import object_or_none
from gateway.dialects.token_counts import token_count


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    cached = token_count(raw.get("cache_read_input_tokens"))
    written = token_count(raw.get("cache_creation_input_tokens"))
    details = object_or_none(raw.get("output_tokens_details")) or {}
    return Usage(
        input_tokens=token_count(raw.get("input_tokens")) + cached + written,
        output_tokens=token_count(raw.get("output_tokens")),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=token_count(details.get("thinking_tokens")),
    )


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """A usage object as Anthropic gives it; all 0 where nothing is known."""
    usage = usage or Usage()
    outside = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    return {
        "input_tokens": max(0, outside),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "output_tokens": usage.output_tokens,
    }
