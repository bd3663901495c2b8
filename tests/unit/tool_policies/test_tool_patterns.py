from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tool_policies.patterns import LONGEST, InvalidPattern, first_match, parse_pattern

SIDES = st.text("ab*", min_size=1, max_size=6).filter(lambda side: "**" not in side)
PATTERNS = st.builds("{}/{}".format, SIDES, SIDES)
NAMES = st.builds("{}/{}".format, st.text("ab", max_size=5), st.text("ab/", max_size=6))


def reference(pattern: str, name: str) -> bool:
    server, tool = pattern.split("/", 1)
    expression = ".*".join(map(re.escape, server.split("*"))).replace(".*", "[^/]*")
    expression += "/" + ".*".join(map(re.escape, tool.split("*")))
    return re.fullmatch(expression, name, re.DOTALL) is not None


@given(PATTERNS, NAMES)
@example("a*a/b*b", "a/b")
@example("a*a/b*b", "aa/bb")
@example("*/*", "a/")
def test_matching_agrees_with_a_backtracking_engine(pattern, name):
    assert parse_pattern(pattern).matches(name) == reference(pattern, name)


@given(PATTERNS, PATTERNS, NAMES)
def test_a_pattern_that_covers_another_matches_all_that_it_matches(wide, narrow, name):
    if parse_pattern(wide).covers(parse_pattern(narrow)) and reference(narrow, name):
        assert reference(wide, name)


@given(PATTERNS, PATTERNS)
def test_covering_is_found_whenever_it_holds(wide, narrow):
    witness = narrow.replace("*", "zz")
    assert parse_pattern(wide).covers(parse_pattern(narrow)) == (
        reference(wide, witness) and reference(wide, narrow.replace("*", "y"))
    )


@given(PATTERNS, PATTERNS, NAMES)
def test_patterns_that_match_one_name_meet(first, second, name):
    if reference(first, name) and reference(second, name):
        assert parse_pattern(first).meets(parse_pattern(second))


@given(SIDES, SIDES)
def test_patterns_that_meet_have_a_name_in_common(first, second):
    one, other = parse_pattern(f"s/{first}"), parse_pattern(f"s/{second}")
    if one.meets(other):
        assert any(one.matches(name) and other.matches(name) for name in common_candidates(first, second))


def common_candidates(first: str, second: str) -> list[str]:
    """Names that stand for both at once: each one's stars filled with the other's text, at every overlap."""
    plain, other = first.replace("*", ""), second.replace("*", "")
    found = [f"s/{text}" for text in (plain, other, plain + other, other + plain)]
    pieces, others = first.split("*"), second.split("*")
    start, end = max(pieces[0], others[0], key=len), max(pieces[-1], others[-1], key=len)
    return [*found, f"s/{start}{plain}{other}{end}"]


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("files/read_*", "files/read_file", True),
        ("files/read_*", "files/READ_file", False),
        ("files/read_*", "Files/read_file", False),
        ("files/read_*", "files/read", False),
        ("files/*", "files/a/b", True),
        ("*/b", "files/a/b", False),
        ("files/*", "files2/a", False),
        ("files/*", "files", False),
        ("file/s*", "files/s", False),
        ("a/b.c", "a/bxc", False),
        ("*/write_*", "any/write_x", True),
        ("*/write_*", "any/rewrite_x", False),
    ],
)
def test_stars_stay_on_their_side_and_case_counts(pattern, name, matches):
    assert parse_pattern(pattern).matches(name) is matches


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "files/*"),
        ("files", "files/*"),
        ("*", "*/*"),
        ("**", "one *"),
        ("files/**", "one *"),
        ("/x", "any server"),
        ("files/", "any tool"),
        ("files/[ab]", "several patterns"),
        ("files/?", "several patterns"),
        ("files/{a,b}", "several patterns"),
        ("!files/a", "several patterns"),
        ("files/a b", "remove"),
        ("files/\0", "remove"),
        ("files/a\n", "remove"),
        ("a/" + "b" * LONGEST, "files/*"),
    ],
)
def test_what_is_ambiguous_is_refused_with_a_hint(text, hint):
    with pytest.raises(InvalidPattern) as caught:
        parse_pattern(text)
    assert hint in caught.value.hint


def test_a_pattern_reads_as_it_was_written():
    assert str(parse_pattern("files/read_*")) == "files/read_*"
    assert first_match([parse_pattern("a/*"), parse_pattern("a/b")], "a/b") == parse_pattern("a/*")
    assert first_match([], "a/b") is None


def test_a_pattern_of_many_stars_is_matched_without_trying_again():
    pattern = parse_pattern("a/" + "*a" * 120 + "*b")
    assert not pattern.matches("a/" + "a" * 50_000)
