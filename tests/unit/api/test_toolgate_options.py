"""What a request asks of the gateway: strict, and never more than an error of the client's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.toolgate_field import RequestedLimits, RequestOptions, read_options
from gateway.errors import InvalidRequest

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["tools", "require", "limits", "events", "rounds", "calls", "wall_clock_seconds"])
patterns = st.sampled_from(
    ["files/*", "none", "*", "*/*", "files/read", "!x", "a/b/c", "", "files", "FILES/*", "**"]
)
near_misses = st.dictionaries(
    names,
    json_values
    | st.lists(patterns | st.text(max_size=300), max_size=70)
    | st.dictionaries(names, json_values, max_size=3),
    max_size=4,
)


def options_or_fault(headers: dict[str, str], body: dict[str, Any]) -> RequestOptions | InvalidRequest:
    try:
        return read_options(headers, body)
    except InvalidRequest as error:
        return error


@given(st.fixed_dictionaries({"toolgate": json_values | near_misses}), st.none() | st.text(max_size=600))
def test_any_json_and_any_header_are_options_or_the_clients_fault(body: dict[str, Any], header: str | None):
    headers = {} if header is None else {"x-toolgate-tools": header}
    result = options_or_fault(headers, body)
    if isinstance(result, InvalidRequest):
        assert (result.param or "").startswith(("toolgate", "x-toolgate-tools"))
        assert len(result.message) < 1000
        return
    limits = result.limits
    for number in (limits.rounds, limits.calls, limits.wall_clock_seconds):
        assert number is None or number > 0
    assert isinstance(result.events, bool)


def test_nothing_asked_is_no_option():
    assert read_options({}, {}) == RequestOptions()
    assert not read_options({}, {"toolgate": {}}).asks_for_tools


def test_field_and_header_both_narrow():
    options = read_options({"x-toolgate-tools": " files/* , web/get "}, {"toolgate": {"tools": ["files/read"]}})
    assert options.narrowings == (("files/*", "web/get"), ("files/read",))
    assert options.asks_for_tools


@pytest.mark.parametrize("value", ["none", " none ", "none,", "", " , "])
def test_a_header_that_names_nothing_leaves_no_tool(value: str):
    assert read_options({"x-toolgate-tools": value}, {}).narrowings == ((),)


def test_none_beside_other_patterns_is_refused():
    with pytest.raises(InvalidRequest):
        read_options({"x-toolgate-tools": "none, files/*"}, {})


def test_limits_are_read():
    body = {"toolgate": {"limits": {"rounds": 2, "calls": 3, "wall_clock_seconds": 1.5}, "events": True}}
    options = read_options({}, body)
    assert (options.limits, options.events) == (RequestedLimits(2, 3, 1.5), True)


@pytest.mark.parametrize(
    ("asked", "param", "says"),
    [
        ({"tool": []}, "toolgate.tool", "did you mean 'tools'"),
        ({"x": 1}, "toolgate.x", "known are tools, require, limits, events"),
        ({"limits": {"round": 1}}, "toolgate.limits.round", "did you mean 'rounds'"),
        ({"limits": {"rounds": 0}}, "toolgate.limits.rounds", "a whole number above 0"),
        ({"limits": {"rounds": 1.0}}, "toolgate.limits.rounds", "a whole number above 0"),
        ({"limits": {"rounds": True}}, "toolgate.limits.rounds", "a whole number above 0"),
        ({"limits": {"wall_clock_seconds": -1}}, "toolgate.limits.wall_clock_seconds", "seconds above 0"),
        ({"limits": []}, "toolgate.limits", "must be an object"),
        ({"tools": "files/*"}, "toolgate.tools", "list of at most 64"),
        ({"tools": ["a/*"] * 65}, "toolgate.tools", "list of at most 64"),
        ({"tools": [""]}, "toolgate.tools", "1 to 256 characters"),
        ({"tools": ["a" * 257]}, "toolgate.tools", "1 to 256 characters"),
        ({"require": [5]}, "toolgate.require", "1 to 256 characters"),
        ({"events": "yes"}, "toolgate.events", "true or false"),
        (None, "toolgate", "must be an object"),
        ([], "toolgate", "must be an object"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(asked: Any, param: str, says: str):
    with pytest.raises(InvalidRequest) as caught:
        read_options({}, {"toolgate": asked})
    assert caught.value.param == param
    assert says in caught.value.message
