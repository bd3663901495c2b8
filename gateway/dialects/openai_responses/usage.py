"""Token counts as Responses gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.json_values import object_or_none

_MOST_TOKENS = 10**12
"""More is nonsense, whose sums would not fit where numbers are kept."""


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    of_input = object_or_none(raw.get("input_tokens_details")) or {}
    of_output = object_or_none(raw.get("output_tokens_details")) or {}
    return Usage(
        input_tokens=_count(raw, "input_tokens"),
        output_tokens=_count(raw, "output_tokens"),
        cached_input_tokens=_count(of_input, "cached_tokens"),
        cache_write_tokens=_count(of_input, "cache_write_tokens"),
        reasoning_tokens=_count(of_output, "reasoning_tokens"),
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """A usage object."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _count(raw: Mapping[str, Any], name: str) -> int:
    value: Any = raw.get(name)
    return min(max(0, int(value)), _MOST_TOKENS) if isinstance(value, int | float) else 0
