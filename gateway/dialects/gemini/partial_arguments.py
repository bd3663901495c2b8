"""A call's arguments that come as changes to an object, each with the place that it changes (RFC 9535, in part).

Google streams them so to clients that ask for it. What comes out is the object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

from gateway.dialects.faults import WireFormatError
from gateway.dialects.gemini.fields import as_list, field
from gateway.dialects.json_values import object_or_none, text_or_empty

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,4})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_ESCAPED = re.compile(r"\\(.)")
_MOST_STEPS = 64
_LARGEST_LIST = 4096
_MOST_PLACES = 64 * 1024  # that lists have, all together: a few bytes can ask for thousands


class PartialArguments:
    """The arguments of one call, as far as they have come."""

    __slots__ = ("_left", "value")

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}
        self._left = _MOST_PLACES

    def add(self, changes: Any) -> None:
        """Take the changes of one chunk. Raises WireFormatError."""
        for entry in as_list(changes):
            change = object_or_none(entry)
            if change is not None:
                self._apply(change)

    def _apply(self, change: Mapping[str, Any]) -> None:
        steps = _steps(text_or_empty(field(change, "jsonPath")))
        here: Any = self.value
        for step, following in pairwise(steps):
            here = self._entered(here, step, [] if isinstance(following, int) else {})
        last, old = steps[-1], _looked_up(here, steps[-1])
        self._set(here, last, _changed(old, change))

    def _entered(self, here: Any, step: str | int, fresh: Any) -> Any:
        found = _looked_up(here, step)
        if found is None:
            self._set(here, step, found := fresh)
        return found

    def _set(self, here: Any, step: str | int, value: Any) -> None:
        if isinstance(step, str):
            here[step] = value
            return
        added = max(0, step + 1 - len(here))
        self._left -= added
        if step >= _LARGEST_LIST or self._left < 0:
            raise WireFormatError("a piece of a call's arguments is too far down a list")
        here.extend([None] * added)
        here[step] = value


def _changed(old: Any, change: Mapping[str, Any]) -> Any:
    """A text grows; anything else comes whole."""
    text = field(change, "stringValue")
    if isinstance(text, str):
        return old + text if isinstance(old, str) else text
    for name in ("numberValue", "boolValue"):
        value = field(change, name)
        if value is not None:
            return value
    return None if old is None or isinstance(old, str | int | float) else old


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    place = 1
    while path.startswith("$") and place < len(path):
        match = _STEP.match(path, place)
        if match is None or len(steps) >= _MOST_STEPS:
            break
        name = match[1] or match[3] or match[4] or ""
        steps.append(int(match[2]) if match[2] else _ESCAPED.sub(r"\1", name))
        place = match.end()
    if not steps or place != len(path):
        raise WireFormatError("a piece of a call's arguments says no place that is known")
    return steps


def _looked_up(here: Any, step: str | int) -> Any:
    if isinstance(here, dict) and isinstance(step, str):
        return cast("dict[str, Any]", here).get(step)
    if isinstance(here, list) and isinstance(step, int):
        items = cast("list[Any]", here)
        return items[step] if step < len(items) else None
    raise WireFormatError("a piece of a call's arguments does not fit those before")
