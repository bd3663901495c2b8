"""What single models take, and others do not: data in `models.json`, none of it code.

Above: requests of other dialects are written by it, and by `gateway.dialects` of other hosts of the same models.
Below: nothing. A model that is not there is taken to understand everything. Requests that were read from this
dialect are not judged: the provider does that, in its own words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import orjson

_FAMILY = "claude-"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What one model, or several whose names begin alike, can be told.

    `most_tokens` is what it can write at most. `efforts` are the words for how hard it is to think, None where all
    are understood. With `thinks_when_asked` it thinks only when told so besides. `thinking_off` is how to keep it
    from thinking; None where it always does. Without `sampling` it refuses temperature, `top_p` and `top_k`;
    without `forced_calls`, a choice that forces a call.
    """

    most_tokens: int = 32_000
    efforts: tuple[str, ...] | None = None
    thinks_when_asked: bool = False
    thinking_off: str | None = "disabled"
    sampling: bool = True
    forced_calls: bool = True


def _load() -> Mapping[str, ModelFacts]:
    text = resources.files("gateway.dialects.anthropic_messages").joinpath("models.json").read_bytes()
    rows: dict[str, dict[str, Any]] = orjson.loads(text)["models"]
    for row in rows.values():
        if "efforts" in row:
            row["efforts"] = tuple(row["efforts"])
    return {name: ModelFacts(**row) for name, row in rows.items()}


MODELS: Mapping[str, ModelFacts] = _load()
"""By how the names of models begin."""

_UNKNOWN = ModelFacts()


@lru_cache(maxsize=1024)
def facts_of(model: str) -> ModelFacts:
    """The facts of a model, under whatever name a host has it: `us.anthropic.claude-opus-5-v1:0`, say."""
    place = model.lower().rfind(_FAMILY)
    name = model.lower()[place:].replace(".", "-") if place >= 0 else ""
    found = [known for known in MODELS if re.match(rf"{known}(?!\d)", name)]
    return MODELS[max(found, key=len)] if found else _UNKNOWN
