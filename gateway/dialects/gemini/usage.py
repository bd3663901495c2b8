"""Token counts. Google gives thoughts, and what its own tools added to the prompt, beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.gemini.fields import field
from gateway.dialects.token_counts import token_count


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a `usageMetadata`; what is missing, or no number, counts as 0."""
    thoughts = token_count(field(raw, "thoughtsTokenCount"))
    return Usage(
        input_tokens=token_count(field(raw, "promptTokenCount"))
        + token_count(field(raw, "toolUsePromptTokenCount")),
        output_tokens=token_count(field(raw, "candidatesTokenCount")) + thoughts,
        cached_input_tokens=token_count(field(raw, "cachedContentTokenCount")),
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
