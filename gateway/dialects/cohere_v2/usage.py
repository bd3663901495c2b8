"""Token counts: those that are charged, where they are told, else all that the model saw.

The two differ by what Cohere puts around a prompt, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.json_values import object_or_none

_MOST_TOKENS = 10**12
"""More is nonsense, whose sums would not fit where numbers are kept."""


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The counts in a usage object; what is missing, or no number, counts as 0."""
    counts = _counts(raw, "billed_units") or _counts(raw, "tokens") or {}
    given = _count(counts, "input_tokens")
    return Usage(given, _count(counts, "output_tokens"), min(given, _count(raw, "cached_tokens")))


def write_usage(usage: Usage) -> dict[str, Any]:
    """A usage object as Cohere gives it; what another provider charges for is not known."""
    counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    cached = {"cached_tokens": usage.cached_input_tokens} if usage.cached_input_tokens else {}
    return {"tokens": counts, **cached}


def _counts(raw: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """One of the two pairs of counts, where it holds any."""
    found = object_or_none(raw.get(name)) or {}
    return found if "input_tokens" in found or "output_tokens" in found else None


def _count(raw: Mapping[str, Any], name: str) -> int:
    value: Any = raw.get(name)
    return min(max(0, int(value)), _MOST_TOKENS) if isinstance(value, int | float) else 0
