"""Files as arguments: bytes in base64 or text, of bounded size, with a name and a media type if need be.

Above: `bodies` and `multipart`. Below: `document`. Refuses to know: where a file comes from; none is ever opened.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, cast

from gateway.hub.openapi.document import Node
from gateway.hub.openapi.schemas import Schema
from gateway.hub.openapi.values import ArgumentFault, utf8

LARGEST_FILE = 4 * 1024 * 1024  # bytes
ANY_BYTES = "application/octet-stream"

_LONGEST_NAME = 200  # characters
_UNFIT_FOR_NAMES = re.compile(r'[/\\\x00-\x1f\x7f"]')
_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}(; ?charset=[A-Za-z0-9_-]{1,32})?", re.ASCII
)
_MEMBERS: Schema = {
    "data": {"type": "string", "contentEncoding": "base64", "description": "the bytes, as base64"},
    "text": {"type": "string", "description": "the content of a text file, in the place of data"},
    "filename": {"type": "string", "maxLength": _LONGEST_NAME},
    "content_type": {"type": "string", "description": "the media type, such as image/png"},
}


@dataclass(frozen=True, slots=True)
class File:
    """One file to be sent."""

    content: bytes = field(repr=False)
    filename: str | None = None
    content_type: str | None = None


def file_schema(schema: Any, *, named: bool) -> Schema:
    """What a file is as an argument, with the words that the document has for it. `named` ones have a filename."""
    members = {name: member for name, member in _MEMBERS.items() if named or name != "filename"}
    return {**words_of(schema), "type": "object", "properties": members, "additionalProperties": False}


def words_of(schema: Any) -> Schema:
    """What a schema says for people."""
    found = cast("Schema", schema) if isinstance(schema, dict) else {}
    return {key: found[key] for key in ("title", "description", "deprecated") if key in found}


def type_of(node: Node) -> str:
    """The one type of a schema, null aside; empty where there are none or several."""
    kind: Any = node.value.get("type")
    kinds = [one for one in cast("list[Any]", kind) if one != "null"] if isinstance(kind, list) else [kind]
    return kinds[0] if len(kinds) == 1 and isinstance(kinds[0], str) else ""


def is_file(node: Node) -> bool:
    """Whether a schema stands for the bytes of a file (3.0: `format: binary`; 3.1: "Working with Binary Data")."""
    if type_of(node) != "string" and node.value.get("type") is not None:
        return False
    if node.text("contentEncoding"):
        return False
    return node.text("format") == "binary" or is_binary_type(node.text("contentMediaType"))


def is_binary_type(media: str) -> bool:
    """Whether a media type, perhaps a pattern, stands for something else than text and JSON."""
    kind = media.partition(";")[0].strip().lower()
    return bool(kind) and not kind.startswith("text/") and not kind.endswith(("json", "*/*"))


def read_file(value: Any, allowed: Sequence[str] = ()) -> File:
    """The file in an argument, its type among those `allowed` if there are any. Raises ArgumentFault."""
    if not isinstance(value, dict):
        raise ArgumentFault('it must be a file: {"data": BASE64} or {"text": TEXT}')
    members = cast("dict[str, Any]", value)
    if unknown := members.keys() - _MEMBERS.keys():
        raise ArgumentFault(f"a file has data or text, filename and content_type, and no {min(unknown)[:40]!r}")
    data, text = members.get("data"), members.get("text")
    if isinstance(data, str) == isinstance(text, str):
        raise ArgumentFault("a file has either data or text, a string")
    content = _bytes_of(data) if isinstance(data, str) else utf8(str(text))
    if len(content) > LARGEST_FILE:
        raise ArgumentFault(f"the file is larger than {LARGEST_FILE} bytes")
    return File(content, _filename(members.get("filename")), _content_type(members.get("content_type"), allowed))


def _bytes_of(data: str) -> bytes:
    if len(data) > LARGEST_FILE * 4 // 3 + 4:
        raise ArgumentFault(f"the file is larger than {LARGEST_FILE} bytes")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise ArgumentFault("its data is not base64") from None


def _filename(name: Any) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or _UNFIT_FOR_NAMES.search(name):
        raise ArgumentFault("a filename has no slashes, quotes or control characters, and up to 200 characters")
    return name


def _content_type(given: Any, allowed: Sequence[str]) -> str | None:
    if given is None:
        return next((media for media in allowed if "*" not in media), None)
    if not isinstance(given, str) or _MEDIA_TYPE.fullmatch(given) is None:
        raise ArgumentFault("a content_type is a media type, such as image/png")
    kind = given.partition(";")[0].lower()
    if allowed and not any(fnmatchcase(kind, media) for media in allowed):
        raise ArgumentFault(f"its content_type must be {' or '.join(allowed)[:200]}")
    return given
