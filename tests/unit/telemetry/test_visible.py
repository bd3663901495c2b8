from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.visible import make_visible, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
        ("user\u202enimda", "user\\u{202e}nimda"),
        ("a\u2066b\u2069", "a\\u{2066}b\\u{2069}"),
        ("in\u200bvisible", "in\\u{200b}visible"),
        ("tag\U000e0068\U000e0069", "tag\\u{e0068}\\u{e0069}"),
        ("x\U000e0100", "x\\u{e0100}"),
        ("\ufe0f\ufe0e\ufe0f", "\ufe0f\\u{fe0e}\\u{fe0f}"),
        ("safe\rover", "safe\\u{d}over"),
        ("half \ud800", "half \\u{d800}"),
        ("a\u200db", "a\\u{200d}b"),
        ("\ufeffbom", "\\u{feff}bom"),
        ("soft\u00adhyphen", "soft\\u{ad}hyphen"),
        ("\u3164filler", "\\u{3164}filler"),
        ("line\u2028sep", "line\\u{2028}sep"),
        ("\x9b31m", "\\u{9b}31m"),
    ],
)
def test_characters_that_deceive_are_written_out(text, shown):
    assert make_visible(text)[0] == shown


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "two\nlines\tand a tab\r\n",
        "नमस्ते क्\u200dष",
        "👩\u200d💻 ❤\ufe0f",
        "עברית",
        "日本語",
        "می\u200cخواهم",
    ],
)
def test_text_of_every_script_stays_as_it_is(text):
    assert make_visible(text) == (text, 0)


def test_what_was_written_out_is_counted():
    assert make_visible("\x00a\x00\u202e")[1] == 3


@given(st.text(st.characters()))
def test_what_is_shown_is_utf_8_without_controls_and_stays_the_same_the_second_time(text):
    shown, _ = make_visible(text)
    shown.encode()
    assert not {one for one in shown if unicodedata.category(one) == "Cc"} - {"\n", "\r", "\t"}
    assert make_visible(shown) == (shown, 0)


@given(st.text(st.characters(), max_size=40), st.integers(1, 30))
def test_one_line_is_one_line_within_its_length(text, longest):
    line = one_line(text, longest)
    assert len(line) <= longest
    assert len(line.splitlines()) <= 1


def test_a_line_that_was_cut_says_so():
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
    assert one_line("a\nb", 20) == "a\\u{a}b"
