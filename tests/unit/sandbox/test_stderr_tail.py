from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.stderr_tail import LONGEST_LINE, MOST_LINES, StderrTail


def tail_of(*pieces: bytes) -> tuple[str, ...]:
    tail = StderrTail()
    for piece in pieces:
        tail.feed(piece)
    return tail.lines()


def test_lines_are_kept_in_order_and_one_without_an_end_counts():
    assert tail_of(b"one\ntw", b"o\r\n\nthree") == ("one", "two", "", "three")


def test_only_the_last_lines_are_kept():
    lines = tail_of(b"".join(b"%d\n" % number for number in range(500)))
    assert lines == tuple(str(number) for number in range(500 - MOST_LINES, 500))
    assert len(tail_of(b"x\n" * MOST_LINES + b"unfinished")) == MOST_LINES


def test_a_long_line_is_cut_and_the_next_one_is_whole():
    assert tail_of(b"x" * 100_000, b"x" * 100_000 + b"\nnext\n") == ("x" * LONGEST_LINE, "next")


def test_a_line_that_never_ends_takes_bounded_memory():
    tail = StderrTail()
    for _ in range(100):
        tail.feed(b"x" * 100_000)
    assert len(tail._unfinished) <= 4 * LONGEST_LINE


def test_what_is_no_text_does_not_hurt():
    assert tail_of(b"\xff\xfe\n") == ("\ufffd\ufffd",)


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_the_cuts_between_pieces_do_not_matter(pieces):
    assert tail_of(*pieces) == tail_of(b"".join(pieces))
