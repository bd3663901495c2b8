"""Which fields of a request other dialects cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none

_NAMED = frozenset(
    {
        *("max_output_tokens", "stream", "text", "reasoning", "temperature", "top_p", "parallel_tool_calls"),
        *("user", "tools", "tool_choice"),
    }
)
"""What `gateway.conversation.ModelRequest` names."""

_HINTS = frozenset(
    {
        *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "safety_identifier"),
        *("service_tier", "metadata", "client_metadata", "store", "include", "stream_options"),
    }
)
"""Price, speed and bookkeeping, and what is to be told besides: the answer is the same without them."""

_LOGPROBS = "message.output_text.logprobs"

_DEFAULTS: Mapping[str, Any] = {"truncation": "disabled", "background": False, "top_logprobs": 0}
"""What some clients write out although it asks for nothing."""

_PARTS: Mapping[str, frozenset[str]] = {
    "reasoning": frozenset({"effort", "summary", "generate_summary", "context"}),
    "text": frozenset({"format", "verbosity"}),
}
"""Of these, the fields that are named, or hints on how to put it."""


def native_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of those that would change the answer and are OpenAI's alone."""
    for name, value in fields.items():
        if name in _NAMED or name in _HINTS or value in (None, [], {}):
            continue
        if name not in _DEFAULTS or value != _DEFAULTS[name]:
            yield name
    if _LOGPROBS in list_or_empty(fields.get("include")):
        yield "include"
    for name, known in _PARTS.items():
        for inner, value in (object_or_none(fields.get(name)) or {}).items():
            if inner not in known and value is not None:
                yield f"{name}.{inner}"
