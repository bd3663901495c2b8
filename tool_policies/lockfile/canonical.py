"""One text for each JSON value, whatever the order of its members and the spelling of its numbers.

RFC 8785 (JCS) with one difference: whole numbers keep all of their digits, where the RFC rounds those beyond 2^53,
so that two definitions that differ there do not look the same.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, cast

DEEPEST = 48
"""Levels of a definition; a file nests it a few levels further, and can still be read."""
LARGEST = 512 * 1024
"""Bytes of a definition in its canonical form."""

_INTEGER_DIGITS = 21  # ECMA-262, "Number::toString": from here on numbers are written with an exponent


class Uncanonical(ValueError):
    """The value cannot be written, or not within the bounds; the message says why."""


def canonical_json(value: Any) -> bytes:
    """The value in UTF-8. Raises Uncanonical."""
    pieces: list[str] = []
    _write(value, pieces.append, DEEPEST)
    try:
        data = "".join(pieces).encode()
    except UnicodeEncodeError:
        raise Uncanonical("it holds half of a surrogate pair, which is no text") from None
    if len(data) > LARGEST:
        raise Uncanonical(f"it is {len(data)} bytes, more than {LARGEST}")
    return data


def digest(value: Any) -> str:
    """The SHA-256 of a value's canonical form, in hexadecimal digits. Raises Uncanonical."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _write(value: Any, put: Any, levels: int) -> None:
    if isinstance(value, str):
        put(encode_basestring(value))
    elif value is None or isinstance(value, bool):
        put({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, int):
        put(str(value))
    elif isinstance(value, float):
        put(_number(value))
    elif levels == 0:
        raise Uncanonical(f"it is nested deeper than {DEEPEST} levels")
    elif isinstance(value, Mapping):
        _write_members(cast("Mapping[Any, Any]", value), put, levels - 1)
    elif isinstance(value, list | tuple):
        _write_items(cast("list[Any]", value), put, levels - 1)
    else:
        raise Uncanonical(f"{type(value).__name__} is no kind of JSON value")


def _write_members(members: Mapping[Any, Any], put: Any, levels: int) -> None:
    put("{")
    for index, name in enumerate(sorted(members, key=_order)):
        put(("," if index else "") + encode_basestring(name) + ":")
        _write(members[name], put, levels)
    put("}")


def _write_items(items: list[Any], put: Any, levels: int) -> None:
    put("[")
    for index, item in enumerate(items):
        if index:
            put(",")
        _write(item, put, levels)
    put("]")


def _order(name: Any) -> bytes:
    """By UTF-16 code units (RFC 8785, section 3.2.3)."""
    if not isinstance(name, str):
        raise Uncanonical("the name of a member is no text")
    return name.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    """As ECMA-262 writes it (RFC 8785, section 3.2.2.3)."""
    if not math.isfinite(value):
        raise Uncanonical("infinity and NaN are no JSON numbers")
    sign, figures, exponent = Decimal(repr(value)).normalize().as_tuple()
    if value == 0:
        return "0"
    digits = "".join(map(str, figures))
    return "-" * sign + _positional(digits, len(digits) + int(exponent))


def _positional(digits: str, point: int) -> str:
    """Digits with a decimal point behind the first `point` of them, or with an exponent."""
    if len(digits) <= point <= _INTEGER_DIGITS:
        return digits.ljust(point, "0")
    if 0 < point <= _INTEGER_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"
