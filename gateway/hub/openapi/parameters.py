"""The parameters of an operation: where each goes and in which style, and the argument that it is taken from.

Above: `operations`. Below: `document` and `schemas`. Refuses to know: how values are written.

Arguments and parameters are one to one. An argument is called like its parameter; where two places have
parameters of one name, or `body` is taken, they are called `query_id` and `path_id`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from gateway.hub.openapi.document import Node
from gateway.hub.openapi.schemas import Schema, read_schema
from gateway.telemetry.visible import one_line

Place = Literal["path", "query", "header", "cookie"]
Style = Literal[
    "simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "cookie", "json"
]

BODY = "body"
"""The argument that a request's body is taken from."""

_STYLES: Mapping[str, tuple[Style, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form", "cookie"),
}
"""By place, the default first."""
_MOST = 200  # parameters of an operation
_LONGEST_NAME = 64  # characters of an argument
_LONGEST_SHOWN = 60  # characters of what is not known, in a message
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_DESCRIBED_ELSEWHERE = frozenset({"accept", "content-type", "authorization"})
_NOT_FROM_ARGUMENTS = frozenset(
    {
        *("host", "cookie", "set-cookie", "connection", "keep-alive", "te", "trailer", "transfer-encoding"),
        *("upgrade", "content-length", "content-encoding", "expect", "proxy-authorization", "proxy-authenticate"),
        *("proxy-connection", "accept-encoding", "via", "forwarded", "x-forwarded-for", "x-forwarded-host"),
        *("x-forwarded-proto", "x-http-method-override", "x-http-method", "x-method-override", "x-original-url"),
        "x-rewrite-url",
    }
)
"""Credentials, what a connection is made of, and what can turn a request into another one."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the operator sends with every request, and so no argument may say: header names in lower case."""

    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    cookies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, and the `argument` that it is taken from. `json` is not a style of OpenAPI's but a form."""

    argument: str
    name: str
    place: Place
    style: Style
    explode: bool
    is_required: bool
    schema: Schema = field(repr=False)


def read_parameters(path_item: Node, operation: Node, given: Given, *, has_body: bool) -> tuple[Parameter, ...]:
    """Those of a path and, before them, of its operation; in the order of the document. Raises DocumentFault."""
    found: dict[tuple[str, str], Parameter] = {}
    for owner in (path_item, operation):
        listed = owner.get("parameters")
        for node in listed.elements() if listed else ():
            parameter = node.resolved()
            place, name = _place_of(parameter), _name_of(parameter)
            if _is_taken(parameter, place, name, given):
                found[place, name] = _read(parameter, cast("Place", place), name)
    if len(found) > _MOST:
        raise operation.fault(f"it has more than {_MOST} parameters")
    return tuple(_with_arguments(found.values(), has_body=has_body))


def _name_of(node: Node) -> str:
    name = node.text("name")
    if not name:
        raise node.fault("this parameter has no name")
    if len(name) > 256 or not name.isprintable():
        raise node.fault("the name of this parameter is too long, or cannot be printed")
    return name


def _place_of(node: Node) -> str:
    place = node.text("in")
    if place not in _STYLES:
        shown = one_line(place, _LONGEST_SHOWN)
        raise node.fault(f"parameters in {shown!r} are not supported, only in {', '.join(_STYLES)}")
    return place


def _is_taken(node: Node, place: str, name: str, given: Given) -> bool:
    """Whether this parameter becomes an argument. Raises DocumentFault for one that would have to, and cannot."""
    if place == "query":
        return name not in given.query
    if place == "path":
        return True
    lowered = name.lower()
    if name in given.cookies if place == "cookie" else lowered in given.headers | _DESCRIBED_ELSEWHERE:
        return False
    if _TOKEN.fullmatch(name) is None:
        raise node.fault(f"HTTP allows no {place} with the name of this parameter")
    if place == "cookie" or lowered not in _NOT_FROM_ARGUMENTS:
        return True
    if node.flag("required"):
        hint = f"send it with every request: headers: {{{name}: ...}}"
        raise node.fault(f"the header {lowered} is never taken from an argument, and this one is required", hint)
    return False


def _read(node: Node, place: Place, name: str) -> Parameter:
    is_required = place == "path" or node.flag("required") is True
    if (content := node.get("content")) is not None:
        style, schema = _content(content, _STYLES[place][0])
        return Parameter("", name, place, style, False, is_required, _described(schema, node))
    written = node.text("style") or _STYLES[place][0]
    style: Style | None = next((known for known in _STYLES[place] if known == written), None)
    if style is None:
        supported = ", ".join(_STYLES[place])
        raise node.fault(f"the style {one_line(written, _LONGEST_SHOWN)} is not supported here, only {supported}")
    explode = node.flag("explode")
    found = node.get("schema")
    schema = read_schema(found, "request") if found else {}
    return Parameter(
        "",
        name,
        place,
        style,
        style in ("form", "cookie") if explode is None else explode,
        is_required,
        _described(schema, node),
    )


def _content(content: Node, plain: Style) -> tuple[Style, Any]:
    """How a parameter is written that has a media type: as JSON, or plainly as text. Raises DocumentFault."""
    kinds = [(media.lower().partition(";")[0].strip(), node) for media, node in content.items()]
    media, node = kinds[0] if len(kinds) == 1 else ("", content)
    if not media.endswith("json") and media != "text/plain":
        raise content.fault("a parameter with content must be JSON or plain text, and one of them")
    found = node.object().get("schema")
    schema: Any = read_schema(found, "request") if found else {}
    if media.endswith("json"):
        return "json", schema
    return plain, {"type": "string"} | (cast("Schema", schema) if isinstance(schema, dict) else {})


def _described(schema: Any, node: Node) -> Schema:
    """A schema that says what the parameter is for."""
    described: Schema = dict(cast("Schema", schema)) if isinstance(schema, dict) else {}
    if text := node.text("description"):
        described["description"] = text
    if node.flag("deprecated"):
        described["deprecated"] = True
    return described


def _with_arguments(parameters: Iterable[Parameter], *, has_body: bool) -> list[Parameter]:
    """The same with their arguments: as far as possible like the parameter, and all different."""
    listed = list(parameters)
    plain = [_argument_of(parameter.name) for parameter in listed]
    taken = {name for name in plain if plain.count(name) == 1} | ({BODY} if has_body else set[str]())
    named: list[Parameter] = []
    for parameter, name in zip(listed, plain, strict=True):
        is_free = plain.count(name) == 1 and not (has_body and name == BODY)
        argument = name if is_free else _another(f"{parameter.place}_{name}", taken)
        taken.add(argument)
        named.append(replace(parameter, argument=argument))
    return named


def _argument_of(name: str) -> str:
    """A name that model APIs allow for an argument: `filter[size]` becomes `filter_size`."""
    return _UNSAFE.sub("_", name).strip("_")[:_LONGEST_NAME] or "value"


def _another(name: str, taken: set[str]) -> str:
    candidate, number = name[:_LONGEST_NAME], 2
    while candidate in taken:
        suffix = f"_{number}"
        candidate, number = name[: _LONGEST_NAME - len(suffix)] + suffix, number + 1
    return candidate


def names_of(parameters: Sequence[Parameter], place: Place) -> frozenset[str]:
    """The names of the parameters in one place."""
    return frozenset(parameter.name for parameter in parameters if parameter.place == place)
