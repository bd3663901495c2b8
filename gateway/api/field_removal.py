"""A request's fields without some of them, named as errors name them: `tools[1]`, `web_search_options`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

_Steps = Sequence[str | int]


def without(fields: Mapping[str, Any], params: Iterable[str]) -> dict[str, Any]:
    """`fields` without what stands at `params`; lists that are empty thereafter are left out as well.

    Values are shared with `fields`, which stays as it is.
    """
    left = _without(fields, [_steps(param) for param in params])
    return cast("dict[str, Any]", left)


def _steps(param: str) -> _Steps:
    return [name or int(index) for name, index in _STEP.findall(param)]


def _without(value: Any, paths: Iterable[_Steps]) -> Any:
    below: dict[str | int, list[_Steps]] = {}
    for path in paths:
        below.setdefault(path[0], []).append(path[1:])
    if isinstance(value, Mapping):
        entries = list(cast("Mapping[str, Any]", value).items())
        kept = [(key, _changed(item, below.get(key))) for key, item in entries]
        return {key: item for (key, item), (_, old) in zip(kept, entries, strict=True) if _stays(item, old)}
    items = list(enumerate(cast("list[Any]", value)))
    return [item for index, old in items if _stays(item := _changed(old, below.get(index)), old)]


class _Gone:
    """What is left of a value that is taken out."""


_GONE = _Gone()


def _changed(value: Any, paths: list[_Steps] | None) -> Any:
    if paths is None:
        return value
    return _GONE if any(not path for path in paths) else _without(value, paths)


def _stays(value: Any, old: Any) -> bool:
    return value is not _GONE and (value is old or value != [])
