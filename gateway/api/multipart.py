"""Forms with files, `multipart/form-data` (RFC 7578): read strictly, and written anew.

Above: endpoints to which files are sent. Below: python-multipart. What the gateway judged is the parts that were
read here; so that no provider reads others, it is sent these, in a spelling of our own, and never the client's.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.errors import InvalidRequest

_MOST_PARTS = 128
_LONGEST_NAME = 200
_TYPE = b"multipart/form-data"


@dataclass(frozen=True, slots=True)
class Part:
    """One field, or one file, which has a `filename`."""

    name: str
    data: bytes = field(repr=False)
    filename: str | None = None
    content_type: str | None = None


def read_form(content_type: str, body: bytes) -> Sequence[Part]:
    """The parts of a body, in their order. Raises InvalidRequest."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != _TYPE or not boundary:
        message = "content-type: send multipart/form-data with a boundary, as OpenAI's SDKs do"
        raise InvalidRequest(message, code="invalid_form")
    reading = _Reading()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reading.begin,
                "on_header_field": reading.header_name,
                "on_header_value": reading.header_value,
                "on_header_end": reading.header_end,
                "on_part_data": reading.part_data,
                "on_part_end": reading.part_end,
                "on_end": reading.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _invalid("it cannot be read") from error
    if not reading.is_complete:
        raise _invalid("it ends before it is whole")
    return reading.parts


def text_of(parts: Sequence[Part], name: str) -> str | None:
    """The value of a field that may be there once. Raises InvalidRequest."""
    found = [part for part in parts if part.name == name]
    if not found:
        return None
    if len(found) > 1 or found[0].filename is not None:
        raise InvalidRequest(f"{name} must be one field of the form", param=name)
    try:
        return found[0].data.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name} must be UTF-8", param=name) from error


def with_text(parts: Sequence[Part], name: str, value: str) -> Sequence[Part]:
    """The same form with another value of a field."""
    return [replace(part, data=value.encode()) if part.name == name else part for part in parts]


def write_form(parts: Sequence[Part], boundary: str) -> bytes:
    """A form's bytes. The boundary must be one that nobody could foresee."""
    pieces: list[bytes] = []
    for part in parts:
        pieces += [f"--{boundary}\r\n{_head(part)}\r\n".encode(), part.data, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces)


def new_boundary() -> str:
    """A boundary that stands in no file."""
    return f"toolgate-{secrets.token_hex(16)}"


def content_type_of(boundary: str) -> str:
    """Of a form with this boundary."""
    return f"multipart/form-data; boundary={boundary}"


def _head(part: Part) -> str:
    lines = f'Content-Disposition: form-data; name="{_quoted(part.name)}"'
    if part.filename is not None:
        lines += f'; filename="{_quoted(part.filename)}"'
    if part.content_type is not None:
        lines += f"\r\nContent-Type: {part.content_type}"
    return lines + "\r\n"


def _quoted(value: str) -> str:
    """As browsers do: `%22` for a quote. Line breaks never get here."""
    return value.replace('"', "%22").replace("\\", "%5C")


def _invalid(what: str) -> InvalidRequest:
    return InvalidRequest(f"the request's body is not valid multipart/form-data: {what}", code="invalid_form")


class _Reading:
    """What the parser has found so far."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.is_complete = False
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._data: list[bytes] = []

    def begin(self) -> None:
        if len(self.parts) >= _MOST_PARTS:
            raise _invalid(f"it has more than {_MOST_PARTS} parts")
        self._headers = {}
        self._data = []

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        name = self._name.decode("latin-1").lower()
        if name in self._headers:
            raise _invalid(f"a part has {name[:40]!r} twice")
        try:
            self._headers[name] = self._value.decode().strip()
        except UnicodeDecodeError as error:
            raise _invalid("a header of a part is not UTF-8") from error
        self._name, self._value = bytearray(), bytearray()

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def part_end(self) -> None:
        self.parts.append(_part(self._headers, b"".join(self._data)))

    def end(self) -> None:
        self.is_complete = True


def _part(headers: Mapping[str, str], data: bytes) -> Part:
    """Raises InvalidRequest for a part that could be read in more than one way."""
    if headers.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
        raise _invalid("a part has a transfer encoding")
    # Latin-1 and back: the parser takes what it is given for that, and these headers are UTF-8.
    disposition = headers.get("content-disposition", "").encode().decode("latin-1")
    kind, options = parse_options_header(disposition)
    name, filename = options.get(b"name", b"").decode(), options.get(b"filename")
    if kind != b"form-data" or not name or len(name) > _LONGEST_NAME:
        raise _invalid("a part has no name, or a long one")
    shown = None if filename is None else filename.decode()
    content_type = headers.get("content-type")
    for text in (name, shown or "", content_type or ""):
        if not text.isprintable():
            raise _invalid("a header of a part holds characters that it cannot have")
    return Part(name, data, shown, content_type)
