"""Arguments as a model writes them: JSON text that may be broken in many ways.

Stricter than RFC 8259 asks: a member that is named twice is refused, because policy, gateway and server might
each take another one of the two. What passes here can be written as JSON again, byte for byte the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson

LARGEST = 1024 * 1024
"""Bytes of JSON that the arguments of one call may have."""

_DEEPEST = 64


class InvalidArguments(ValueError):
    """The arguments cannot be sent; the message tells the model what to mend."""


def parse_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object in `text`; empty text is an empty object. Raises InvalidArguments."""
    if _size(text) > LARGEST:
        raise InvalidArguments(f"the arguments are larger than {LARGEST} bytes; send less at once")
    if not text.strip():
        return {}
    try:
        value: Any = json.loads(
            text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        what = error.msg.removesuffix(" at").removesuffix(" starting")
        raise InvalidArguments(f"the arguments are not valid JSON: {what} at {where}") from error
    except UnicodeDecodeError as error:
        raise InvalidArguments("the arguments are not valid UTF-8") from error
    except RecursionError as error:
        raise InvalidArguments(f"the arguments are nested deeper than {_DEEPEST} levels") from error
    except InvalidArguments:
        raise
    except ValueError as error:  # a number with thousands of digits
        raise InvalidArguments("the arguments hold a number that is too long") from error
    if not isinstance(value, dict):
        raise InvalidArguments(f"the arguments must be a JSON object, not {_kind(value)}")
    return cast("dict[str, Any]", value)


def canonical_json(arguments: Mapping[str, Any]) -> bytes:
    """The arguments as JSON without spaces, members sorted by name: what the audit's digest is taken of.

    Like RFC 8785, but names sort by their UTF-8 bytes and numbers are written as orjson writes them (`1.0`
    stays apart from `1`). Raises InvalidArguments for what cannot be sent: lone surrogates, integers beyond
    64 bits, numbers that are not finite, nesting that is too deep, too many bytes.
    """
    _check_values(arguments)
    try:
        data = orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise InvalidArguments(f"the arguments cannot be sent as JSON: {error}") from error
    if len(data) > LARGEST:
        raise InvalidArguments(f"the arguments are larger than {LARGEST} bytes; send less at once")
    return data


def _size(text: str | bytes) -> int:
    return len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise InvalidArguments(f"the member {twice[:80]!r} is given twice in one object")
    return value


def _refuse_constant(name: str) -> None:
    raise InvalidArguments(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    """What a policy would judge as infinity, JSON could only say as null."""
    value = float(text)
    if not math.isfinite(value):
        raise InvalidArguments(f"the number {text[:40]} is too large")
    return value


def _check_values(arguments: Mapping[str, Any]) -> None:
    layer: list[Any] = [arguments]
    for _ in range(_DEEPEST):
        values = [value for outer in layer for value in _values(outer)]
        if any(isinstance(value, float) and not math.isfinite(value) for value in values):
            raise InvalidArguments("the arguments hold a number that is not finite")
        layer = [value for value in values if isinstance(value, Mapping | list)]
        if not layer:
            return
    raise InvalidArguments(f"the arguments are nested deeper than {_DEEPEST} levels")


def _values(value: Any) -> Iterable[Any]:
    return cast("Mapping[str, Any]", value).values() if isinstance(value, Mapping) else cast("list[Any]", value)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case _:
            return "a list"
