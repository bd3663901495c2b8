"""Which fields of a request other dialects cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import number_or_none

_NAMED = frozenset(
    {
        *("max_tokens", "max_completion_tokens", "n", "stream", "stream_options", "response_format", "tools"),
        *("tool_choice", "temperature", "top_p", "stop", "reasoning_effort", "parallel_tool_calls", "user"),
    }
)
"""What `gateway.conversation.ModelRequest` names."""

_SETTINGS = frozenset({"seed", "top_k", "frequency_penalty", "presence_penalty"})
"""What it names as well, where they are numbers."""

_HINTS = frozenset(
    {
        *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "safety_identifier"),
        *("service_tier", "metadata", "prediction"),
    }
)
"""Price, speed and bookkeeping: the answer is the same without them."""

_DEFAULTS: Mapping[str, Any] = {
    "logprobs": False,
    "top_logprobs": 0,
    "logit_bias": {},
    "store": False,
    "modalities": ["text"],
}
"""What some clients write out although it asks for nothing."""


def native_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of those that would change the answer and are OpenAI's alone."""
    for name, value in fields.items():
        if name in _NAMED or name in _HINTS or value is None:
            continue
        if name in _SETTINGS and number_or_none(value) is not None:
            continue
        if name not in _DEFAULTS or value != _DEFAULTS[name]:
            yield name
