"""Which fields of a request other dialects cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, number_or_none, object_or_none, text_or_empty

_NAMED = frozenset(
    {
        *("max_tokens", "stream", "tools", "tool_choice", "temperature", "top_p", "stop_sequences", "metadata"),
        *("output_config", "thinking"),
    }
)
"""What `gateway.conversation.ModelRequest` names."""

_HINTS = frozenset({"cache_control", "service_tier"})
"""Price and speed: the answer is the same without them."""


def native_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of those that would change the answer and are Anthropic's alone."""
    for name, value in fields.items():
        if name in _NAMED or name in _HINTS or value in (None, [], {}):
            continue
        if name == "top_k" and number_or_none(value) is not None:
            continue
        if name != "context_management" or not _clears_thoughts_only(value):
            yield name
    for name in object_or_none(fields.get("output_config")) or {}:
        if name not in ("effort", "format"):
            yield f"output_config.{name}"


def _clears_thoughts_only(value: Any) -> bool:
    """Thoughts are not passed on to other providers as it is."""
    edits = list_or_empty((object_or_none(value) or {}).get("edits"))
    return all(
        text_or_empty((object_or_none(edit) or {}).get("type")).startswith("clear_thinking") for edit in edits
    )
