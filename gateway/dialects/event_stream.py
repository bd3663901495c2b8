"""Amazon's event streams (`application/vnd.amazon.eventstream`): frames of bytes with headers and two checksums.

Both directions, without I/O. A frame is: its length and that of its headers, a checksum of these two, the headers,
the payload, a checksum of all that stands before it. Numbers are big-endian, checksums CRC-32.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zlib import crc32

from gateway.dialects.event_reading import LARGEST_EVENT
from gateway.dialects.faults import WireFormatError

STREAM_TYPE = "application/vnd.amazon.eventstream"
"""The content type."""

_PRELUDE = struct.Struct(">II")
_NUMBER = struct.Struct(">I")
_LENGTH = struct.Struct(">H")
_AROUND_HEADERS = 12  # bytes before them: the two lengths and their checksum
_AROUND = _AROUND_HEADERS + 4
_LARGEST_HEADERS = 128 * 1024  # bytes, as Amazon has it
_STRING = 7
_SIZES: Mapping[int, int] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type; bytes (6) and strings say theirs."""
_SIZED = frozenset({6, _STRING})


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. Of its headers those that are strings; the others are checked, and of no use here."""

    headers: Mapping[str, str]
    payload: bytes


def encode_frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame, whose names are shorter than 256 bytes and whose values shorter than 32 KiB."""
    written = b"".join(_write_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = _PRELUDE.pack(_AROUND + len(written) + len(payload), len(written))
    head = b"".join((prelude, _NUMBER.pack(crc32(prelude)), written, payload))
    return head + _NUMBER.pack(crc32(head))


def _write_header(name: bytes, value: bytes) -> bytes:
    return b"".join((bytes((len(name),)), name, bytes((_STRING,)), _LENGTH.pack(len(value)), value))


class FrameCutter:
    """Bytes in, frames out as bytes: cut by the lengths that they declare, and not looked into any further.

    Time is linear in the input.
    """

    __slots__ = ("_limit", "_missing", "_pieces", "_size")

    def __init__(self, limit: int = LARGEST_EVENT) -> None:
        """A frame may have `limit` bytes at most."""
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._missing = _AROUND

    @property
    def has_rest(self) -> bool:
        """Whether a frame has begun that is not complete."""
        return self._size > 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that `chunk` completes. Raises WireFormatError, after which nothing more can be cut."""
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size < self._missing:
            return
        data = b"".join(self._pieces)
        start = 0
        while len(data) - start >= _AROUND:
            length, _ = _PRELUDE.unpack_from(data, start)
            if not _AROUND <= length <= self._limit:
                raise WireFormatError("a frame declares a length that none can have")
            if len(data) - start < length:
                self._keep(data[start:], length)
                return
            yield data[start : start + length]
            start += length
        self._keep(data[start:], _AROUND)

    def _keep(self, rest: bytes, missing: int) -> None:
        self._pieces, self._size, self._missing = [rest], len(rest), missing


class EventStreamDecoder:
    """Bytes in, checked frames out; see `gateway.dialects.event_reading.FrameDecoder`."""

    __slots__ = ("_cutter",)

    def __init__(self, limit: int = LARGEST_EVENT) -> None:
        """A frame may have `limit` bytes at most."""
        self._cutter = FrameCutter(limit)

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that `chunk` completes. Raises WireFormatError."""
        return map(decode_frame, self._cutter.feed(chunk))


def decode_frame(data: bytes) -> Frame:
    """One whole frame, whose length is right. Raises WireFormatError."""
    length, headers_length = _PRELUDE.unpack_from(data)
    (checksum,) = _NUMBER.unpack_from(data, _PRELUDE.size)
    if checksum != crc32(data[: _PRELUDE.size]):
        raise WireFormatError("the checksum of a frame's head is wrong")
    (checksum,) = _NUMBER.unpack_from(data, length - 4)
    if checksum != crc32(memoryview(data)[:-4]):
        raise WireFormatError("the checksum of a frame is wrong")
    end = _AROUND_HEADERS + headers_length
    if headers_length > _LARGEST_HEADERS or end > length - 4:
        raise WireFormatError("the headers of a frame are longer than they can be")
    return Frame(_read_headers(data[_AROUND_HEADERS:end]), data[end : length - 4])


def _read_headers(data: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    place = 0
    try:
        while place < len(data):
            name_end = place + 1 + data[place]
            kind = data[name_end]
            start = name_end + 1
            if kind in _SIZED:
                (size,) = _LENGTH.unpack_from(data, start)
                start += _LENGTH.size
            else:
                size = _SIZES[kind]
            if start + size > len(data):
                raise WireFormatError("a header of a frame is cut off")
            if kind == _STRING:
                headers[data[place + 1 : name_end].decode()] = data[start : start + size].decode()
            place = start + size
    except (LookupError, struct.error, UnicodeDecodeError) as error:
        raise WireFormatError("a header of a frame cannot be read") from error
    return headers
