"""The bodies of requests: of which of its media types one is sent, and how the fields of a form are written.

Above: `operations`. Below: `document` and `schemas`. Refuses to know: requests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from gateway.hub.openapi.document import Node
from gateway.hub.openapi.files import file_schema
from gateway.hub.openapi.multipart import Part, read_parts, with_files
from gateway.hub.openapi.parameters import Style
from gateway.hub.openapi.schemas import Schema, read_schema
from gateway.telemetry.visible import one_line

BodyKind = Literal["json", "form", "multipart", "text", "binary"]

_LONGEST_SHOWN = 100  # characters of what is not supported, in a message
_BINARY = re.compile(
    r"application/(octet-stream|pdf|zip|gzip|x-gzip|x-tar|x-bzip2|x-zip-compressed)"
    r"|(image|audio|video|font)/([a-z0-9!#$&^_.+-]+|\*)",
    re.ASCII,
)
"""Kinds of files, without those that are made of elements of a document, such as XML."""
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+*-]+/[a-z0-9!#$&^_.+*-]+", re.ASCII)
_WITHOUT_BODY = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class FieldStyle:
    """How one field of a form is written, where the document says so."""

    style: Style
    explode: bool


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request, which the argument `body` holds as a whole.

    `fields` are those of a form, `parts` those of several parts. The media type of a binary one may be a pattern.
    """

    kind: BodyKind
    media_type: str
    is_required: bool
    schema: Schema = field(repr=False)
    fields: Mapping[str, FieldStyle] = field(default_factory=dict[str, FieldStyle], repr=False)
    parts: Mapping[str, Part] = field(default_factory=dict[str, Part], repr=False)


_KINDS: tuple[tuple[BodyKind, Callable[[str], bool]], ...] = (
    ("json", lambda media: media == "application/json"),
    ("json", lambda media: media.startswith("application/") and media.endswith("+json")),
    ("form", lambda media: media == "application/x-www-form-urlencoded"),
    ("multipart", lambda media: media == "multipart/form-data"),
    ("text", lambda media: media.startswith("text/") and media != "text/*"),
    ("json", lambda media: media in ("*/*", "application/*")),
    ("binary", lambda media: _BINARY.fullmatch(media) is not None),
)
"""In the order of preference."""


def read_body(operation: Node, method: str) -> Body | None:
    """The body of an operation; None where it has none, or can do without one that we cannot send.

    Raises DocumentFault for one that it needs and that we cannot send.
    """
    found = operation.get("requestBody")
    if found is None:
        return None
    node = found.resolved()
    is_required = node.flag("required") is True
    content = node.required("content").object()
    chosen = None if method in _WITHOUT_BODY else _chosen(content)
    if chosen is not None:
        return _read(*chosen, is_required=is_required)
    if not is_required:
        return None
    if method in _WITHOUT_BODY:
        raise node.fault(f"a body with {method} has no meaning in HTTP, and this one is required")
    media = one_line(", ".join(content.members()), _LONGEST_SHOWN)
    hint = "JSON, forms, multipart/form-data, text and files (such as application/octet-stream and image/png) are"
    raise content.fault(f"bodies of the type {media or '(none)'} are not supported", hint)


def _chosen(content: Node) -> tuple[BodyKind, str, Node] | None:
    media_types = {media.partition(";")[0].strip().lower(): node for media, node in content.items()}
    for kind, fits in _KINDS:
        for media, node in media_types.items():
            if fits(media) and _MEDIA_TYPE.fullmatch(media):
                is_any = kind == "json" and "*" in media
                return kind, "application/json" if is_any else media, node.object()
    return None


def _read(kind: BodyKind, media: str, node: Node, *, is_required: bool) -> Body:
    found = node.get("schema")
    schema: Any = read_schema(found, "request") if found else {}
    schema = cast("Schema", schema) if isinstance(schema, dict) else {}
    if kind == "text":
        schema = {"type": "string"} | schema
    if kind == "binary":
        schema = file_schema(schema, named=False)
    if kind in ("form", "multipart"):
        schema = {"type": "object"} | schema
    if kind == "multipart":
        parts = read_parts(node)
        return Body(kind, media, is_required, with_files(schema, parts), parts=parts)
    return Body(kind, media, is_required, schema, dict(_fields(node)) if kind == "form" else {})


def _fields(node: Node) -> dict[str, FieldStyle]:
    encoding = node.get("encoding")
    fields: dict[str, FieldStyle] = {}
    for name, one in encoding.items() if encoding else ():
        style = one.object().text("style")
        explode = one.flag("explode")
        if not style and explode is None:
            continue
        if style not in ("", "form", "spaceDelimited", "pipeDelimited", "deepObject"):
            raise one.fault("the style of this field is not supported")
        fields[name] = FieldStyle(style or "form", style in ("", "form") if explode is None else explode)
    return fields
