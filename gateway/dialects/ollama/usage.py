"""Token counts, which stand among the other fields of an answer's last line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Usage
from gateway.dialects.token_counts import token_count

COUNTS = ("prompt_eval_count", "eval_count")


def find_usage(answer: Mapping[str, Any]) -> Usage | None:
    """The counts of an answer that is done; a prompt that was in the server's cache may not be counted."""
    if not any(name in answer for name in COUNTS):
        return None
    return Usage(token_count(answer.get("prompt_eval_count")), token_count(answer.get("eval_count")))


def write_usage(usage: Usage) -> dict[str, int]:
    """The counts as Ollama gives them."""
    return {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}
