"""Changes a few top-level fields in the bytes of a JSON object and leaves all other bytes as they are.

What the gateway judged is the parsed object; what the provider reads is the bytes. The two must agree even for
objects that were made to be read in two ways (names that are repeated, spelt with escapes, or in capitals, which
some parsers take for the same): those are written anew from what was parsed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any, cast

import orjson

from gateway.errors import InvalidRequest

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_VALUE_START = re.compile(rb"[ \t\n\r]*+:[ \t\n\r]*+")
_WHOLE_STRING = re.compile(_STRING, re.DOTALL)
_TOKEN = re.compile(_STRING + rb"|[{}\[\]]", re.DOTALL)
_NAME = re.compile(_STRING + rb"(?P<colon>[ \t\n\r]*+:)?", re.DOTALL)
_SCALAR = re.compile(rb"[^,}\]\s]++")
_ESCAPED_LETTER = re.compile(rb"\\u00(?:6[1-9a-fA-F]|7[0-9aA])")
"""A lower-case letter spelt as an escape: no program writes a field's name so, unless to deceive."""
_SHADOWS = frozenset(map("".join, product("mM", "oO", "dD", "eE", "lL"))) - {"model"}

_BLANK = b" \t\n\r"
_BEHIND_NAMES = (b'":', b'" ', b'"\n', b'"\t', b'"\r')
"""A string that none of these end is no name."""


def rewrite_model(body: bytes, parsed: Mapping[str, Any], model: str) -> bytes:
    """`body` with `model` for its top-level `model`, and without its top-level `toolgate`.

    `parsed` is the object in `body`. The very same bytes come back when nothing is to be changed. Raises
    InvalidRequest for a body that must be written anew and is nested too deeply for that.
    """
    if _has_escaped_letter(body) or not _SHADOWS.isdisjoint(parsed):
        return _written_anew(parsed, model)
    place = _only_member(body, b'"model"') if "model" in parsed else None
    if place is None or body[place[1] : place[1] + 1] != b'"':
        return _written_anew(parsed, model)
    edits: list[tuple[int, int, bytes]] = []
    if parsed["model"] != model:
        edits.append((place[1], _end_of_value(body, place[1]), orjson.dumps(model)))
    if "toolgate" in parsed:
        ours = _only_member(body, b'"toolgate"')
        if ours is None:
            return _written_anew(parsed, model)
        edits.append((*_with_its_comma(body, ours[0], _end_of_value(body, ours[1])), b""))
    for start, end, replacement in sorted(edits, reverse=True):
        body = body[:start] + replacement + body[end:]
    return body


def set_member(body: bytes, parsed: Mapping[str, Any], name: str, value: Any) -> bytes:
    """`body`, an object with members, with `value` for its top-level `name`, which it need not have; `parsed` is
    what it says. Raises InvalidRequest as above.
    """
    written = orjson.dumps(value)
    quoted = b'"%b"' % name.encode()
    if name not in parsed:
        start = body.find(b"{") + 1
        return b"%b%b:%b,%b" % (body[:start], quoted, written, body[start:])
    place = None if b"\\u00" in body else _only_member(body, quoted)
    if place is None:
        return _written({**parsed, name: value})
    return body[: place[1]] + written + body[_end_of_value(body, place[1]) :]


def one_reading(body: bytes, parsed: Mapping[str, Any]) -> bytes:
    """`body`, or what was parsed of it, written anew, where a name is repeated in one object, at whatever depth:
    some parsers take the first, some the last, some all. Raises InvalidRequest as above.
    """
    if _is_written_so(body, parsed) or not _repeats_a_name(body, parsed):
        return body
    return _written(parsed)


def _is_written_so(body: bytes, parsed: Mapping[str, Any]) -> bool:
    """Whether the bytes are what we should write ourselves, as those of most SDKs are: no name is there twice."""
    try:
        return orjson.dumps(parsed) == body
    except TypeError:  # nested more deeply than can be written
        return False


