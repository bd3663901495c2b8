"""Tools that take one text instead of JSON, as functions with one parameter: models that know of functions alone
can call those, too, and a call is JSON everywhere else in this gateway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dialects.json_values import object_or_none, text_or_empty

FIELD = "input"
OPENING = '{"input":"'
CLOSING = '"}'

_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_COMPLETE = re.compile(
    r"""(?:[^"\\]|\\["\\/bfnrt]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}"""
    r"""|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"""
)
"""What there is of a JSON string, up to its end or to an escape whose rest is still to come."""


def parameters_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema for a custom tool. A grammar, which no schema can say, is told in words."""
    form = object_or_none(raw.get("format")) or {}
    field: dict[str, Any] = {"type": "string"}
    if definition := text_or_empty(form.get("definition")):
        syntax = text_or_empty(form.get("syntax")) or "grammar"
        field["description"] = f"The whole text must match this {syntax} grammar:\n{definition}"
    return {"type": "object", "properties": {FIELD: field}, "required": [FIELD], "additionalProperties": False}


def wrapped(text: str) -> str:
    """The arguments of a call with this text."""
    return OPENING + escaped(text) + CLOSING


def escaped(text: str) -> str:
    """A piece of a text, as it stands within a JSON string."""
    return orjson.dumps(text).decode()[1:-1]


def unwrapped(arguments: str) -> str:
    """The text in the arguments of a call; a model that did not write JSON meant the text itself."""
    try:
        found = object_or_none(orjson.loads(arguments))
    except orjson.JSONDecodeError:
        return arguments
    value = (found or {}).get(FIELD)
    return value if isinstance(value, str) else arguments


class Unwrapping:
    """Takes the text out of arguments that come in pieces."""

    __slots__ = ("_is_inside", "_pending", "_pieces", "_told")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._told: list[str] = []
        self._pending = ""
        self._is_inside = False

    def feed(self, piece: str) -> str:
        """The text that this piece tells."""
        self._pieces.append(piece)
        self._pending += piece
        if not self._is_inside:
            opening = _OPENING.match(self._pending)
            if opening is None:
                return ""
            self._is_inside, self._pending = True, self._pending[opening.end() :]
        return self._take()

    def end(self) -> tuple[str, str]:
        """The whole text, and what of it has not been told."""
        text, told = unwrapped("".join(self._pieces)), "".join(self._told)
        return (text, text[len(told) :]) if text.startswith(told) else (told, "")

    def _take(self) -> str:
        complete = _COMPLETE.match(self._pending)
        end = complete.end() if complete else 0
        try:
            text: str = orjson.loads(f'"{self._pending[:end]}"')
        except orjson.JSONDecodeError:  # a line end that is not escaped, say
            return ""
        self._pending = self._pending[end:]
        self._told.append(text)
        return text
