"""An operation and its arguments as an HTTP request: to the API's own address, whatever the arguments are.

Above: `peer`. Below: `values` writes each argument. Refuses to know: how it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote

from gateway.hub.openapi.base import Base
from gateway.hub.openapi.bodies import Body
from gateway.hub.openapi.operations import Operation, path_parts
from gateway.hub.openapi.parameters import BODY, Parameter, Style, names_of
from gateway.hub.openapi.sent import NOTHING_SENT, Sent
from gateway.hub.openapi.values import ArgumentFault, in_header, in_path, in_query, json_text, scalar
from gateway.telemetry.visible import one_line

_LONGEST_URL = 16 * 1024  # characters; servers take less
_LONGEST_SHOWN = 80  # characters of an argument's name


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What is sent. `url` is encoded to the last character."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


def build_request(
    operation: Operation, base: Base, arguments: Mapping[str, Any], sent: Sent = NOTHING_SENT
) -> ApiRequest:
    """The request that the arguments ask for, with what the operator sends. An argument that is null is as good as
    none.

    Raises ArgumentFault, which names the argument and never quotes it.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    _check_names(operation, given, arguments)
    path = _path(operation, given)
    query = "&".join(filter(None, (base.query, *sent.query, *_query(operation, base, given))))
    url = f"{base.prefix}{path}{f'?{query}' if query else ''}"
    if len(url) > _LONGEST_URL:
        raise ArgumentFault(f"The arguments make a URL of {len(url)} characters, more than {_LONGEST_URL}.")
    headers = {**dict(_headers(operation, given)), **sent.headers}
    if sent.cookies:
        headers["cookie"] = "; ".join(sent.cookies)
    if operation.body is None or BODY not in given:
        return ApiRequest(operation.method, url, headers, None)
    with _naming(BODY):
        content = _content(operation.body, given[BODY])
    return ApiRequest(operation.method, url, {**headers, "Content-Type": operation.body.media_type}, content)


class _naming:  # noqa: N801 - used as a function, as `contextlib` has it, and quicker than a generator
    """Says of a fault within which argument it is about."""

    def __init__(self, argument: str) -> None:
        self._argument = argument

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ArgumentFault):
            raise ArgumentFault(f"The argument {self._argument!r} cannot be sent: {error}.") from None


def _check_names(operation: Operation, given: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    schema = operation.definition["inputSchema"]
    for name in arguments:
        if name not in schema["properties"]:
            raise ArgumentFault(f"There is no argument {one_line(name, _LONGEST_SHOWN)!r}.")
    for name in schema.get("required", ()):
        if name not in given and not (name == BODY and BODY in arguments):
            raise ArgumentFault(f"The argument {name!r} is missing.")


def _of(operation: Operation, place: str, given: Mapping[str, Any]) -> Iterator[tuple[Parameter, Any]]:
    for parameter in operation.parameters:
        if parameter.place == place and parameter.argument in given:
            yield parameter, given[parameter.argument]


def _path(operation: Operation, given: Mapping[str, Any]) -> str:
    written: dict[str, str] = {}
    for parameter, value in _of(operation, "path", given):
        with _naming(parameter.argument):
            written[parameter.name] = in_path(parameter, value)
    parts = path_parts(operation.path)
    path = "".join(written[part] if index % 2 else part for index, part in enumerate(parts))
    if any(unquote(segment) in (".", "..") for segment in path.split("/")):
        raise ArgumentFault("The arguments make a segment of the path that is . or .., which is another path.")
    return path


def _query(operation: Operation, base: Base, given: Mapping[str, Any]) -> Iterator[str]:
    names = names_of(operation.parameters, "query") | base.query_names
    for parameter, value in _of(operation, "query", given):
        with _naming(parameter.argument):
            yield from in_query(parameter, value, names)


def _headers(operation: Operation, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter, value in _of(operation, "header", given):
        with _naming(parameter.argument):
            yield parameter.name, in_header(parameter, value)


def _content(body: Body, value: Any) -> bytes:
    if body.kind == "json":
        return json_text(value).encode()
    if body.kind == "text":
        return _utf8(scalar(value))
    if not isinstance(value, dict):
        raise ArgumentFault("it must be an object")
    return "&".join(_form(body, cast("dict[str, Any]", value))).encode()


def _form(body: Body, members: Mapping[str, Any]) -> Iterator[str]:
    names = frozenset(members)
    for name, value in members.items():
        if value is None:
            continue
        style, explode = _style_of(body, name, value)
        yield from in_query(Parameter(name, name, "query", style, explode, False, {}), value, names)


def _style_of(body: Body, name: str, value: Any) -> tuple[Style, bool]:
    """As the document says; else an object is JSON, and all other things are plain (3.1, "Encoding Object")."""
    if name in body.fields:
        return body.fields[name].style, body.fields[name].explode
    return ("json", False) if isinstance(value, dict) else ("form", True)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ArgumentFault("it holds characters that are not valid Unicode") from None
