from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.located_json import JsonProblem, load_json

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_all_json_is_read_as_the_standard_library_reads_it(
    value: object, indent: str | int | None, ascii_only: bool
):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert load_json(text).value == json.loads(text)


@given(st.text(alphabet='{}[]",:/*\n\\ 1aeEu-.tfn', max_size=40))
def test_any_text_is_a_value_or_a_problem_with_a_line(text: str):
    problem: JsonProblem | None = None
    try:
        load_json(text)
    except JsonProblem as raised:
        problem = raised
    assert problem is None or 1 <= problem.line <= text.count("\n") + 1


def test_every_part_has_its_line():
    found = load_json('// first\n{\n  "a": 1,\n  "b": [\n    1,\n    {"c": 2}\n  ]\n}')
    assert [found.line_of(path) for path in ((), ("a",), ("b",), ("b", 0), ("b", 1), ("b", 1, "c"))] == [
        2,
        3,
        4,
        5,
        6,
        6,
    ]
    assert found.line_of(("b", 7, "nothing")) == 4


def test_comments_and_trailing_commas_are_allowed():
    text = '/* a\n */ {"a": [1, 2, /* b */], // c\n "d": "// not a comment",\n}  // end'
    assert load_json(text).value == {"a": [1, 2], "d": "// not a comment"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a value is wanted"),
        ("{,}", "a key in double quotes"),
        ("[,]", "a value is wanted"),
        ("[1,,2]", "a value is wanted"),
        ("[1 2]", "a comma or ]"),
        ('{"a" 1}', "a colon"),
        ('{"a": 1 "b": 2}', "a comma or }"),
        ("{'a': 1}", "a key in double quotes"),
        ('{"a": 1, "a": 2}', "given twice"),
        ("{} {}", "nothing may follow"),
        ('["a', "not valid JSON"),
        ('["\\x"]', "not valid JSON"),
        ('["\\ud800"]', "not valid Unicode"),
        ("[NaN]", "infinity and NaN"),
        ("[-Infinity]", "infinity and NaN"),
        ("[/* never ends", "a value is wanted"),
        ("9" * 5000, "cannot be read"),
        ("[" * 70, "nested deeper"),
        ('{"a":' * 70, "nested deeper"),
    ],
)
def test_what_is_not_json_is_refused(text: str, message: str):
    with pytest.raises(JsonProblem, match=message.replace("]", r"\]")):
        load_json(text)


def test_a_problem_never_quotes_a_value():
    with pytest.raises(JsonProblem) as raised:
        load_json('{"a": "hush" hush}')
    assert "hush" not in str(raised.value)
