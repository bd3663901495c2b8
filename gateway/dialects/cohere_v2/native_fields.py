"""Which fields of a request other dialects cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMED = frozenset(
    {
        *("stream", "tools", "strict_tools", "tool_choice", "max_tokens", "temperature", "p", "k", "seed"),
        *("frequency_penalty", "presence_penalty", "stop_sequences", "response_format", "thinking"),
    }
)
"""What `gateway.conversation.ModelRequest` names."""

_HINTS = frozenset({"priority"})
"""How long a request may wait: the answer is the same without it."""


def native_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of those that would change the answer and are Cohere's alone."""
    for name, value in fields.items():
        if name not in _NAMED and name not in _HINTS and value not in (None, False, "", [], {}):
            yield name
