from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.results import ToolProgress, read_call_result, read_log_message, read_progress

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
results = st.dictionaries(
    st.sampled_from(["content", "structuredContent", "isError", "resultType", "inputRequests", "_meta"]),
    json_values,
)


@given(results)
def test_no_result_of_a_call_that_was_executed_is_lost_for_its_form(raw):
    result = read_call_result(raw)
    assert isinstance(result.text(), str)
    assert result.with_note("note").text().endswith("note")


@given(json_values)
def test_no_progress_notification_breaks_anything(params):
    progress = read_progress(params)
    assert progress is None or isinstance(progress.progress, float)


def test_blocks_pass_through_untouched_and_odd_ones_become_text():
    blocks = [{"type": "hologram", "n": 1}, None, "plain", 5, {"type": "text", "text": None}]
    result = read_call_result({"content": blocks})
    assert result.content == (
        {"type": "hologram", "n": 1},
        {"type": "text", "text": "plain"},
        {"type": "text", "text": "5"},
        {"type": "text", "text": None},
    )
    assert result.text() == "plain\n5"


@pytest.mark.parametrize("content", [None, 5, {}, True])
def test_content_of_another_kind_is_no_content(content):
    assert read_call_result({"content": content}).content == ()


def test_text_alone_in_the_place_of_blocks_is_text():
    assert read_call_result({"content": "done"}).text() == "done"


@pytest.mark.parametrize(("value", "is_error"), [(None, False), (False, False), (True, True), (1, True)])
def test_a_missing_error_flag_is_none(value, is_error):
    assert read_call_result({"isError": value}).is_error is is_error


def test_a_wish_for_input_is_an_error_that_names_what_was_wanted():
    wanted = {
        "a": {"method": "elicitation/create", "params": {"message": "Which city?"}},
        "b": {"method": "sampling/createMessage"},
        "c": "odd",
    }
    result = read_call_result({"resultType": "input_required", "inputRequests": wanted})
    assert result.is_error
    assert result.text().endswith(": Which city?; sampling/createMessage")


@pytest.mark.parametrize("kind", ["task", 7])
def test_a_result_that_is_not_complete_is_an_error_that_says_so(kind):
    result = read_call_result({"resultType": kind, "content": [{"type": "text", "text": "x"}]})
    assert result.is_error
    assert repr(kind) in result.text()


@pytest.mark.parametrize(
    ("params", "read"),
    [
        ({"progress": 1}, ToolProgress(1.0)),
        ({"progress": 0.5, "total": 2, "message": "half"}, ToolProgress(0.5, 2.0, "half")),
        ({"progress": 1, "total": "many", "message": 3}, ToolProgress(1.0)),
        ({"progress": "1"}, None),
        ({}, None),
        ([], None),
    ],
)
def test_progress_is_read_as_far_as_it_makes_sense(params, read):
    assert read_progress(params) == read


def test_parts_without_end_are_cut_and_counted():
    content = read_call_result({"content": [1] * 10_003}).content
    assert len(content) == 10_001
    assert content[-1] == {"type": "text", "text": "[3 more parts are left out]"}


def test_a_part_that_is_a_list_is_not_written_out():
    deep: list = []
    for _ in range(900):
        deep = [deep]
    assert read_call_result({"content": [deep]}).text() == "[a part that cannot be shown]"


def test_wishes_of_any_form_and_number_become_a_short_error():
    wanted = {str(number): {"method": {"a": 1}, "params": {"message": "m" * 5000}} for number in range(1000)}
    result = read_call_result(
        {"resultType": "input_required", "inputRequests": wanted | {"0": {"method": {"a": 1}}}}
    )
    assert result.is_error
    assert len(result.text()) < 12_000


def test_a_kind_of_any_length_is_quoted_in_part():
    assert len(read_call_result({"resultType": "k" * 100_000}).text()) < 200


def test_a_log_message_nested_deeper_than_can_be_shown_is_one_line_all_the_same():
    data = orjson.loads("[" * 1000 + "]" * 1000)
    said = read_log_message({"level": "info", "data": data})
    assert said.startswith("info: [")
    assert len(said) <= 500
