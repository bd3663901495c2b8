"""Token counts, which stand among the other fields of an answer's last line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage

COUNTS = ("prompt_eval_count", "eval_count")
_MOST_TOKENS = 10**12
"""More is nonsense, whose sums would not fit where numbers are kept."""


def find_usage(answer: Mapping[str, Any]) -> Usage | None:
    """The counts of an answer that is done; a prompt that was in the server's cache may not be counted."""
    if not any(name in answer for name in COUNTS):
        return None
    return Usage(_count(answer, "prompt_eval_count"), _count(answer, "eval_count"))


def write_usage(usage: Usage) -> dict[str, int]:
    """The counts as Ollama gives them."""
    return {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}


def _count(raw: Mapping[str, Any], name: str) -> int:
    value: Any = raw.get(name)
    return min(max(0, int(value)), _MOST_TOKENS) if isinstance(value, int | float) else 0
