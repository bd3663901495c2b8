"""Numbers of tokens, as providers give them."""

from __future__ import annotations

from typing import Any

_MOST_TOKENS = 10**12
"""More is nonsense, whose sums would not fit where numbers are kept."""


def token_count(value: Any) -> int:
    """A count; what is missing, or no number, counts as 0."""
    if value is None:
        return 0  # most are not there, and this is asked seven times of every answer
    return min(max(0, int(value)), _MOST_TOKENS) if isinstance(value, (int, float)) else 0
