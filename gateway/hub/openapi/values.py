"""Writes arguments as OpenAPI's styles want them (3.1, "Parameter Object"), so that none can be more than a value.

Above: `requests`. Below: `parameters` says in which style. Refuses to know: URLs beyond one part of them.
Whatever is not an unreserved character (RFC 3986, section 2.3) is percent-encoded. No message quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

import orjson

from gateway.hub.openapi.parameters import Parameter

_EXACT = 2**53  # beyond it, a float may stand for several integers
_DELIMITERS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
_UNFIT_FOR_PATHS = re.compile(r"[/\\\x00-\x1f\x7f]")
_FIT_FOR_COOKIES = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*", re.ASCII)
_DEEPEST = 8  # levels of an object in a query
_FIT_FOR_HEADERS = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?", re.ASCII)


class ArgumentFault(ValueError):
    """An argument cannot be sent; the message says why, for the model to mend it."""


def encoded(text: str) -> str:
    """Percent-encoded, all but unreserved characters. Raises ArgumentFault for what is not Unicode."""
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ArgumentFault("it holds characters that are not valid Unicode") from None


def scalar(value: Any) -> str:
    """A string, number or boolean as text. Raises ArgumentFault for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else orjson.dumps(value).decode()
    raise ArgumentFault("it may hold strings, numbers and booleans only here, nothing nested and no null")


def json_text(value: Any) -> str:
    """The value as JSON. Raises ArgumentFault."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise ArgumentFault("it cannot be written as JSON") from None


def utf8(text: str) -> bytes:
    """The text in UTF-8. Raises ArgumentFault for what is not Unicode."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ArgumentFault("it holds characters that are not valid Unicode") from None


def in_path(parameter: Parameter, value: Any, others: frozenset[str]) -> str:
    """The value within one segment of a path. `others` are as in a query. Raises ArgumentFault."""
    parts = [json_text(value)] if parameter.style == "json" else _simple(parameter, value)
    if not parts or not all(parts):
        raise ArgumentFault("it must not be empty, since that would be another path")
    if any(_UNFIT_FOR_PATHS.search(part) for part in parts):
        raise ArgumentFault("it must not hold slashes, backslashes or control characters, since it is in a path")
    is_object = isinstance(value, dict) and parameter.style != "json"
    is_exploded = parameter.explode and (is_object or isinstance(value, list))
    written = [_pair(part) if is_object and is_exploded else encoded(part) for part in parts]
    if parameter.style == "matrix":
        if is_object and is_exploded:
            _check_members(cast("dict[str, Any]", value), others - {parameter.name})
        return _matrix(encoded(parameter.name), written, is_exploded=is_exploded, is_object=is_object)
    if parameter.style == "label":
        if is_exploded and any("." in part for part in parts):
            raise ArgumentFault("its parts must not hold dots, which part them here")
        return f".{('.' if is_exploded else ',').join(written)}"
    return ",".join(written)


def _pair(part: str) -> str:
    return "=".join(map(encoded, part.split("=", 1)))


def _matrix(name: str, written: list[str], *, is_exploded: bool, is_object: bool) -> str:
    """Path-style parameters (RFC 6570, section 3.2.7)."""
    if not is_exploded:
        return f";{name}={','.join(written)}"
    return "".join(f";{part}" if is_object else f";{name}={part}" for part in written)


def in_cookie(parameter: Parameter, value: Any, others: frozenset[str]) -> Iterator[str]:
    """The value as `name=value` pairs of the header Cookie. `others` are as in a query. Raises ArgumentFault."""
    write = _cookie_octets if parameter.style == "cookie" else encoded
    if parameter.style == "json":
        yield f"{parameter.name}={encoded(json_text(value))}"
    elif isinstance(value, dict) and parameter.explode:
        members = cast("dict[str, Any]", value)
        _check_members(members, others - {parameter.name})
        yield from (f"{encoded(key)}={write(scalar(one))}" for key, one in members.items())
    elif isinstance(value, list) and parameter.explode:
        yield from (f"{parameter.name}={write(scalar(one))}" for one in cast("list[Any]", value))
    else:
        yield f"{parameter.name}={','.join(write(part) for part in _simple(parameter, value))}"


def _cookie_octets(text: str) -> str:
    """Text that stands in a cookie as it is (RFC 6265, section 4.1.1)."""
    if _FIT_FOR_COOKIES.fullmatch(text) is None:
        raise ArgumentFault("it must be visible ASCII, without quotes, commas, semicolons and backslashes")
    return text


