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
from gateway.hub.openapi.files import read_file
from gateway.hub.openapi.multipart import write_multipart
from gateway.hub.openapi.operations import Operation, path_parts
from gateway.hub.openapi.parameters import BODY, Parameter, Style, names_of
from gateway.hub.openapi.sent import NOTHING_SENT, Sent
from gateway.hub.openapi.values import (
    ArgumentFault,
    in_cookie,
    in_header,
    in_path,
    in_query,
    json_text,
    scalar,
    utf8,
)
from gateway.telemetry.visible import one_line

_LONGEST_URL = 16 * 1024  # characters; servers take less
_LARGEST_BODY = 8 * 1024 * 1024  # bytes
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
    if cookies := [*sent.cookies, *_cookies(operation, base, given)]:
        headers["cookie"] = "; ".join(cookies)
    if operation.body is None or BODY not in given:
        return ApiRequest(operation.method, url, headers, None)
    with _naming(BODY):
        media_type, content = _content(operation.body, given[BODY])
        if len(content) > _LARGEST_BODY:
            raise ArgumentFault(f"it makes a body of {len(content)} bytes, more than {_LARGEST_BODY}")
    return ApiRequest(operation.method, url, {**headers, "Content-Type": media_type}, content)


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
            written[parameter.name] = in_path(parameter, value, names_of(operation.parameters, "path"))
    parts = path_parts(operation.path)
    path = "".join(written[part] if index % 2 else part for index, part in enumerate(parts))
    # What follows a semicolon are parameters of the segment to some servers, which take `..;a=b` for `..`.
    if any(unquote(segment).partition(";")[0] in (".", "..") for segment in path.split("/")):
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


def _cookies(operation: Operation, base: Base, given: Mapping[str, Any]) -> Iterator[str]:
    names = names_of(operation.parameters, "cookie") | base.cookie_names
    for parameter, value in _of(operation, "cookie", given):
        with _naming(parameter.argument):
            yield from in_cookie(parameter, value, names)


def _content(body: Body, value: Any) -> tuple[str, bytes]:
    """The media type and the body."""
    match body.kind:
        case "json":
            return body.media_type, json_text(value).encode()
        case "text":
            return body.media_type, utf8(scalar(value))
        case "binary":
            file = read_file(value, (body.media_type,))
            if file.content_type is None:
                raise ArgumentFault(f"it needs a content_type, one of {body.media_type}")
            return file.content_type, file.content
        case "form" | "multipart":
            if not isinstance(value, dict):
                raise ArgumentFault("it must be an object")
            members = cast("dict[str, Any]", value)
            if body.kind == "multipart":
                return write_multipart(body.parts, members)
            return body.media_type, "&".join(_form(body, members)).encode()


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
