from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import Media, Text
from gateway.hub import CallResult
from gateway.tool_calls.shaping import keep_answer, shape_result, shape_text

PNG = base64.b64encode(b"\x89PNG").decode()
MARKER = "[cut here: the whole text has"


def shaped(*blocks: dict[str, Any], limit: int = 1000, structured: Any = None):
    return shape_result(CallResult(blocks, structured), text_limit=limit)


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (text("plain"), Text("plain")),
        ({"type": "image", "data": PNG, "mimeType": "image/png"}, Media("image", "image/png", data=PNG)),
        ({"type": "audio", "data": PNG, "mimeType": "audio/wav"}, Media("audio", "audio/wav", data=PNG)),
        ({"type": "image", "data": PNG}, Media("image", None, data=PNG)),
        ({"type": "image", "data": "not base64!"}, Text("[image left out: its data is not base64]")),
        ({"type": "image"}, Text("[image left out: its data is not base64]")),
        (
            {"type": "resource", "resource": {"uri": "file:///a", "text": "body"}},
            Text("[resource file:///a]\nbody"),
        ),
        (
            {"type": "resource", "resource": {"uri": "file:///a.png", "blob": PNG, "mimeType": "image/png"}},
            Media("image", "image/png", data=PNG, name="file:///a.png"),
        ),
        (
            {"type": "resource", "resource": {"uri": "file:///a.pdf", "blob": "A" * 400}},
            Text("[resource file:///a.pdf: about 300 bytes of unknown type, not shown]"),
        ),
        (
            {"type": "resource_link", "uri": "https://a.example/x", "name": "x", "description": "the x"},
            Text("[link to x: https://a.example/x - the x]"),
        ),
        ({"type": "resource_link"}, Text("[link to nowhere]")),
        ({"type": "hologram", "n": 1}, Text('{"type":"hologram","n":1}')),
        ({"type": "text", "text": None}, Text('{"type":"text","text":null}')),
        ({"type": "hologram", "n": 2**80}, Text("[a part that cannot be shown]")),
    ],
)
def test_each_kind_of_block_has_its_form(block, part):
    assert shaped(block).parts == (part,)


def test_no_content_is_said():
    assert shaped().parts == (Text("[no output]"),)


def test_structured_content_alone_is_shown_as_text_and_kept_for_programs():
    result = shaped(structured={"a": [1, 2]})
    assert result.parts == (Text('{"a":[1,2]}'),)
    assert result.structured == {"a": [1, 2]}


def test_structured_content_beside_text_is_not_shown_twice():
    result = shaped(text("a is 1"), structured={"a": 1})
    assert result.parts == (Text("a is 1"),)
    assert result.structured == {"a": 1}


@pytest.mark.parametrize("structured", ["x" * 2000, {"n": 2**80}])
def test_structured_content_that_is_too_large_or_no_json_is_not_kept(structured):
    assert shaped(text("x"), structured=structured).structured is None


def test_text_over_the_limit_is_cut_and_says_so_within_the_limit():
    result = shaped(text("a" * 5000), text("more"), limit=200)
    (part,) = result.parts
    assert part.text.startswith("aaa")
    assert part.text.endswith("[cut here: the whole text has 5000 bytes]")
    assert (result.text_bytes, result.is_cut) == (200, True)


def test_the_limit_is_shared_by_all_text_and_media_have_one_of_their_own():
    picture = {"type": "image", "data": PNG, "mimeType": "image/png"}
    result = shaped(text("a" * 60), picture, text("b" * 60), text("c"), limit=110)
    assert [type(part) for part in result.parts] == [Text, Media, Text]
    assert result.text_bytes == 110


def test_a_picture_over_the_limit_on_media_is_left_out_with_a_word():
    large = {"type": "image", "data": "A" * (5 * 1024 * 1024)}
    result = shaped(large, large)
    assert [type(part) for part in result.parts] == [Media, Text]
    assert "over the limit on media" in result.parts[1].text


def test_more_parts_than_a_model_can_use_are_counted_not_shown():
    result = shaped(*(text("x") for _ in range(300)))
    assert len(result.parts) == 257
    assert result.parts[-1] == Text("[44 more parts are left out]")


def test_a_cut_never_falls_into_a_character():
    result = shaped(text("ü€𝄞" * 100), limit=120)
    assert "\ufffd" not in result.parts[0].text


def test_what_would_deceive_a_reader_is_made_visible_and_counted():
    block = {"type": "resource_link", "uri": "https://a.example/\u202e", "name": "n\x1b"}
    result = shaped(text("red\x1b[31m \U000e0041"), block)
    assert result.parts == (
        Text("red\\u{1b}[31m \\u{e0041}"),
        Text("[link to n\\u{1b}: https://a.example/\\u{202e}]"),
    )
    assert result.escaped == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image", "audio", "resource", "resource_link", "other"])},
    optional={
        "text": st.text(st.characters(), max_size=200) | json_values,
        "data": st.sampled_from([PNG, "A" * 4000, "?", "ü"]) | json_values,
        "mimeType": st.sampled_from(["image/png", "text/plain"]) | json_values,
        "uri": json_values,
        "name": json_values,
        "resource": st.dictionaries(st.sampled_from(["uri", "text", "blob", "mimeType"]), json_values),
    },
)


@given(st.lists(blocks, max_size=5), json_values, st.integers(0, 300))
def test_whatever_a_server_answers_the_text_stays_within_its_limit(given_blocks, structured, limit):
    result = shape_result(CallResult(tuple(given_blocks), structured), text_limit=limit)
    assert result.parts or limit == 0
    told = [part.text for part in result.parts if isinstance(part, Text)]
    size = sum(len(one.encode()) for one in told)
    assert size == result.text_bytes
    assert size <= limit or (result.is_cut and size <= limit + len(MARKER) + 40)


def test_a_message_is_treated_like_a_tools_text():
    assert shape_text("no\x00", text_limit=100).parts == (Text("no\\u{0}"),)
    assert shape_text("x" * 500, text_limit=100).is_cut


def test_an_answer_that_cannot_be_written_is_kept_for_who_has_to_tell_of_it():
    answer: Any = 1
    for _ in range(300):
        answer = {"a": answer}
    kept = keep_answer(answer)
    assert (kept.answer, kept.text_bytes) == (answer, 0)
