"""Which fields of a request other dialects cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.gemini.fields import as_list, camel, field
from gateway.dialects.json_values import object_or_none, text_or_empty

_NAMED = frozenset({"contents", "systemInstruction", "tools", "generationConfig"})
"""What `gateway.conversation.ModelRequest` names, or what is looked into below."""
_HINTS = frozenset({"labels", "serviceTier", "store"})
"""Price and bookkeeping: the answer is the same without them."""
_NAMED_CONFIG = frozenset(
    {
        *("maxOutputTokens", "temperature", "topP", "stopSequences", "candidateCount", "thinkingConfig"),
        *("responseMimeType", "responseSchema", "responseJsonSchema", "topK", "seed"),
        *("frequencyPenalty", "presencePenalty"),
    }
)
_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "responseLogprobs": (False,),
    "responseModalities": (["TEXT"], ["text"]),
}
"""What some clients write out although it asks for nothing."""
_NO_FILTER = frozenset({"BLOCK_NONE", "OFF"})


def native_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of those that would change the answer and are Google's alone."""
    for name, value in fields.items():
        match camel(name):
            case "safetySettings":
                if not _asks_for_no_filter(value):
                    yield name
            case "toolConfig":
                for inner, told in (object_or_none(value) or {}).items():
                    if camel(inner) != "functionCallingConfig" and told:
                        yield f"{name}.{inner}"
            case known:
                if known not in _NAMED and known not in _HINTS and value not in (None, [], {}):
                    yield name
    for name, value in (object_or_none(field(fields, "generationConfig")) or {}).items():
        known = camel(name)
        if known not in _NAMED_CONFIG and value is not None and value not in _DEFAULTS.get(known, ()):
            yield f"generationConfig.{name}"


def _asks_for_no_filter(value: Any) -> bool:
    """Others have no filter of Google's, so that asking for none of it is asking for nothing."""
    settings = (object_or_none(entry) or {} for entry in as_list(value))
    return all(text_or_empty(setting.get("threshold")) in _NO_FILTER for setting in settings)
