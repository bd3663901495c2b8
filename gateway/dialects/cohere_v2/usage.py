"""Token counts: those that are charged, where they are told, else all that the model saw.

The two differ by what Cohere puts around a prompt, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.json_values import object_or_none
from gateway.dialects.token_counts import token_count


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    counts = _counts(raw, "billed_units") or _counts(raw, "tokens") or {}
    given = token_count(counts.get("input_tokens"))
    return Usage(
        given, token_count(counts.get("output_tokens")), min(given, token_count(raw.get("cached_tokens")))
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    """A usage object as Cohere gives it; what another provider charges for is not known."""
    counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    cached = {"cached_tokens": usage.cached_input_tokens} if usage.cached_input_tokens else {}
    return {"tokens": counts, **cached}


def _counts(raw: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """One of the two pairs of counts, where it holds any."""
    found = object_or_none(raw.get(name)) or {}
    return found if "input_tokens" in found or "output_tokens" in found else None
