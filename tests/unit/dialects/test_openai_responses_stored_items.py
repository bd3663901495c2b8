from __future__ import annotations

import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.openai_responses.stored_items import (
    AnswerFinder,
    References,
    output_of,
    own_items,
    references_in,
    resolved,
    with_ids,
)

RESPONSE = {"id": "resp_1", "status": "completed", "output": [{"id": "msg_1", "type": "message"}]}
SAYS_SO = {"type": "response.output_text.delta", "delta": 'data: {"type":"response.completed"}\n\n'}


def stream(*events: object) -> bytes:
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def found_in(pieces: list[bytes], *, is_stream: bool) -> list[tuple[int, object]]:
    """Which pieces had been seen when a response was found, and the response."""
    finder = AnswerFinder(is_stream=is_stream)
    answers = [(number, finder.feed(piece, more=True)) for number, piece in enumerate(pieces)]
    answers.append((len(pieces), finder.feed(b"", more=False)))
    return [(number, answer) for number, answer in answers if answer is not None]


@given(st.lists(st.integers(min_value=0, max_value=400), max_size=12))
def test_in_any_pieces_of_a_stream_the_response_is_found_with_the_piece_that_ends_its_event(cuts: list[int]):
    begun = {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}}
    data = stream(begun, SAYS_SO, {"type": "response.completed", "response": RESPONSE})
    pieces = pieces_of(data, cuts)
    assert found_in(pieces, is_stream=True) == [(len(pieces) - 1, RESPONSE)]


@given(st.lists(st.integers(min_value=0, max_value=200), max_size=6))
def test_a_whole_answer_is_found_at_its_end(cuts: list[int]):
    pieces = pieces_of(orjson.dumps(RESPONSE), cuts)
    assert found_in(pieces, is_stream=False) == [(len(pieces), RESPONSE)]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.failed", "response": {**RESPONSE, "status": "failed"}},
        {"type": "response.completed", "response": {"status": "completed"}},
        {"type": "response.completed"},
        SAYS_SO,
    ],
)
def test_what_is_no_whole_response_is_none(event):
    assert found_in([stream(event)], is_stream=True) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"error":{}}', b'{"id":"r","status":"failed"}'])
def test_a_body_that_holds_no_response_is_none(body):
    assert found_in([body], is_stream=False) == []


def test_an_incomplete_response_is_one():
    cut = {**RESPONSE, "status": "incomplete"}
    event = {"type": "response.incomplete", "response": cut}
    assert found_in([stream(event)], is_stream=True) == [(0, cut)]


def test_references_are_a_response_and_items_without_content():
    items = [
        {"type": "item_reference", "id": "msg_1"},
        {"id": "rs_1"},
        {"type": "reasoning", "id": "rs_2", "summary": []},
        {"type": "reasoning", "id": "rs_3", "summary": [], "encrypted_content": "x"},
        {"type": "message", "id": "msg_2", "role": "assistant", "content": "said"},
        {"role": "user", "id": "u", "content": "hi"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "item_reference"},
        5,
    ]
    found = references_in({"previous_response_id": "resp_1", "input": items})
    assert found == References("resp_1", ("msg_1", "rs_1", "rs_2"))
    assert not references_in({"input": "hello", "previous_response_id": None})


def test_a_request_is_said_in_full():
    fields = {
        "model": "m",
        "previous_response_id": "r",
        "input": [{"type": "item_reference", "id": "a"}, {"x": 1}],
    }
    said = resolved(fields, [{"before": 1}], {"a": {"type": "message", "id": "a"}})
    assert said == {"model": "m", "input": [{"before": 1}, {"type": "message", "id": "a"}, {"x": 1}]}
    assert fields["previous_response_id"] == "r"
    assert own_items({"input": "hi"}, {})[0]["content"] == [{"type": "input_text", "text": "hi"}]


def test_items_are_kept_with_ids_of_their_kind():
    items = with_ids([{"role": "user", "content": "hi"}, {"type": "function_call_output"}, {"id": "own"}, 5])
    assert [item["id"].split("_")[0] for item in items] == ["msg", "fco", "own"]
    assert output_of({"output": [{"id": "a"}, {"type": "x"}, 5]}) == [{"id": "a"}]


@pytest.mark.parametrize(
    "item",
    [
        {"id": "msg_x"},
        {"id": "msg_x", "type": None, "role": None},
        {"id": "msg_x", "role": "user"},
        {"id": "rs_x", "type": "reasoning", "summary": []},
        {"id": "ig_x", "type": "image_generation_call"},
        {"id": "ig_x", "type": "image_generation_call", "result": None, "status": "completed"},
    ],
)
def test_whatever_a_provider_would_look_up_by_its_id_is_a_reference(item: dict[str, object]):
    assert references_in({"input": [item]}).items == (item["id"],)


@pytest.mark.parametrize(
    "item",
    [
        {"id": "msg_x", "role": "user", "content": "hi"},
        {"id": "ig_x", "type": "image_generation_call", "result": "aGk="},
        {"id": "rs_x", "type": "reasoning", "encrypted_content": "abc"},
    ],
)
def test_what_is_there_in_full_is_no_reference(item: dict[str, object]):
    assert references_in({"input": [item]}).items == ()