def in_header(parameter: Parameter, value: Any) -> str:
    """The value of a header. Raises ArgumentFault."""
    if parameter.style == "json":
        return _fit_for_headers(json_text(value))
    parts = _simple(parameter, value)
    if isinstance(value, list | dict) and any("," in part for part in parts):
        raise ArgumentFault("its parts must not hold commas, which part them in a header")
    return _fit_for_headers(",".join(parts))


def _fit_for_headers(text: str) -> str:
    if _FIT_FOR_HEADERS.fullmatch(text) is None:
        raise ArgumentFault(
            "it must be visible ASCII, without line ends or blanks at its ends, since it is sent in a header"
        )
    return text


def _simple(parameter: Parameter, value: Any) -> list[str]:
    """The parts that are to stand between commas."""
    if isinstance(value, list):
        return [scalar(one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return [scalar(value)]
    members = cast("dict[str, Any]", value)
    if not parameter.explode:
        return [part for key, one in members.items() for part in (key, scalar(one))]
    if any("=" in key for key in members):
        raise ArgumentFault("the names in it must not hold an equals sign")
    return [f"{key}={scalar(one)}" for key, one in members.items()]


def in_query(parameter: Parameter, value: Any, others: frozenset[str]) -> Iterator[str]:
    """The value as `name=value` pairs of a query or form, encoded.

    `others` are the names of which no pair may be made by what an object holds. Raises ArgumentFault.
    """
    name = encoded(parameter.name)
    if parameter.style == "json":
        yield f"{name}={encoded(json_text(value))}"
    elif isinstance(value, dict):
        yield from _object_pairs(parameter, cast("dict[str, Any]", value), others)
    elif parameter.style == "deepObject":
        raise ArgumentFault("it must be an object")
    elif not isinstance(value, list):
        yield f"{name}={encoded(scalar(value))}"
    elif parameter.explode:
        yield from (f"{name}={encoded(scalar(one))}" for one in cast("list[Any]", value))
    else:
        yield f"{name}={_delimited(parameter, [scalar(one) for one in cast('list[Any]', value)])}"


def _object_pairs(parameter: Parameter, members: Mapping[str, Any], others: frozenset[str]) -> Iterator[str]:
    if parameter.style == "deepObject":
        pairs = list(_deep_pairs(parameter.name, members, _DEEPEST))
        _check_keys(dict(pairs), others - {parameter.name})
        yield from (f"{encoded(key)}={encoded(scalar(one))}" for key, one in pairs)
    elif parameter.explode and parameter.style == "form":
        _check_members(members, others - {parameter.name})
        yield from (f"{encoded(key)}={encoded(scalar(one))}" for key, one in members.items())
    else:
        parts = [part for key, one in members.items() for part in (key, scalar(one))]
        yield f"{encoded(parameter.name)}={_delimited(parameter, parts)}"


def _deep_pairs(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """`name[a][b]` and `name[a][0]` with values: what OpenAPI leaves open beyond one level, as most read it."""
    if depth == 0:
        raise ArgumentFault(f"it is nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        _check_brackets(members)
    elif isinstance(value, list):
        members = {str(index): one for index, one in enumerate(cast("list[Any]", value))}
    else:
        yield name, value
        return
    for key, one in members.items():
        yield from _deep_pairs(f"{name}[{key}]", one, depth - 1)


def _check_members(members: Mapping[str, Any], others: frozenset[str]) -> None:
    _check_brackets(members)
    _check_keys(members, others)


def _check_keys(members: Mapping[str, Any], others: frozenset[str]) -> None:
    """See that a member is no other parameter in disguise."""
    if any(key in others for key in members):
        raise ArgumentFault("it holds the name of another parameter: give that as an argument of its own")


def _check_brackets(members: Mapping[str, Any]) -> None:
    if any("[" in key or "]" in key or not key for key in members):
        raise ArgumentFault("the names in it must not be empty or hold brackets")


def _delimited(parameter: Parameter, parts: list[str]) -> str:
    """Joined with a delimiter that, in `form`, is told from one within a part by not being encoded."""
    delimiter = _DELIMITERS[parameter.style]
    written = [encoded(part) for part in parts]
    if parameter.style != "form" and any(delimiter in part for part in written):
        raise ArgumentFault("its parts must not hold the character that parts them: a blank, or a vertical bar")
    return delimiter.join(written)
