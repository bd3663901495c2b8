"""Token counts as OpenAI Chat and its many imitators give them.

They stand at the top of an answer or a chunk, or (Groq) in `x_groq`, or (Moonshot) in the choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gateway.conversation import Usage
from gateway.dialects.token_counts import token_count

_NO_DETAILS: Mapping[str, Any] = {}


def find_usage(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The usage object of a whole answer or of a chunk."""
    usage: Any = answer.get("usage")
    if isinstance(usage, dict):
        return cast("dict[str, Any]", usage)
    vendors: Any = answer.get("x_groq")
    if isinstance(vendors, dict) and isinstance(cast("dict[str, Any]", vendors).get("usage"), dict):
        return cast("dict[str, Any]", vendors["usage"])
    choices: Any = answer.get("choices")
    first: Any = cast("list[Any]", choices)[0] if isinstance(choices, list) and choices else None
    if isinstance(first, dict) and isinstance(cast("dict[str, Any]", first).get("usage"), dict):
        return cast("dict[str, Any]", first["usage"])
    return None


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    prompt, completion = token_count(raw.get("prompt_tokens")), token_count(raw.get("completion_tokens"))
    reasoning = token_count(_details(raw, "completion_tokens_details").get("reasoning_tokens"))
    if reasoning and token_count(raw.get("total_tokens")) == prompt + completion + reasoning:
        completion += reasoning  # xAI counts them beside the completion; the sum tells
    of_prompt = _details(raw, "prompt_tokens_details")
    cached = (
        token_count(of_prompt.get("cached_tokens"))
        or token_count(raw.get("prompt_cache_hit_tokens"))  # DeepSeek
        or token_count(raw.get("cached_tokens"))  # Moonshot
    )
    return Usage(prompt, completion, cached, token_count(of_prompt.get("cache_write_tokens")), reasoning)


def write_usage(usage: Usage) -> dict[str, Any]:
    """A usage object as OpenAI gives it."""
    of_prompt = {"cached_tokens": usage.cached_input_tokens}
    if usage.cache_write_tokens:
        of_prompt["cache_write_tokens"] = usage.cache_write_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": of_prompt,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _details(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    details: Any = raw.get(name)
    return cast("dict[str, Any]", details) if isinstance(details, dict) else _NO_DETAILS
