from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tool_calls import InvalidArguments, parse_object
from gateway.tool_calls.arguments import LARGEST, canonical_json

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip
objects = st.dictionaries(st.text(), values, max_size=4)


@given(objects)
def test_what_passes_can_be_written_again_the_same(given_object):
    assert parse_object(json.dumps(given_object)) == given_object
    canonical = canonical_json(given_object)
    assert orjson.loads(canonical) == given_object
    assert canonical_json(parse_object(canonical)) == canonical


@given(st.text() | st.binary())
def test_any_text_is_an_object_or_is_refused_with_a_reason(text):
    try:
        assert isinstance(parse_object(text), dict)
    except InvalidArguments as error:
        assert str(error)  # noqa: PT017


def test_the_order_of_members_does_not_change_the_canonical_form():
    assert canonical_json({"b": 1, "a": {"d": 1, "c": 2}}) == b'{"a":{"c":2,"d":1},"b":1}'


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"a": 2**64}, "cannot be sent as JSON"),
        ({"a": "\ud800"}, "cannot be sent as JSON"),
        ({"a": "x" * LARGEST}, "larger than"),
        ({"a": [{"b": float("inf")}]}, "not finite"),
        ({"a": float("nan")}, "not finite"),
    ],
)
def test_objects_that_cannot_be_sent_are_refused(arguments, why):
    with pytest.raises(InvalidArguments, match=why):
        canonical_json(arguments)


@pytest.mark.parametrize("text", ['{"a', '{"a": "\n"}', '{"a": "\\x"}', "{"])
def test_where_broken_text_breaks_is_said_once(text):
    with pytest.raises(
        InvalidArguments, match=r"^the arguments are not valid JSON: .*[^t] at line 1, column \d+$"
    ):
        parse_object(text)


def test_a_number_with_thousands_of_digits_is_refused():
    with pytest.raises(InvalidArguments, match="number that is too long"):
        parse_object('{"a": ' + "9" * 10_000 + "}")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400 + ".0"])
def test_a_number_that_would_be_sent_as_null_is_refused_before_a_policy_takes_it_for_infinity(number):
    with pytest.raises(InvalidArguments, match="too large"):
        parse_object(f'{{"a": [{number}]}}')


@pytest.mark.parametrize("levels", [64, 65])
def test_depth_is_bounded(levels):
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    if levels == 64:
        canonical_json(value)
    else:
        with pytest.raises(InvalidArguments, match="nested deeper than 64"):
            canonical_json(value)
