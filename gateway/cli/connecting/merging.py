"""Puts values into a client's file: JSON with all else that it holds, TOML with its text as it was."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, cast

from gateway.config.located_json import JsonProblem, load_json

_INDENT = re.compile(r"^[{\[][ \t]*\r?\n([ \t]+)")


class MergeFault(Exception):
    """The file cannot be changed without loss; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def merged_json(text: str, values: Mapping[str, Any]) -> str:
    """The text of a JSON file with these values in it. Raises MergeFault."""
    old = _object(text) if text.strip() else {}
    new = _merged(old, values)
    if new == old:
        return text
    found = _INDENT.match(text)
    try:
        return json.dumps(new, indent=found[1] if found else 2, ensure_ascii=False) + "\n"
    except RecursionError:
        raise MergeFault("it is nested too deeply") from None


def _object(text: str) -> dict[str, Any]:
    try:
        value: Any = json.loads(text, object_pairs_hook=_members)
    except json.JSONDecodeError:
        try:
            load_json(text)
        except JsonProblem as problem:
            raise MergeFault(f"it cannot be read: {problem}") from None
        raise MergeFault("it has comments, or commas at ends, which would be lost") from None
    except RecursionError:
        raise MergeFault("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise MergeFault("it does not hold an object")
    return cast("dict[str, Any]", value)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise MergeFault("it says something twice, of which one would be lost")
    return members


def _merged(old: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for name, value in values.items():
        before: Any = merged.get(name)
        if not isinstance(value, Mapping) or before is None:
            merged[name] = value
        elif isinstance(before, dict):
            inner = cast("Mapping[str, Any]", value)
            merged[name] = _merged(cast("dict[str, Any]", before), inner)
        else:
            raise MergeFault(f"{name} is there already, and is no object")
    return merged


def merged_toml(text: str, values: Mapping[str, Any]) -> str:
    """The text of a TOML file with these values: new tables at its end, new keys before its first table.

    Raises MergeFault when one of them is there with another value.
    """
    old = _table(text)
    missing = dict(_missing(old, values, ()))
    if not missing:
        return text
    keys = "".join(f"{path[0]} = {_toml(value)}\n" for path, value in missing.items() if len(path) == 1)
    tables = "\n".join(_lines_of(path, value) for path, value in missing.items() if len(path) > 1)
    before = text if not text or text.endswith("\n") else f"{text}\n"
    gap = "\n" if (keys or before.strip()) and tables else ""
    changed = keys + before + gap + tables
    if _table(changed) != _merged(old, values):
        raise MergeFault("there is no place in it where lines can be added safely")
    return changed


def _lines_of(path: tuple[str, ...], table: Mapping[str, Any]) -> str:
    return f"[{'.'.join(path)}]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in table.items())


def _table(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MergeFault(f"it cannot be read: {error}") from None


def _missing(
    old: Mapping[str, Any], values: Mapping[str, Any], above: tuple[str, ...]
) -> Iterator[tuple[Any, Any]]:
    """Keys at the top, and whole tables at the second level, which are not there yet."""
    for name, value in values.items():
        path = (*above, name)
        before: Any = old.get(name)
        if isinstance(value, Mapping) and not above and (before is None or isinstance(before, dict)):
            inner = cast("Mapping[str, Any]", value)
            yield from _missing(cast("dict[str, Any]", before or {}), inner, path)
        elif before is None:
            yield path, value
        elif before != value:
            raise MergeFault(f"{'.'.join(path)} is there already, and says something else")


def _toml(value: str | bool) -> str:
    """A basic string of TOML is one of JSON's, as long as it holds nothing unusual."""
    return json.dumps(value)
