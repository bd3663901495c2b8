"""What differs among Google's models, by their names. From Google's documentation, November 2026."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class ModelKind:
    """The habits of a model.

    With `json_schema` it takes JSON Schema as it stands; else Google's subset of OpenAPI's. With `signs_calls` it
    refuses a history whose calls have no proof, and can be shown media within a tool's result. With
    `thinks_by_budget` it is told in tokens how hard to think, of which `always_thinks` is the least; else in
    words, of which `least_level` is.
    """

    json_schema: bool = False
    signs_calls: bool = False
    thinks_by_budget: bool = False
    always_thinks: int = 0
    least_level: str = "MINIMAL"


def kind_of(model: str) -> ModelKind:
    """By the provider's name for a model."""
    name = model.rpartition("/")[2]
    match = _VERSION.match(name)
    newest = ModelKind(json_schema=True, signs_calls=True, least_level="LOW" if "pro" in name else "MINIMAL")
    if match is None:
        return newest if _is_latest(name) else ModelKind()
    version = (int(match[1]), int(match[2] or 0))
    if version >= (3, 0):
        return newest
    if version >= (2, 5):
        return ModelKind(json_schema=True, thinks_by_budget=True, always_thinks=128 if "pro" in name else 0)
    return ModelKind()


def _is_latest(name: str) -> bool:
    return name.startswith("gemini-") and name.endswith("-latest")
