"""Finds the values that a dotted name means in a call's arguments: `path`, `edits.path`.

Lists on the way are walked through, so `edits.path` is the path of each edit. A name that itself holds dots is
found, too. What is absent yields nothing; what is not of the shape that the name implies is reported as None,
which no check takes for a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, cast

MOST_VALUES = 10_000
"""Values that one name may mean in one call."""


class TooManyValues(ValueError):
    """A name means more values than are checked."""


def strings_at(arguments: Mapping[str, Any], name: str) -> Iterator[tuple[str, str | None]]:
    """The strings that `name` means, each with where it stands (`paths[2]`). Raises TooManyValues at the end."""
    found = _beneath(arguments, name, "")
    yield from islice(found, MOST_VALUES)
    if next(found, None) is not None:
        raise TooManyValues(f"{name} means more than {MOST_VALUES} values")


def _beneath(value: Any, name: str, where: str) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _beneath(item, name, f"{where}[{index}]")
    elif isinstance(value, Mapping):
        yield from _member(cast("Mapping[str, Any]", value), name, where)
    else:
        yield where, None


def _member(members: Mapping[str, Any], name: str, where: str) -> Iterator[tuple[str, str | None]]:
    here = f"{where}." if where else ""
    if name in members:
        yield from _strings(members[name], f"{here}{name}")
    for position, sign in enumerate(name):
        if sign == "." and name[:position] in members:
            yield from _beneath(members[name[:position]], name[position + 1 :], f"{here}{name[:position]}")


def _strings(value: Any, where: str) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield f"{where}[{index}]", item if isinstance(item, str) else None
    else:
        yield where, value if isinstance(value, str) else None
