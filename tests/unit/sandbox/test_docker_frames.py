from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.docker.frames import STDERR, STDOUT, BrokenFrame, FrameSplitter

frames = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=40)), max_size=12)


def encoded(frames) -> bytes:
    return b"".join(
        bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload for stream, payload in frames
    )


def joined(payloads) -> list[tuple[int, bytes]]:
    """Neighbouring payloads of one stream put together."""
    together = itertools.groupby((each for each in payloads if each[1]), key=lambda each: each[0])
    return [(stream, b"".join(payload for _, payload in group)) for stream, group in together]


@given(frames, st.lists(st.integers(0, 600), max_size=10))
def test_however_the_stream_is_cut_the_payloads_are_the_same(frames, cuts):
    data = encoded(frames)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    splitter = FrameSplitter()
    received = [payload for start, end in itertools.pairwise(edges) for payload in splitter.feed(data[start:end])]
    assert all(payload for _, payload in received)
    assert joined(received) == joined(frames)


def test_a_payload_is_given_out_before_its_frame_is_complete():
    splitter = FrameSplitter()
    assert splitter.feed(encoded([(STDOUT, b"hello world")])[:13]) == [(STDOUT, b"hello")]


@pytest.mark.parametrize("data", [b"\x07\0\0\0\0\0\0\x01x", b"\x01\x01\0\0\0\0\0\x01x", b"HTTP/1.1"])
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(BrokenFrame, match="where a frame should begin"):
        FrameSplitter().feed(data)
