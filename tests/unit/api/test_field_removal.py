from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.api.field_removal import without


def test_fields_entries_and_what_lies_within_them_go():
    fields = {
        "model": "m",
        "tools": [1, {"tools": [2, 3]}, 4],
        "web_search_options": {},
        "input": [{"tools": [5]}, {"text": ""}],
    }
    kept = copy.deepcopy(fields)
    params = ["tools[0]", "tools[1].tools[1]", "web_search_options", "input[0].tools[0]"]
    assert without(fields, params) == {"model": "m", "tools": [{"tools": [2]}, 4], "input": [{}, {"text": ""}]}
    assert fields == kept


def test_a_list_that_becomes_empty_goes_and_one_that_was_empty_stays():
    assert without({"tools": [1], "stop": []}, ["tools[0]"]) == {"stop": []}


def test_what_is_not_touched_is_shared():
    messages: list[Any] = [{"role": "user"}]
    assert without({"messages": messages, "tools": [1]}, ["tools[0]"])["messages"] is messages


@given(st.lists(st.integers(), max_size=8), st.sets(st.integers(0, 7)))
def test_any_entries_of_a_list_can_go_at_once(items: list[int], places: set[int]):
    params = [f"tools[{place}]" for place in places if place < len(items)]
    left = [item for place, item in enumerate(items) if place not in places]
    expected = {"tools": left} if left or not items else {}
    assert without({"tools": items}, params) == expected
