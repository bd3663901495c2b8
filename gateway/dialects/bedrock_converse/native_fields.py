"""Which fields of a request other dialects cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import number_or_none, object_or_none

BESIDE = "additionalModelRequestFields"
"""What goes to the model as it is, in its maker's words."""

_NAMED = frozenset({"stream", "inferenceConfig", "toolConfig", "outputConfig"})
"""What `gateway.conversation.ModelRequest` names."""
_HINTS = frozenset({"requestMetadata", "performanceConfig", "serviceTier", "projectIdentifier"})
"""Price, speed and books: the answer is the same without them."""
_INFERENCE = frozenset({"maxTokens", "temperature", "topP", "stopSequences"})
_OUTPUT = frozenset({"textFormat", "effort"})


def native_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of those that would change the answer and are Amazon's alone, or the model's maker's."""
    for name, value in fields.items():
        if name not in _NAMED and name not in _HINTS and name != BESIDE and value not in (None, [], {}):
            yield name
    yield from _others(fields, "inferenceConfig", _INFERENCE)
    yield from _others(fields, "outputConfig", _OUTPUT)
    for name, value in (object_or_none(fields.get(BESIDE)) or {}).items():
        if not _is_named_beside(name, value):
            yield f"{BESIDE}.{name}"


def _others(fields: Mapping[str, Any], within: str, named: frozenset[str]) -> Iterator[str]:
    for name in object_or_none(fields.get(within)) or {}:
        if name not in named:
            yield f"{within}.{name}"


def _is_named_beside(name: str, value: Any) -> bool:
    if name in ("top_k", "topK"):
        return number_or_none(value) is not None
    return name in ("thinking", "reasoning_config", "anthropic_beta")
