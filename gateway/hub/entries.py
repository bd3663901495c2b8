"""Reads what servers list, one entry at a time: a broken one never costs the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import orjson

EntryKind = Literal["tool", "resource", "template", "prompt"]
"""What servers offer; a template stands for many resources."""

LONGEST_NAME = 128  # MCP 2025-11-25, "Tool names"
_LONGEST_URI = 4096  # characters
_UNTITLED = "(unnamed)"
_NAMING_FIELDS = ("name", "uri", "uriTemplate")

Entry = TypeVar("Entry")


class UnusableEntry(ValueError):
    """A listed entry cannot be offered; the message says why."""


@dataclass(frozen=True, slots=True)
class BadEntry:
    """An entry that a server listed and the hub left out, and why."""

    name: str
    reason: str
    kind: EntryKind = "tool"


def read_each(
    kind: EntryKind,
    raw_entries: Sequence[Any],
    read: Callable[[Mapping[str, Any]], Entry],
    identity: Callable[[Entry], str],
) -> tuple[tuple[Entry, ...], tuple[BadEntry, ...]]:
    """The entries that can be offered, sorted by identity, and those that cannot."""
    good: dict[str, Entry] = {}
    bad: list[BadEntry] = []
    for raw in raw_entries:
        if isinstance(raw, BadEntry):  # from a document that was read here, never from a server
            bad.append(raw)
            continue
        try:
            entry = read(_written(raw))
            if identity(entry) in good:
                raise UnusableEntry("listed twice; the first one counts")
            good[identity(entry)] = entry
        except UnusableEntry as problem:
            bad.append(BadEntry(_name_for_report(raw), str(problem), kind))
    return tuple(good[name] for name in sorted(good)), tuple(bad)


def _written(raw: Any) -> Mapping[str, Any]:
    """The entry as an object; one that cannot be written again could not be compared or passed on either."""
    if not isinstance(raw, dict):
        raise UnusableEntry("not an object")
    try:
        orjson.dumps([[[[raw]]]])  # room for what lists stand in: one too deep would cost those of all servers
    except TypeError as error:
        raise UnusableEntry(f"it cannot be written as JSON: {error}") from error
    return cast("dict[str, Any]", raw)


def read_name(entry: Mapping[str, Any]) -> str:
    """The name of an entry. Raises UnusableEntry."""
    return _printable(entry.get("name"), "name", LONGEST_NAME)


def read_uri(entry: Mapping[str, Any], key: str) -> str:
    """The URI, or the template of URIs, of an entry. Raises UnusableEntry."""
    return _printable(entry.get(key), key, _LONGEST_URI)


def _printable(value: Any, what: str, longest: int) -> str:
    if not isinstance(value, str) or not value:
        raise UnusableEntry(f"it has no {what}")
    if len(value) > longest:
        raise UnusableEntry(f"its {what} is longer than {longest} characters")
    if not value.isprintable() or value.isspace():
        raise UnusableEntry(f"its {what} holds characters that cannot be printed")
    return value


def _name_for_report(raw: Any) -> str:
    entry = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    names = (entry.get(key) for key in _NAMING_FIELDS)
    name = next((name for name in names if isinstance(name, str) and name), None)
    return repr(name[:LONGEST_NAME])[1:-1][:LONGEST_NAME] if name else _UNTITLED
