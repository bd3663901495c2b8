"""Which fields of a request other dialects cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import object_or_none

_NAMED = frozenset({"stream", "tools", "format", "options", "think"})
_HINTS = frozenset({"keep_alive"})
"""How long the model stays loaded: the answer is the same without it."""

OPTIONS: Mapping[str, str] = {
    "num_predict": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop": "stop",
}
"""Of the options, those that `gateway.conversation.ModelRequest` names, and under which name."""

_MACHINE = frozenset(
    {
        *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "numa", "low_vram", "f16_kv"),
        *("use_mmap", "use_mlock", "vocab_only", "logits_all", "embedding_only"),
    }
)
"""How the server is to use its machine, which is no other provider's matter."""


def native_fields(fields: Mapping[str, Any]) -> Iterator[str]:
    """The names of those that would change the answer and are Ollama's alone."""
    for name, value in fields.items():
        if name not in _NAMED and name not in _HINTS and value not in (None, False, "", [], {}):
            yield name
    for name, value in (object_or_none(fields.get("options")) or {}).items():
        if name not in OPTIONS and name not in _MACHINE and value is not None:
            yield f"options.{name}"