def _repeats_a_name(body: bytes, parsed: Mapping[str, Any]) -> bool:
    names = _number_of_names(parsed)
    if sum(map(body.count, _BEHIND_NAMES)) == names:  # as is usual; there are more where strings hold quotes
        return False
    return sum(1 for found in _NAME.finditer(body) if found["colon"]) != names


def _number_of_names(value: Mapping[str, Any]) -> int:
    count = 0
    left: list[Any] = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            inner = cast("dict[str, Any]", one)
            count += len(inner)
            left += [found for found in inner.values() if isinstance(found, dict | list)]
        else:
            left += [found for found in cast("list[Any]", one) if isinstance(found, dict | list)]
    return count


def is_shadow_of_model(name: str) -> bool:
    """Whether a field's name is `model` for parsers that do not mind capitals, and not for us."""
    return name in _SHADOWS


def _written_anew(parsed: Mapping[str, Any], model: str) -> bytes:
    kept = {name: value for name, value in parsed.items() if name != "toolgate" and not is_shadow_of_model(name)}
    return _written(kept | {"model": model})


def _written(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except TypeError as error:  # the one thing that can be read and not be written
        raise InvalidRequest("the request's body is nested too deeply", code="invalid_json") from error


def _has_escaped_letter(body: bytes) -> bool:
    # Many bodies hold no backslash at all, and a single byte is found thirty times as quickly as a word.
    return b"\\" in body and b"\\u00" in body and _ESCAPED_LETTER.search(body) is not None


def _only_member(body: bytes, quoted_name: bytes) -> tuple[int, int] | None:
    """Where the name and the value of a top-level field begin; None when it is there twice, or not at all.

    In valid JSON the bytes of a quoted name stand for a string unless a backslash precedes them.
    """
    found = _members(body, quoted_name)
    if len(found) > 1:
        depths = _depths(body, [start for start, _ in found])
        found = [place for place, depth in zip(found, depths, strict=True) if depth == 1]
    return found[0] if len(found) == 1 else None


def _members(body: bytes, quoted_name: bytes) -> list[tuple[int, int]]:
    """The same at any depth."""
    places: list[tuple[int, int]] = []
    start = body.find(quoted_name)
    while start >= 0:
        end = start + len(quoted_name)
        value = _VALUE_START.match(body, end)
        if value is not None and body[start - 1 : start] != b"\\":
            places.append((start, value.end()))
        start = body.find(quoted_name, end)
    return places


def _depths(body: bytes, offsets: list[int]) -> list[int]:
    """How many objects and arrays each of these offsets, in ascending order, lies within."""
    depths: list[int] = []
    depth = start = 0
    for offset in offsets:  # each is the beginning of a string, so that none lies across it
        marks = _WHOLE_STRING.sub(b"", body[start:offset])
        depth += marks.count(b"{") + marks.count(b"[") - marks.count(b"}") - marks.count(b"]")
        depths.append(depth)
        start = offset
    return depths


def _end_of_value(body: bytes, start: int) -> int:
    if body[start : start + 1] == b'"':
        string = _WHOLE_STRING.match(body, start)
        return string.end() if string else start
    if body[start : start + 1] not in (b"{", b"["):
        scalar = _SCALAR.match(body, start)
        return scalar.end() if scalar else start
    depth = 0
    for token in _TOKEN.finditer(body, start):
        mark = token.group()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
        if depth == 0:
            return token.end()
    return len(body)


def _with_its_comma(body: bytes, start: int, end: int) -> tuple[int, int]:
    """A member's place with the comma that separates it from the next one, or else from the one before."""
    after = end
    while body[after : after + 1] and body[after] in _BLANK:
        after += 1
    if body[after : after + 1] == b",":
        after += 1
        while body[after : after + 1] and body[after] in _BLANK:
            after += 1
        return start, after
    before = start
    while before and body[before - 1] in _BLANK:
        before -= 1
    return (before - 1, end) if body[before - 1 : before] == b"," else (start, end)
