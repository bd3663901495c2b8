"""Bodies of several parts, `multipart/form-data` (RFC 7578; 3.1, "Special Considerations for multipart Content").

Above: `bodies` reads what the parts are, `requests` writes them. Below: `files`. No message quotes a value.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from gateway.hub.openapi.document import Node
from gateway.hub.openapi.files import (
    ANY_BYTES,
    file_schema,
    is_binary_type,
    is_file,
    read_file,
    type_of,
    words_of,
)
from gateway.hub.openapi.schemas import Schema
from gateway.hub.openapi.values import ArgumentFault, json_text, scalar, utf8

_MOST_PARTS = 200  # in one body
_DEEPEST = 5  # levels of allOf in which properties are looked for


@dataclass(frozen=True, slots=True)
class Part:
    """How one field is written: each element by itself where it `is_list`, as one of the `media_types` if any."""

    kind: Literal["text", "json", "file"]
    is_list: bool = False
    media_types: tuple[str, ...] = ()


def read_parts(media: Node) -> dict[str, Part]:
    """The parts that a document describes. Raises DocumentFault for what cannot be written."""
    schema, encoding = media.get("schema"), media.get("encoding")
    parts = {name: _read_part(node, None) for name, node in _properties(schema)} if schema else {}
    known = dict(_properties(schema)) if schema else {}
    for name, said in encoding.items() if encoding else ():
        parts[name] = _read_part(known.get(name), said.object())
    return parts


def _properties(schema: Node, depth: int = _DEEPEST) -> Iterator[tuple[str, Node]]:
    node = schema.resolved()
    together = node.get("allOf")
    for one in together.elements() if together and depth else ():
        yield from _properties(one, depth - 1)
    properties = node.get("properties")
    yield from properties.items() if properties else ()


def _read_part(node: Node | None, said: Node | None) -> Part:
    node = _without_null(node)
    elements = node.get("items") if node is not None and type_of(node) == "array" else None
    media_types = _media_types(said) if said is not None else ()
    return Part(_kind(_without_null(elements or node), media_types), elements is not None, media_types)


def _without_null(node: Node | None) -> Node | None:
    """What a schema stands for that allows for null besides, as FastAPI writes what is optional."""
    if node is None or not isinstance(node.value, dict):
        return None
    node = node.resolved()
    for key in ("anyOf", "oneOf"):
        branches = node.get(key)
        others = [one for one in branches.elements() if one.text("type") != "null"] if branches else []
        if len(others) == 1:
            return others[0].resolved()
    return node


def _media_types(said: Node) -> tuple[str, ...]:
    for key in ("style", "explode", "allowReserved"):
        if said.get(key) is not None:
            raise said.fault(f"{key} means nothing for a part of multipart/form-data that we could send")
    headers = said.get("headers")
    for name, header in headers.items() if headers else ():
        if header.resolved().flag("required") and name.lower() != "content-type":
            raise said.fault("a part with a header of its own is not supported, and this one is required")
    written = said.text("contentType")
    if not (written.isascii() and written.isprintable()):
        raise said.fault("its contentType holds characters that no media type has")
    return tuple(one.strip().lower() for one in written.split(",") if one.strip())


def _kind(node: Node | None, media_types: Sequence[str]) -> Literal["text", "json", "file"]:
    if media_types and is_binary_type(media_types[0]):
        return "file"
    if any(media.partition(";")[0].endswith("json") for media in media_types):
        return "json"
    if node is None:
        return "text"
    if is_file(node):
        return "file"
    return "json" if type_of(node) in ("object", "array") or node.get("properties") else "text"


def with_files(schema: Any, parts: Mapping[str, Part]) -> Any:
    """The schema of a body in which the files are what files are as arguments."""
    if not isinstance(schema, dict):
        return schema
    written = dict(cast("Schema", schema))
    if "allOf" in written:
        written["allOf"] = [with_files(one, parts) for one in written["allOf"]]
    if "properties" in written:
        properties: Schema = written["properties"]
        written["properties"] = {name: _as_argument(one, parts.get(name)) for name, one in properties.items()}
    return written


def _as_argument(schema: Any, part: Part | None) -> Any:
    if part is None or part.kind != "file":
        return schema
    if not part.is_list:
        return file_schema(schema, named=True)
    return {**words_of(schema), "type": "array", "items": file_schema({}, named=True)}


def write_multipart(parts: Mapping[str, Part], members: Mapping[str, Any]) -> tuple[str, bytes]:
    """The media type, with its boundary, and the body. Raises ArgumentFault."""
    boundary = secrets.token_hex(16)  # nobody who gives an argument knows it beforehand
    body = bytearray()
    written = [piece for name, value in members.items() for piece in _pieces(name, value, parts.get(name))]
    if len(written) > _MOST_PARTS:
        raise ArgumentFault(f"it has more than {_MOST_PARTS} parts")
    for head, content in written:
        body += utf8(f"--{boundary}\r\n{head}\r\n\r\n") + content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(body)


def _pieces(name: str, value: Any, part: Part | None) -> Iterator[tuple[str, bytes]]:
    """The head and the content of each part that one field makes; what is null makes none."""
    if value is None:
        return
    part = part or Part("json" if isinstance(value, dict) else "text", isinstance(value, list))
    yield from (_piece(name, element, part) for element in _elements(value, is_list=part.is_list))


def _elements(value: Any, *, is_list: bool) -> list[Any]:
    return cast("list[Any]", value) if is_list and isinstance(value, list) else [value]


def _piece(name: str, value: Any, part: Part) -> tuple[str, bytes]:
    disposition = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    if part.kind == "file":
        file = read_file(value, part.media_types)
        named = f'{disposition}; filename="{_quoted(file.filename or name)}"'
        return f"{named}\r\nContent-Type: {file.content_type or ANY_BYTES}", file.content
    is_json = part.kind == "json" or isinstance(value, dict | list)
    content = json_text(value) if is_json else scalar(value)
    media = next((media for media in part.media_types if "*" not in media), "application/json" if is_json else "")
    return f"{disposition}\r\nContent-Type: {media}" if media else disposition, utf8(content)


def _quoted(name: str) -> str:
    """As browsers write it (HTML, "multipart/form-data encoding algorithm")."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
