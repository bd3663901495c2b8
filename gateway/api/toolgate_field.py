"""What a request asks of the gateway itself: the `toolgate` field of its body, and the `x-toolgate-tools` header.

    {"tools": ["files/*"], "require": ["files/*"], "events": true,
     "limits": {"rounds": 4, "calls": 8, "wall_clock_seconds": 30, "usd": 0.10}}

All of it can only narrow what the key may do. Strict: what is not understood is refused by name, because a
limit that was misspelt would be no limit.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from gateway.errors import InvalidRequest
from tool_policies import InvalidPattern, parse_pattern

HEADER = "x-toolgate-tools"
FIELD = "toolgate"

_NONE = "none"
_UNITS = {"wall_clock_seconds": "seconds", "usd": "US dollars"}
_MOST_PATTERNS = 64
_LONGEST_PATTERN = 256


@dataclass(frozen=True, slots=True)
class RequestedLimits:
    """Limits that a request sets itself; None where it sets none."""

    rounds: int | None = None
    calls: int | None = None
    wall_clock_seconds: float | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a request asks for. `narrowings` are lists of patterns, each of which a tool must match."""

    narrowings: tuple[tuple[str, ...], ...] = ()
    require: tuple[str, ...] = ()
    limits: RequestedLimits = RequestedLimits()
    events: bool = False

    @property
    def asks_for_tools(self) -> bool:
        """True when the request speaks of tools at all: what keys with `tools: on_request` wait for."""
        return bool(self.narrowings or self.require)


_NOTHING_ASKED = RequestOptions()


def read_options(headers: Mapping[str, str], body: Mapping[str, Any]) -> RequestOptions:
    """The options of one request; header and field both narrow. Raises InvalidRequest naming the field."""
    if HEADER not in headers and FIELD not in body:
        return _NOTHING_ASKED
    narrowings: list[tuple[str, ...]] = []
    if HEADER in headers:
        narrowings.append(_header_patterns(headers[HEADER]))
    field = _object(body.get(FIELD, {}), FIELD, known=("tools", "require", "limits", "events"))
    if "tools" in field:
        narrowings.append(_narrowing(_patterns(field["tools"], "toolgate.tools"), "toolgate.tools"))
    return RequestOptions(
        tuple(narrowings),
        _required(field.get("require", [])),
        _limits(field.get("limits", {})),
        _flag(field.get("events", False), "toolgate.events"),
    )


def _header_patterns(value: str) -> tuple[str, ...]:
    patterns = [pattern.strip() for pattern in value.split(",")]
    return _narrowing(_patterns([pattern for pattern in patterns if pattern], HEADER), HEADER)


def _narrowing(patterns: tuple[str, ...], where: str) -> tuple[str, ...]:
    """A list of patterns; `none`, which must stand alone, is the empty list."""
    if patterns == (_NONE,):
        return ()
    _check_shapes(patterns, where)
    return patterns


def _required(value: Any) -> tuple[str, ...]:
    patterns = _patterns(value, "toolgate.require")
    _check_shapes(patterns, "toolgate.require")
    return patterns


def _check_shapes(patterns: tuple[str, ...], where: str) -> None:
    for pattern in patterns:
        try:
            parse_pattern(pattern)
        except InvalidPattern as error:
            raise InvalidRequest(f"{where}: {error.message}; {error.hint}", param=where) from error


def _patterns(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(cast("list[Any]", value)) > _MOST_PATTERNS:
        raise InvalidRequest(f"{where} must be a list of at most {_MOST_PATTERNS} patterns", param=where)
    for pattern in cast("list[Any]", value):
        if not isinstance(pattern, str) or not 0 < len(pattern) <= _LONGEST_PATTERN:
            message = f"{where}: each pattern must be a string of 1 to {_LONGEST_PATTERN} characters"
            raise InvalidRequest(message, param=where)
    return tuple(cast("list[str]", value))


def _limits(value: Any) -> RequestedLimits:
    where = "toolgate.limits"
    given = _object(value, where, known=("rounds", "calls", "wall_clock_seconds", "usd"))
    for name, number in given.items():
        whole = name in ("rounds", "calls")
        if isinstance(number, bool) or not isinstance(number, int if whole else int | float) or number <= 0:
            what = "a whole number above 0" if whole else f"a number of {_UNITS[name]} above 0"
            raise InvalidRequest(f"{where}.{name} must be {what}", param=f"{where}.{name}")
    return RequestedLimits(**given)


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{where} must be true or false", param=where)
    return value


def _object(value: Any, where: str, *, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{where} must be an object", param=where)
    fields = cast("Mapping[str, Any]", value)
    for name in fields:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
            raise InvalidRequest(f"{where}.{name[:80]} is not known{hint}", param=f"{where}.{name[:80]}")
    return fields
