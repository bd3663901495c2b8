from __future__ import annotations

import copy
import json
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.tool_policies.lockfiles import READ, definitions, json_values
from tool_policies.lockfile import Uncanonical, canonical_json, digest

# RFC 8785, appendix B: the bits of a double, and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_the_rfc_writes_them(bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number).decode() == text


def test_the_example_of_the_rfc_comes_out_as_it_says():
    given_text = r"""{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }"""
    wanted = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(json.loads(given_text)).decode() == wanted


def test_members_are_sorted_by_utf_16_as_the_rfc_sorts_them():
    members = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\u00f6": 7}
    assert list(json.loads(canonical_json(members)).values()) == [2, 4, 6, 7, 1, 5, 3]


def doubled(value):
    """With the numbers that every reader of JSON can hold."""
    if isinstance(value, dict):
        return {name: doubled(each) for name, each in value.items()}
    if isinstance(value, list):
        return [doubled(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(json_values)
def test_it_is_json_of_the_same_value(value):
    written = canonical_json(value)
    assert doubled(json.loads(written)) == doubled(value)
    assert canonical_json(json.loads(written)) == written


@given(json_values)
def test_order_and_white_space_do_not_count(value):
    def turned(inner):
        if isinstance(inner, dict):
            return {name: turned(each) for name, each in reversed(inner.items())}
        return [turned(each) for each in inner] if isinstance(inner, list) else inner

    spaced = json.loads(json.dumps(turned(value), indent=3))
    assert digest(spaced) == digest(value)


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from places(each, (*path, step))


def changed(definition, path, value):
    whole = {"root": copy.deepcopy(definition)}
    at = whole
    for step in ("root", *path)[:-1]:
        at = at[step]
    at[("root", *path)[-1]] = value
    return whole["root"]


@given(definitions, json_values, st.data())
def test_a_change_anywhere_in_a_definition_changes_its_digest(definition, value, data):
    path = data.draw(st.sampled_from(list(places(definition))))
    other = changed(definition, path, value)
    assume(json.dumps(other, sort_keys=True) != json.dumps(definition, sort_keys=True))
    assume(other != definition or json.dumps(other).count("true") != json.dumps(definition).count("true"))
    assert digest(other) != digest(definition)


@pytest.mark.parametrize("path", list(places(READ))[1:], ids=str)
def test_each_member_of_a_tool_is_in_its_digest(path):
    assert digest(changed(READ, path, "another")) != digest(READ)


def test_a_member_that_is_added_or_removed_is_in_the_digest():
    digests = {digest({name: value for name, value in READ.items() if name != gone}) for gone in READ}
    assert len({*digests, digest(READ), digest({**READ, "unheard-of": None})}) == len(READ) + 2


def test_numbers_that_are_equal_are_one_and_large_ones_are_not_rounded_together():
    assert digest({"a": 1.0}) == digest({"a": 1})
    assert digest({"a": 2**53}) != digest({"a": 2**53 + 1})
    assert digest({"a": 1}) != digest({"a": True}) != digest({"a": "1"})


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "NaN"),
        (float("-inf"), "infinity"),
        (nested(500), "deeper than 48 levels"),
        ({"a": "x" * 600_000}, "bytes, more than"),
        ("\ud800", "half of a surrogate pair"),
        ({"\udfff": 1}, "half of a surrogate pair"),
        ({1: 2}, "name of a member"),
        ({"a": b""}, "bytes is no kind"),
    ],
)
def test_what_cannot_be_written_is_refused(value, why):
    with pytest.raises(Uncanonical, match=why):
        canonical_json(value)
