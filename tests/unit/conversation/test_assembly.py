"""Streams put together into whole answers."""

from __future__ import annotations

import pytest

from gateway.conversation import (
    Finished,
    FinishReason,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    ResponseAssembler,
    ResponseStarted,
    Source,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UnknownPart,
    Usage,
    UsageReported,
)

START = ResponseStarted("r1", "m", 7, {"system_fingerprint": "fp"}, "wire")
END = Finished(FinishReason.STOP)


def assemble(*events: StreamEvent):
    assembler = ResponseAssembler()
    for event in (START, *events, END):
        assembler.add(event)
    return assembler.response()


def test_pieces_of_text_become_one_part():
    response = assemble(TextDelta("Hel"), TextDelta("lo"))
    assert response.message.parts == (Text("Hello"),)
    assert (response.id, response.model, response.created) == ("r1", "m", 7)
    assert response.extras == {"system_fingerprint": "fp"}
    assert response.source == Source("wire", {})


def test_a_piece_with_a_proof_of_its_own_stays_a_part_of_its_own():
    proof = Source("wire", {"signature": "s"})
    response = assemble(
        TextDelta("Hel"), TextDelta("lo"), TextDelta("!", proof), TextDelta("?"), TextDelta("", proof)
    )
    assert response.message.parts == (Text("Hello"), Text("!"), Text("?"), Text(""))
    assert [part.source for part in response.message.parts if isinstance(part, Text)] == [None, proof, None, proof]


def test_interleaved_calls_are_told_apart_by_index():
    response = assemble(
        ToolCallStarted(0, "a", "first"),
        ToolCallStarted(1, "b", "second"),
        ToolCallDelta(1, '{"y":'),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(1, "2}"),
        ToolCallDelta(0, "1}"),
    )
    assert response.message.tool_calls == (ToolCall("a", "first", '{"x":1}'), ToolCall("b", "second", '{"y":2}'))


def test_unnamed_fields_of_a_call_stay_with_it():
    raw = {"extra_content": {"google": {"thought_signature": "abc"}}}
    response = assemble(ToolCallStarted(0, "a", "f", raw, "wire"), ToolCallDelta(0, "{}"))
    assert response.message.tool_calls[0].source == Source("wire", raw)


def test_parts_stand_in_the_order_in_which_they_began():
    response = assemble(
        ReasoningDelta("hm", "reasoning"),
        TextDelta("a"),
        ReasoningDelta("so", "reasoning"),
        ToolCallStarted(0, "c", "f"),
        RefusalDelta("no"),
        TextDelta("b"),
    )
    assert response.message.parts == (
        Reasoning("hm", name="reasoning"),
        Text("a"),
        Reasoning("so", name="reasoning"),
        ToolCall("c", "f", ""),
        Refusal("no"),
        Text("b"),
    )


def test_an_empty_piece_of_reasoning_is_kept_because_providers_want_it_back():
    response = assemble(ReasoningDelta(""), TextDelta("x"))
    assert response.message.parts == (Reasoning(""), Text("x"))


def test_unknown_fields_are_merged_by_index_and_what_is_about_the_message_is_left_out():
    response = assemble(
        UnknownDelta("wire", {"details": [{"index": 0, "type": "text", "text": "a", "signature": None}]}),
        UnknownDelta("wire", {"logprobs": [1]}, in_message=False),
        UnknownDelta("wire", {"details": [{"index": 1, "type": "text", "text": "z"}]}),
        UnknownDelta("wire", {"details": [{"index": 0, "type": "text", "text": "b", "signature": "s"}]}),
        UnknownDelta("wire", {"annotations": [{"url": "u1"}]}),
        UnknownDelta("wire", {"annotations": [{"url": "u2"}], "count": 3}),
    )
    assert response.message.parts == (
        UnknownPart(
            "wire",
            {
                "details": [
                    {"index": 0, "type": "text", "text": "ab", "signature": "s"},
                    {"index": 1, "type": "text", "text": "z"},
                ],
                "annotations": [{"url": "u1"}, {"url": "u2"}],
                "count": 3,
            },
        ),
    )


def test_merging_leaves_the_pieces_as_they_were():
    piece = {"details": [{"index": 0, "text": "a"}], "more": {"list": [{"k": "v"}]}}
    assemble(UnknownDelta("wire", piece), UnknownDelta("wire", {"details": [{"index": 0, "text": "b"}]}))
    assert piece == {"details": [{"index": 0, "text": "a"}], "more": {"list": [{"k": "v"}]}}


def test_usage_after_the_end_counts():
    assembler = ResponseAssembler()
    for event in (START, TextDelta("x"), END, UsageReported(Usage(1, 2))):
        assembler.add(event)
    assert assembler.response().usage == Usage(1, 2)


@pytest.mark.parametrize("events", [(START,), (END,), ()])
def test_a_stream_without_start_or_end_is_no_answer(events: tuple[StreamEvent, ...]):
    assembler = ResponseAssembler()
    for event in events:
        assembler.add(event)
    with pytest.raises(ValueError, match="start or its end is missing"):
        assembler.response()


def test_arguments_of_a_call_that_has_not_begun_are_a_mistake():
    with pytest.raises(ValueError, match="tool call 3"):
        assemble(ToolCallDelta(3, "{}"))
