"""Server-sent events in and out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sse import HEARTBEAT, EventTooLarge, ServerSentEvent, SseDecoder, encode_event

LIMIT = 4096


def decode(*chunks: bytes, limit: int = LIMIT) -> list[ServerSentEvent]:
    decoder = SseDecoder(limit)
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_a_chunk_of_whole_events_is_read_at_once():
    assert [event.data for event in decode(b"data: one\n\ndata: two\n\n")] == [b"one", b"two"]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_may_end_in_three_ways(end: bytes):
    stream = end.join([b": hello", b"event: ping", b"data: a", b"data: b", b"id: 7", b"retry: 50", b"", b""])
    assert decode(stream) == [ServerSentEvent(b"a\nb", "ping", "7", 50)]


def test_comments_and_empty_lines_make_no_event():
    assert decode(b": PROCESSING\n\n\n\n:\n\ndata: x\n\n") == [ServerSentEvent(b"x")]


def test_a_byte_order_mark_before_the_first_event_is_skipped():
    assert decode(b"\xef\xbb", b"\xbfdata: x\n\n") == [ServerSentEvent(b"x")]


def test_the_last_id_holds_for_the_events_after_it():
    assert [event.id for event in decode(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\n")] == ["1", "1", "2"]


def test_a_colon_and_a_space_after_the_name_may_be_missing():
    assert [event.data for event in decode(b"data:x\n\ndata\n\ndata:  y\n\n")] == [b"x", b"", b" y"]


def test_an_event_over_the_limit_is_refused_whole_or_in_pieces():
    with pytest.raises(EventTooLarge):
        decode(b"data: " + b"x" * LIMIT + b"\n\n")
    with pytest.raises(EventTooLarge):
        decode(*[b"data: xxxxxxxx\n"] * LIMIT)


def test_comments_that_no_empty_line_ends_do_not_add_up_to_the_limit():
    assert decode(*[b": still here\n"] * LIMIT, b"data: x\n\n") == [ServerSentEvent(b"x")]


@given(st.lists(st.text('ab:\u00e9 {}"', max_size=20), min_size=1, max_size=5), st.data(), st.booleans())
def test_it_does_not_matter_where_the_chunks_are_cut(texts: list[str], data: st.DataObject, has_crlf: bool):
    stream = b"".join(encode_event(text.encode()) + HEARTBEAT for text in texts)
    stream = stream.replace(b"\n", b"\r\n") if has_crlf else stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [event.data.decode() for event in decode(*chunks)] == texts


@given(st.text("a\n\r: ", max_size=30))
def test_data_of_several_lines_comes_back_with_plain_line_ends(text: str):
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    assert decode(encode_event(text.encode(), "kind")) == [ServerSentEvent(plain.encode(), "kind")]


def test_a_heartbeat_is_no_event():
    assert decode(HEARTBEAT) == []
