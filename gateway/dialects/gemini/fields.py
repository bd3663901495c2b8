"""Fields by their names in camelCase, which may be spelt in snake_case as well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_CAPITAL = re.compile(r"[A-Z]")
_UNDERSCORE = re.compile(r"_([a-z0-9])")


@lru_cache(maxsize=512)
def snake(name: str) -> str:
    """`functionCall` as `function_call`."""
    return _CAPITAL.sub(lambda match: f"_{match.group().lower()}", name)


@lru_cache(maxsize=2048)
def camel(name: str) -> str:
    """`function_call` as `functionCall`."""
    return _UNDERSCORE.sub(lambda match: match[1].upper(), name)


def field(raw: Mapping[str, Any], name: str) -> Any:
    """The value of a field, named in camelCase, under either spelling; None where it is missing."""
    value = raw.get(name)
    return raw.get(snake(name)) if value is None else value


def without(raw: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The other fields, as they came; `names` are in camelCase."""
    return {name: value for name, value in raw.items() if camel(name) not in names}


def as_list(value: Any) -> list[Any]:
    """A list; Google takes one entry without a list around it, too."""
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType] - JSON
