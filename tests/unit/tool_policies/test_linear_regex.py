from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tool_policies.regex import InvalidRegex, TextTooLong, compile_regex
from tool_policies.regex.matcher import LONGEST_TEXT

ATOMS = st.sampled_from(
    ["a", "b", "-", ".", r"\d", r"\w", r"\W", r"\s", "[ab]", "[^a]", "[a-c-]", r"\.", r"[\d_]", "1"]
)
PLACES = st.sampled_from(["^", "$", r"\b", r"\B", "", ""])
QUANTIFIERS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "{2,3}?"])


def _combined(inner):
    group = st.builds("({}){}".format, inner, QUANTIFIERS) | st.builds("(?:{}){}".format, inner, QUANTIFIERS)
    return st.builds("".join, st.lists(inner | group | PLACES, max_size=3)) | st.builds(
        "{}|{}".format, inner, inner
    )


EXPRESSIONS = st.recursive(st.builds("{}{}".format, ATOMS, QUANTIFIERS), _combined, max_leaves=8)
TEXTS = st.text("ab1-. _\n", max_size=8)


@settings(max_examples=500)
@given(EXPRESSIONS, TEXTS)
def test_matching_agrees_with_the_standard_library(expression, text):
    # Python's `$` matches before a last newline, and its \B, before 3.14, not in an empty text.
    spelt = expression.replace("$", r"\Z").replace(r"\B", r"(?:(?<=\w)(?=\w)|(?<!\w)(?!\w))")
    theirs = re.compile(spelt, re.ASCII)
    assert compile_regex(expression).search(text) == bool(theirs.search(text))


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("^safe$", "safe", True),
        ("^safe$", "safe\n", False),
        ("^safe$", "unsafe\nsafe", False),
        (r"^\d+$", "٣", False),
        (r"^\w+$", "é", False),
        (r"^\s$", "\u00a0", True),
        (r"^\s$", "\u0085", False),
        ("^.$", "\n", False),
        ("^.$", "\u2028", False),
        ("^.$", "\U0001f600", True),
        (r"\bfoo\b", "a foo b", True),
        (r"\bfoo\b", "afoo", False),
        (r"^[^\x00-\x1f]*$", "a\tb", False),
        (r"^\u0041\x42\u{43}$", "ABC", True),
        (r"^[\b]$", "\b", True),
        (r"^\{\}\/\-$", "{}/-", True),
        ("^(?<year>[0-9]{4})-", "2026-11", True),
        ("^(main|release/.*)$", "release/1", True),
        ("^(main|release/.*)$", "maintenance", False),
        (r"^[\w.+-]+@example\.com$", "a.b+c@example.com", True),
        (r"^[\w.+-]+@example\.com$", "a@example.com.evil.io", False),
        ("", "", True),
        ("x*", "", True),
        ("(|a)*b", "aab", True),
        ("(a*)*$", "b", True),
        ("^(a?){3}a{3}$", "aaa", True),
        ("[]-a]", "x", None),
    ],
)
def test_expressions_mean_what_ecma_262_says(expression, text, found):
    if found is None:
        with pytest.raises(InvalidRegex):
            compile_regex(expression)
    else:
        assert compile_regex(expression).search(text) is found


@pytest.mark.parametrize(
    "expression",
    [
        "(",
        ")",
        "a)",
        "[",
        "[a",
        "[a-",
        "[a-\\",
        "a**",
        "a{2}{3}",
        "*",
        "+a",
        "{",
        "a{",
        "a{x}",
        "a{3,2}",
        "a{1001}",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?i)a",
        "(?P<n>a)",
        "(?<",
        "(?<a",
        r"(a)\1",
        r"\k<a>",
        r"\p{L}",
        "\\",
        r"\u12",
        r"\u{110000}",
        r"\u{",
        r"\x1",
        r"\01",
        r"\a",
        r"\é",
        "[z-a]",
        r"[\d-x]",
        "^*",
        "$+",
        r"\b?",
        "(" * 40 + ")" * 40,
        "(a{1000}){1000}",
        "(((){1000}){1000}){1000}",
        "a" * 2001,
    ],
)
def test_what_cannot_be_read_or_promised_is_refused(expression):
    with pytest.raises(InvalidRegex):
        compile_regex(expression)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("^(a+)+$", "a" * 5000 + "!"),
        ("^(a|a)*$", "a" * 5000 + "!"),
        (r"^(\w+\s?)*$", "a" * 5000 + "!"),
        ("(x+x+)+y", "x" * 5000),
        (".*.*.*.*=.*b", "=" * 5000),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 5000),
        ("(a?){50}a{50}$", "a" * 49),
    ],
)
def test_patterns_that_explode_elsewhere_end_here(expression, text):
    assert compile_regex(expression).search(text) is False


def test_a_pattern_with_very_many_states_forgets_and_goes_on():
    regex = compile_regex("(a|b)*a(a|b){12}c")
    text = "".join("ab"[(n * n + n // 7) % 2] for n in range(4000))
    assert regex.search(text) is False
    assert regex.search(text + "a" + "ab" * 6 + "c") is True


def test_a_text_that_is_too_long_is_not_matched_at_all():
    assert compile_regex("^a*$").search("a" * LONGEST_TEXT)
    with pytest.raises(TextTooLong):
        compile_regex("^a*$").search("a" * (LONGEST_TEXT + 1))
    with pytest.raises(TextTooLong):
        compile_regex("^(a{30}){30}$").search("a" * LONGEST_TEXT)
