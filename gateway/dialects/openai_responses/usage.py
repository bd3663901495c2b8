"""Token counts as Responses gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.json_values import object_or_none
from gateway.dialects.token_counts import token_count


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    of_input = object_or_none(raw.get("input_tokens_details")) or {}
    of_output = object_or_none(raw.get("output_tokens_details")) or {}
    return Usage(
        input_tokens=token_count(raw.get("input_tokens")),
        output_tokens=token_count(raw.get("output_tokens")),
        cached_input_tokens=token_count(of_input.get("cached_tokens")),
        cache_write_tokens=token_count(of_input.get("cache_write_tokens")),
        reasoning_tokens=token_count(of_output.get("reasoning_tokens")),
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
