"""Amazon's event streams, with Amazon's own decoder as the other side."""

from __future__ import annotations

import itertools

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects import WireFormatError
from gateway.dialects.event_stream import EventStreamDecoder, Frame, FrameCutter, encode_frame

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
HEADERS = st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), max_size=60), max_size=4)
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=200)), max_size=5)
WHOLE = encode_frame({":event-type": "x"}, b'{"a": 1}')


def decoded(data: bytes, cuts: list[int]) -> list[Frame]:
    decoder = EventStreamDecoder()
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [frame for start, end in itertools.pairwise(places) for frame in decoder.feed(data[start:end])]


@given(FRAMES, st.lists(st.integers(0, 10_000), max_size=8))
def test_what_is_written_is_read_again_however_it_is_cut(
    frames: list[tuple[dict[str, str], bytes]], cuts: list[int]
):
    data = b"".join(encode_frame(headers, payload) for headers, payload in frames)
    expected = [Frame(headers, payload) for headers, payload in frames]
    assert decoded(data, cuts) == expected
    if len(data) < 300:
        assert decoded(data, list(range(len(data)))) == expected


@given(HEADERS, st.binary(max_size=200))
def test_amazons_decoder_reads_what_is_written(headers: dict[str, str], payload: bytes):
    buffer = EventStreamBuffer()
    buffer.add_data(encode_frame(headers, payload))
    message = next(buffer)
    assert (message.headers, message.payload) == (headers, payload)


@pytest.mark.parametrize("place", range(len(WHOLE)))
def test_no_byte_of_a_frame_can_change_unnoticed(place: int):
    changed = bytearray(WHOLE)
    changed[place] ^= 1
    decoder = EventStreamDecoder()
    try:
        frames = list(decoder.feed(bytes(changed)))
    except WireFormatError:
        return
    assert frames == []  # a length that has grown: the rest of the frame never comes
    assert place < 4


@pytest.mark.parametrize("length", [0, 15, 16 * 1024 * 1024 + 1, 2**32 - 1])
def test_a_length_that_none_can_have_is_refused_at_once(length: int):
    with pytest.raises(WireFormatError, match="length"):
        list(EventStreamDecoder().feed(length.to_bytes(4, "big") + bytes(12)))


def test_headers_of_other_types_are_passed_over_and_broken_ones_refused():
    typed = b"\x01b\x00" + b"\x01i\x04\x00\x00\x00\x07" + b"\x01y\x06\x00\x02ab" + b"\x01s\x07\x00\x01v"
    assert list(EventStreamDecoder().feed(frame_of(typed))) == [Frame({"s": "v"}, b"")]
    for broken in (b"\x01s\x07\x00\x09v", b"\x01s\x0b", b"\x09s", b"\x01s\x07\x00", b"\x01\xff\x07\x00\x00"):
        with pytest.raises(WireFormatError, match="header"):
            list(EventStreamDecoder().feed(frame_of(broken)))


def frame_of(headers: bytes) -> bytes:
    """A frame with raw headers, and checksums that are right."""
    from struct import pack
    from zlib import crc32

    prelude = pack(">II", 16 + len(headers), len(headers))
    head = prelude + pack(">I", crc32(prelude)) + headers
    return head + pack(">I", crc32(head))


def test_a_cutter_gives_whole_frames_alone_and_every_byte_of_them():
    cutter = FrameCutter()
    data = WHOLE * 3
    pieces = [b"".join(cutter.feed(data[place : place + 1])) for place in range(len(data) - 1)]
    assert b"".join(pieces) == WHOLE * 2
    assert {len(piece) for piece in pieces} == {0, len(WHOLE)}
