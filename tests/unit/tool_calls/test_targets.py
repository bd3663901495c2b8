from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tool_calls.targets import write_targets


@pytest.mark.parametrize(
    "name",
    [
        "path",
        "paths",
        "file_path",
        "filePath",
        "targetURL",
        "to",
        "replyTo",
        "bcc",
        "repo",
        "table",
        "DestinationFolder",
    ],
)
def test_arguments_that_name_a_place_are_told(name):
    assert write_targets({name: "there"}) == {name: ("there",)}


@pytest.mark.parametrize(
    "name", ["text", "content", "token", "password", "pathology", "tomato", "query", "author"]
)
def test_other_arguments_are_not(name):
    assert write_targets({name: "secret"}) == {}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://ann:s3cret@host.example/a", "https://host.example/a"),
        ("https://ann:s3@cret@host.example/a", "https://host.example/a"),
        ("https://token@host.example", "https://host.example"),
        ("https://host.example/a?key=s3cret#s3cret", "https://host.example/a"),
        ("https://host.example?to=a@b.example", "https://host.example"),
        ("https://host.example/@ann/posts", "https://host.example/@ann/posts"),
        ("postgres://u:s3cret@db.example:5432/x\n?s3cret", "postgres://db.example:5432/x\\u{a}"),
    ],
)
def test_credentials_and_queries_are_taken_out_of_urls(url, told):
    assert write_targets({"url": url}) == {"url": (told,)}


def test_lists_are_told_up_to_a_bound_and_only_strings_in_them():
    targets = write_targets({"paths": [1, None, *(f"p{n}" for n in range(50))]})
    assert targets["paths"][0] == "p0"
    assert len(targets["paths"]) <= 20


@pytest.mark.parametrize("value", [None, 5, {"path": "x"}, [], [1, {}]])
def test_values_without_text_are_left_out(value):
    assert write_targets({"path": value}) == {}


def test_a_long_or_deceptive_value_is_cut_and_made_visible():
    assert write_targets({"path": "a\u202eb"}) == {"path": ("a\\u{202e}b",)}
    assert len(write_targets({"path": "x" * 5000})["path"][0]) == 512


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters()) | st.lists(st.integers())))
def test_no_arguments_break_it(arguments):
    for name, places in write_targets(arguments).items():
        assert "\n" not in name + "".join(places)
