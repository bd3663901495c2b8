from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tool_policies import located_yaml
from tool_policies.located_yaml import DEEPEST, LARGEST, MOST_NODES, Bounds, YamlProblem, load_yaml

DOCUMENT = """\
# a comment
version: 1
servers:
  files:
    command: python
    args: [a,
      b]
  web: &web
    url: x
  copy: *web
list:
  - one
  - two: 2
    three: 3
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("12:30", "12:30"),
        ("1:2:3", "1:2:3"),
        ("190:20:30.15", "190:20:30.15"),
        ("0644", "0644"),
        ("-007", "-007"),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("2026-11-25", "2026-11-25"),
        ("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z"),
        ("42", 42),
        ("-1", -1),
        ("+3", 3),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1e", "1e"),
        (".", "."),
        ("-", [None]),
        ("~", None),
        ("null", None),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("!!int 1", 1),
        ("!!float 1", 1.0),
        ("!!map {}", {}),
        ("!!seq []", []),
        ("nan", "nan"),
        ("infinity", "infinity"),
        ("٣", "٣"),
        ("", None),
        ("# only a comment", None),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_values_read_as_they_look(text, value):
    found = load_yaml(text).value
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2", 4, "'c' is given twice", "line 3"),
        ("a: 1\n1: 2", 2, "must be a string, not a number", "quotes"),
        ("true: 2", 1, "not true or false", "quotes"),
        ("~: 2", 1, "not null", "quotes"),
        ("? [a]\n: b", 1, "not a list or a mapping", "quotes"),
        ("a: &a {b: 1}\nc:\n  <<: *a", 3, "merge keys", "write"),
        ("---\na: 1\n---\nb: 1", 3, "second document", "one document"),
        ("a:\n  b: !secret x", 2, "tags are not read", "quotes"),
        ("a: !!python/object/apply:os.system [x]", 1, "tags are not read", "quotes"),
        ("a: !!set {x}", 1, "tags are not read", "quotes"),
        ("a: !!int x", 1, "not what its tag says", "tag"),
        ("a: .nan", 1, "NaN", "quotes"),
        ("a: -.inf", 1, "NaN", "quotes"),
        ("a: 1e999", 1, "too large", "quotes"),
        ("a: " + "9" * 5000, 1, "too large", "quotes"),
        ("a: *b", 1, "an anchor that is not there", "quotes"),
        ("a: &x [1, *x]", 1, "refers to what it stands in", None),
        ("allow: [*/*]", 1, "alias", "quotes"),
        ("a:\n\tb: 1", 2, "cannot start any token", "tabs"),
        ("a: @b", 1, "cannot start any token", "quotes"),
        ("a: b: c", 1, "mapping values are not allowed", "indentation"),
        ("a: [1, 2", None, "flow sequence", "closed"),
        ("a: 'x", None, "quoted scalar", "quote"),
        ("a: \x00", 1, "a character that YAML does not allow", "UTF-8"),
        ("ä: é\nb: \x07", 2, "a character that YAML does not allow", "UTF-8"),
        ("a: 1\nb: \ud800", 2, "not valid Unicode", "UTF-8"),
    ],
)
def test_what_two_readers_could_take_differently_is_refused_with_its_line_and_a_hint(text, line, message, hint):
    with pytest.raises(YamlProblem) as caught:
        load_yaml(text)
    problem = caught.value
    assert message in problem.message
    assert line is None or problem.line == line
    assert str(problem).startswith(f"line {problem.line}: ")
    assert (problem.hint is None) if hint is None else hint in (problem.hint or "")


def test_lines_are_those_of_the_key_or_the_item_and_else_of_the_nearest_parent():
    document = load_yaml(DOCUMENT)
    assert document.line_of([]) == 2
    assert document.line_of(["servers"]) == 3
    assert document.line_of(["servers", "files", "args"]) == 6
    assert document.line_of(["servers", "files", "args", 1]) == 7
    assert document.line_of(["list", 1]) == 13
    assert document.line_of(["list", 1, "three"]) == 14
    assert document.line_of(["list", 7, "three"]) == 11
    assert document.line_of(["servers", "files", "env", "X"]) == 4
    assert load_yaml("").line_of(["a"]) is None


def test_an_alias_stands_on_its_own_line_and_its_contents_on_theirs():
    document = load_yaml(DOCUMENT)
    assert document.line_of(["servers", "copy"]) == 10
    assert document.line_of(["servers", "copy", "url"]) == 9


def test_a_value_behind_an_alias_is_a_copy():
    value = load_yaml(DOCUMENT).value
    value["servers"]["copy"]["url"] = "y"
    assert value["servers"]["web"]["url"] == "x"


def test_aliases_count_with_all_that_they_stand_for():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    with pytest.raises(YamlProblem, match=str(MOST_NODES)) as caught:
        load_yaml(bomb)
    assert caught.value.line == 5


def test_aliases_cannot_nest_deeper_than_brackets_can():
    ladder = "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, DEEPEST + 1))
    with pytest.raises(YamlProblem, match="nested deeper"):
        load_yaml(ladder)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_depth_is_bounded(opening):
    with pytest.raises(YamlProblem):
        load_yaml(opening * 20_000)


def test_depth_up_to_the_bound_is_read():
    levels = DEEPEST - 1
    assert load_yaml("[" * levels + "x" + "]" * levels).value
    with pytest.raises(YamlProblem, match="nested deeper"):
        load_yaml("[" * DEEPEST + "x" + "]" * DEEPEST)


def test_size_is_bounded():
    with pytest.raises(YamlProblem, match="bytes"):
        load_yaml("a" * (LARGEST + 1))
    with pytest.raises(YamlProblem, match="bytes"):
        load_yaml("é" * (LARGEST // 2 + 1))


def test_the_number_of_values_is_bounded():
    assert len(load_yaml("- 1\n" * 99, Bounds(most_nodes=100)).value) == 99
    with pytest.raises(YamlProblem, match="more than 100"):
        load_yaml("- 1\n" * 100, Bounds(most_nodes=100))


@pytest.mark.parametrize("text", ["k: *hunter2", "k: !hunter2 x", "k: [hunter2", "k: 'hunter2", "hunter2: x: y"])
def test_no_value_is_quoted_in_an_error(text):
    with pytest.raises(YamlProblem) as caught:
        load_yaml(text)
    assert "hunter2" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert "hunter2" not in repr(load_yaml("k: hunter2"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc<12", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_as_json_is_read_as_json_reads_it(value):
    text = json.dumps(value, ensure_ascii=False)
    assert load_yaml(text).value == json.loads(text)


@given(st.text(max_size=60))
def test_any_text_is_a_document_or_a_problem(text):
    with contextlib.suppress(YamlProblem):
        load_yaml(text)


def test_the_parser_in_python_reads_the_same(monkeypatch):
    with_c = load_yaml(DOCUMENT)
    monkeypatch.setattr(located_yaml, "_LOADER", yaml.SafeLoader)
    in_python = load_yaml(DOCUMENT)
    assert in_python.value == with_c.value
    assert in_python.line_of(["list", 1, "three"]) == with_c.line_of(["list", 1, "three"])
    with pytest.raises(YamlProblem, match="merge keys"):
        load_yaml("a: {<<: {b: 1}}")
