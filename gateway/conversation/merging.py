"""Puts the pieces of a streamed object together, by rules that hold for every dialect's unknown fields.

Text grows, objects are merged, entries of a list with an `index` are merged by it, and of anything else the last
one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_NEVER_GROWING = frozenset({"id", "type", "index", "role", "name", "format", "status", "object", "model"})
"""Texts that are repeated whole, if they are."""


def merge_into(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Add one piece. `piece` stays as it is, and nothing within it is shared with `whole` that could change."""
    for name, value in piece.items():
        whole[name] = _merged(name, whole.get(name), value)


def _merged(name: str, old: Any, new: Any) -> Any:
    if isinstance(new, str):
        return old + new if isinstance(old, str) and name not in _NEVER_GROWING else new
    if isinstance(new, Mapping):
        into = cast("dict[str, Any]", old) if isinstance(old, dict) else {}
        merge_into(into, cast("Mapping[str, Any]", new))
        return into
    if isinstance(new, list):
        return _with_entries(cast("list[Any]", old) if isinstance(old, list) else [], cast("list[Any]", new))
    return old if new is None else new


def _with_entries(entries: list[Any], pieces: list[Any]) -> list[Any]:
    places = {entry["index"]: entry for entry in entries if _has_index(entry)}
    for piece in pieces:
        if _has_index(piece) and piece["index"] in places:
            merge_into(places[piece["index"]], piece)
            continue
        entry = _merged("", None, piece)
        entries.append(entry)
        if _has_index(entry):
            places[entry["index"]] = entry
    return entries


def _has_index(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(cast("dict[str, Any]", entry).get("index"), int)
