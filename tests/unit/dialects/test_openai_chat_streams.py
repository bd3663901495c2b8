"""OpenAI Chat streams, read from providers of many habits and written for clients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.errors import ErrorAnswer
from gateway.conversation import (
    Finished,
    FinishReason,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    ResponseAssembler,
    ResponseStarted,
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
from gateway.dialects import UpstreamStreamError, WireFormatError, event_reading
from gateway.dialects.openai_chat import OPENAI_CHAT, ChatUsageScanner, usage_of
from gateway.providers.scripted import wire
from gateway.providers.scripted.turns import Call, Turn
from gateway.sse import encode_event

HEAD: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 5, "model": "up"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return encode_event(orjson.dumps({**HEAD, "choices": [choice], **fields}))


def call(*pieces: dict[str, Any]) -> bytes:
    return chunk({"tool_calls": list(pieces)})


def piece(
    index: int | None, arguments: Any = "", name: str | None = None, call_id: str | None = None
) -> dict[str, Any]:
    given: dict[str, Any] = {"function": {"arguments": arguments}}
    if index is not None:
        given["index"] = index
    if name is not None:
        given["function"]["name"] = name
    if call_id is not None:
        given |= {"id": call_id, "type": "function"}
    return given


def read(*chunks: bytes) -> list[StreamEvent]:
    reader = OPENAI_CHAT.stream_reader()
    events = [event for data in chunks for event in reader.feed(data)]
    return events + reader.end()


def answer(events: Iterable[StreamEvent]):
    assembler = ResponseAssembler()
    for event in events:
        assembler.add(event)
    return assembler.response()


def calls_in(*chunks: bytes) -> list[tuple[str, str, str]]:
    response = answer(read(*chunks, chunk({}, "tool_calls"), DONE))
    assert response.finish_reason is FinishReason.TOOL_CALLS
    return [(made.id, made.name, made.arguments) for made in response.message.tool_calls]


def test_a_plain_stream_is_told_in_order():
    usage = encode_event(orjson.dumps({**HEAD, "choices": [], "usage": USAGE}))
    events = read(
        chunk({"role": "assistant", "content": "", "refusal": None}, system_fingerprint="fp"),
        chunk({"content": "Hel"}) + chunk({"role": "assistant", "content": "lo"}),
        chunk({"refusal": "but"}),
        chunk({}, "stop"),
        usage,
        DONE,
    )
    assert events == [
        ResponseStarted("chatcmpl-1", "up", 5, {"system_fingerprint": "fp"}, "openai_chat"),
        TextDelta("Hel"),
        TextDelta("lo"),
        RefusalDelta("but"),
        Finished(FinishReason.STOP, {"finish_reason": "stop"}, "openai_chat"),
        UsageReported(Usage(3, 4), USAGE, "openai_chat"),
    ]


def test_interleaved_calls():
    assert calls_in(
        call(piece(0, "", "f", "a"), piece(1, "", "g", "b")),
        call(piece(1, '{"y"')),
        call(piece(0, '{"x"'), piece(1, ":2}")),
        call(piece(0, ":1}")),
    ) == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_calls_without_numbers_are_told_apart_by_id_and_name():
    assert calls_in(
        call(piece(None, "{", "f", "a")), call(piece(None, "}")), call(piece(None, "{}", "g", "b"))
    ) == [("a", "f", "{}"), ("b", "g", "{}")]


def test_calls_that_all_have_the_number_0_are_told_apart_by_id():
    assert calls_in(call(piece(0, '{"a":1}', "f", "x"), piece(0, '{"b":2}', "f", "y"))) == [
        ("x", "f", '{"a":1}'),
        ("y", "f", '{"b":2}'),
    ]


def test_an_id_and_a_name_repeated_in_each_piece_make_one_call():
    assert calls_in(call(piece(0, "{", "f", "a")), call(piece(0, "}", "f", "a"))) == [("a", "f", "{}")]


def test_a_name_that_comes_after_the_id_is_waited_for():
    assert calls_in(call(piece(0, "{", None, "a")), call(piece(0, "}", "f"))) == [("a", "f", "{}")]


def test_a_call_that_never_gets_a_name_is_not_lost():
    assert calls_in(call(piece(0, "{}", None, "a"))) == [("a", "", "{}")]


def test_arguments_may_be_an_object_and_ids_may_be_missing():
    made = calls_in(call(piece(0, {"x": [1]}, "f"), piece(1, None, "g", "")))
    assert [(name, arguments) for _, name, arguments in made] == [("f", '{"x":[1]}'), ("g", "")]
    ids = [identity for identity, _, _ in made]
    assert all(identity.startswith("call_") for identity in ids)
    assert len(set(ids)) == 2


def test_unnamed_fields_of_a_call_are_kept():
    signed = {**piece(0, "{}", "f", "a"), "extra_content": {"google": {"thought_signature": "s"}}}
    response = answer(read(call(signed), chunk({}, "stop"), DONE))
    source = response.message.tool_calls[0].source
    assert source is not None
    assert source.raw == {"extra_content": {"google": {"thought_signature": "s"}}}
    assert response.finish_reason is FinishReason.TOOL_CALLS


def test_a_call_to_a_custom_tool_is_a_call():
    opening = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "shell", "input": ""}}
    response = answer(
        read(call(opening), call({"index": 0, "custom": {"input": "ls"}}), chunk({}, "tool_calls"), DONE)
    )
    assert response.message.tool_calls == (ToolCall("a", "shell", "ls"),)


def test_null_where_a_list_could_be_is_nothing():
    assert read(chunk({"content": None, "tool_calls": None, "function_call": None}, "stop"), DONE)[1:] == [
        Finished(FinishReason.STOP, {"finish_reason": "stop"}, "openai_chat")
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_keeps_the_name_of_its_field(field: str):
    response = answer(
        read(chunk({field: "", "content": None}), chunk({field: "hm"}), chunk({"content": "x"}, "stop"))
    )
    assert response.message.parts == (Reasoning("hm", name=field), Text("x"))


def test_reasoning_details_are_put_together_for_the_next_turn():
    details = [{"index": 0, "type": "reasoning.text", "text": text, "format": "f"} for text in ("a", "b")]
    response = answer(
        read(
            *[chunk({"reasoning": each["text"], "reasoning_details": [each]}) for each in details],
            chunk({}, "stop"),
        )
    )
    whole = {"index": 0, "type": "reasoning.text", "text": "ab", "format": "f"}
    assert response.message.parts == (
        Reasoning("ab", name="reasoning"),
        UnknownPart("openai_chat", {"reasoning_details": [whole]}),
    )


def test_content_may_be_a_list_of_parts():
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    response = answer(read(chunk({"content": [thought, {"type": "text", "text": "x"}]}, "stop")))
    assert response.message.parts == (Reasoning("hm", name="thinking"), Text("x"))


def test_a_thought_with_a_proof_goes_back_as_it_came():
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": "sig"}
    response = answer(read(chunk({"content": [thought, {"type": "text", "text": "x"}]}, "stop")))
    assert response.message.parts == (UnknownPart("openai_chat", {"content": [thought]}), Text("x"))


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("function_call", FinishReason.TOOL_CALLS),
        ("error", FinishReason.UNKNOWN),
    ],
)
def test_every_end_has_a_reason(finish: str, reason: FinishReason):
    assert answer(read(chunk({"content": "x"}, finish), DONE)).finish_reason is reason


@pytest.mark.parametrize("finish", ["", None])
def test_the_end_mark_is_enough_of_an_end(finish: str | None):
    assert answer(read(chunk({"content": "x"}, finish), DONE)).finish_reason is FinishReason.STOP


def test_a_finish_is_enough_of_an_end():
    assert answer(read(chunk({"content": "x"}, "stop"))).message.text == "x"
    assert answer(read(chunk({"content": "x"}, "stop").rstrip())).message.text == "x"


def test_a_finish_is_known_before_it_is_told():
    reader = OPENAI_CHAT.stream_reader()
    reader.feed(chunk({"content": "x"}))
    assert not reader.has_finish
    assert reader.feed(chunk({}, "stop")) == []
    assert reader.has_finish


def test_deltas_after_a_first_finish_are_not_lost():
    events = read(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, "stop"), DONE)
    assert events[1:3] == [TextDelta("a"), TextDelta("b")]
    assert sum(isinstance(event, Finished) for event in events) == 1


@pytest.mark.parametrize("chunks", [(chunk({"content": "x"}),), (), (DONE,), (b": hi\n\n",)])
def test_a_stream_that_breaks_off_is_a_fault(chunks: tuple[bytes, ...]):
    with pytest.raises(WireFormatError, match="ended"):
        read(*chunks)


@pytest.mark.parametrize("data", [b"{", b"[]", b"hello", b'"x"'])
def test_what_is_no_chunk_is_a_fault(data: bytes):
    with pytest.raises(WireFormatError):
        read(encode_event(data))


@pytest.mark.parametrize(
    "usage",
    [
        chunk({}, "stop", usage=USAGE),
        chunk({}, "stop", x_groq={"id": "r", "usage": USAGE}),
        encode_event(
            orjson.dumps({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE}]})
        ),
    ],
)
def test_usage_is_found_wherever_it_stands(usage: bytes):
    assert answer(read(chunk({"content": "x"}), usage, DONE)).usage == Usage(3, 4)


def test_of_usage_given_again_and_again_the_last_one_counts():
    earlier = {**USAGE, "completion_tokens": 1}
    events = read(chunk({"content": "x"}, usage=earlier), chunk({}, "stop", usage=USAGE), DONE)
    assert [event.usage for event in events if isinstance(event, UsageReported)] == [Usage(3, 4)]


def test_a_chunk_without_choices_may_come_first():
    filters = encode_event(b'{"id":"","model":"","created":0,"choices":[],"prompt_filter_results":[1]}')
    events = read(b": OPENROUTER PROCESSING\r\n\r\n", filters, chunk({"content": "x"}, "stop"), DONE)
    assert events[0] == ResponseStarted("chatcmpl-1", "up", 5, {"prompt_filter_results": [1]}, "openai_chat")


def test_only_the_first_of_several_choices_counts():
    both = {**HEAD, "choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}
    assert read(encode_event(orjson.dumps(both)), chunk({}, "stop"))[1] == TextDelta("a")


@pytest.mark.parametrize(
    "data", [b'{"error":{"code":502}}', b'{"error":"no","choices":[]}', b'{"object":"error"}']
)
def test_an_error_event_is_passed_on_after_what_came_before_it(data: bytes):
    reader = OPENAI_CHAT.stream_reader()
    assert TextDelta("x") in reader.feed(chunk({"content": "x"}) + encode_event(data))
    with pytest.raises(UpstreamStreamError) as caught:
        reader.feed(b"")
    assert caught.value.body == data


def test_an_error_that_is_null_is_none():
    assert TextDelta("x") in read(chunk({"content": "x"}, "stop", error=None), DONE)


def test_log_probabilities_reach_the_client_and_not_the_next_turn():
    logprobs = {"content": [{"token": "x", "logprob": -1.0, "bytes": None, "top_logprobs": []}], "refusal": None}
    data = {**HEAD, "choices": [{"index": 0, "delta": {"content": "x"}, "logprobs": logprobs}]}
    events = read(encode_event(orjson.dumps(data)), chunk({}, "stop"))
    assert UnknownDelta("openai_chat", {"logprobs": logprobs}, in_message=False) in events
    assert answer(events).message.parts == (Text("x"),)
    assert any(frame["choices"][0].get("logprobs") == logprobs for frame in frames(write(events)))


# Writing


def write(events: Iterable[StreamEvent], *, include_usage: bool = False) -> bytes:
    writer = OPENAI_CHAT.stream_writer(include_usage=include_usage)
    return b"".join(writer.write(event) for event in events) + writer.done()


def frames(stream: bytes) -> list[dict[str, Any]]:
    *written, last = stream.split(b"\n\n")[:-1]
    assert last == b"data: [DONE]"
    return [orjson.loads(frame.removeprefix(b"data: ")) for frame in written]


EVENTS: list[StreamEvent] = [
    ResponseStarted("run-1", "up", 5, {"system_fingerprint": "fp", "provider": "p"}, "openai_chat"),
    ReasoningDelta("hm", "reasoning"),
    TextDelta("é\n"),
    ToolCallStarted(0, "c", "f", {"extra_content": {"x": 1}}, "openai_chat"),
    ToolCallDelta(0, '{"a"'),
    ToolCallDelta(0, ":1}"),
    Finished(FinishReason.TOOL_CALLS),
    UsageReported(Usage(3, 4, 1, 0, 2)),
]


def test_a_written_stream_has_one_head_and_one_end():
    written = frames(write(EVENTS))
    head = {
        "id": "run-1",
        "object": "chat.completion.chunk",
        "created": 5,
        "model": "up",
        "system_fingerprint": "fp",
    }
    assert all(frame.items() >= head.items() for frame in written)
    assert ["provider" in frame for frame in written] == [True, *[False] * (len(written) - 1)]
    assert [frame["choices"][0]["delta"] for frame in written] == [
        {"role": "assistant", "content": ""},
        {"reasoning": "hm"},
        {"content": "é\n"},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c",
                    "type": "function",
                    "function": {"name": "f", "arguments": ""},
                    "extra_content": {"x": 1},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
        {},
    ]
    assert [frame["choices"][0]["finish_reason"] for frame in written] == [*[None] * 6, "tool_calls"]


def test_usage_is_told_to_those_who_asked():
    *chunks, last = frames(write(EVENTS, include_usage=True))
    assert all(frame["usage"] is None for frame in chunks)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }


def test_what_was_read_from_another_dialect_is_left_out():
    written = frames(
        write(
            [
                ResponseStarted("r", "m", 1, {"odd": 1}, "other"),
                ToolCallStarted(0, "c", "f", {"odd": 1}, "other"),
                UnknownDelta("other", {"odd": 1}),
                UnknownDelta("other", {"odd": 1}, in_message=False),
                Finished(FinishReason.UNKNOWN, {"odd": 1, "finish_reason": "weird"}, "other"),
            ]
        )
    )
    assert len(written) == 3
    assert b"odd" not in orjson.dumps(written)
    assert written[-1]["choices"][0]["finish_reason"] == "stop"


def test_progress_waits_for_the_answer_to_have_an_id_and_is_an_empty_delta():
    writer = OPENAI_CHAT.stream_writer(include_usage=False)
    assert writer.progress({"event": "round_started"}) == b""
    opening, waited = frames(writer.write(EVENTS[0]) + writer.done())
    assert "toolgate" not in opening
    assert waited["toolgate"] == {"event": "round_started"}
    assert waited["choices"] == [{"index": 0, "delta": {}, "finish_reason": None}]
    assert waited["id"] == "run-1"


def test_a_summary_goes_along_with_a_frame_only():
    writer = OPENAI_CHAT.stream_writer(include_usage=False)
    writer.write(EVENTS[0])
    finished = writer.write(Finished(FinishReason.STOP), toolgate={"run_id": "r"})
    assert frames(finished + writer.done())[0]["toolgate"] == {"run_id": "r"}
    assert writer.write(UsageReported(Usage(1, 1)), toolgate={"run_id": "r"}) == b""


def test_nothing_is_written_before_the_start():
    with pytest.raises(ValueError, match="ResponseStarted"):
        OPENAI_CHAT.stream_writer(include_usage=False).write(TextDelta("x"))


def test_an_error_is_an_event_without_an_end_mark():
    data = OPENAI_CHAT.stream_writer(include_usage=False).error(ErrorAnswer(400, "no\nway", "t", "c"))
    told = {"message": "no\nway", "type": "t", "param": None, "code": "c"}
    assert orjson.loads(data.removeprefix(b"data: ")) == {"error": told}
    assert b"[DONE]" not in data


_DELTAS = st.lists(
    st.builds(TextDelta, st.text(min_size=1, max_size=5))
    | st.builds(ReasoningDelta, st.text(min_size=1, max_size=5))
    | st.builds(RefusalDelta, st.text(min_size=1, max_size=5)),
    max_size=6,
)
_CALLS = st.lists(
    st.tuples(st.text(min_size=1, max_size=5), st.lists(st.text(max_size=4), max_size=3)), max_size=3
)


@given(_DELTAS, _CALLS, st.data())
def test_what_is_written_is_read_again_wherever_it_is_cut(
    deltas: list[StreamEvent], made: list[tuple[str, list[str]]], data: st.DataObject
):
    calls: list[StreamEvent] = [ToolCallStarted(index, f"c{index}", name) for index, (name, _) in enumerate(made)]
    pieces = [ToolCallDelta(index, text) for index, (_, texts) in enumerate(made) for text in texts]
    reason = FinishReason.TOOL_CALLS if made else FinishReason.STOP
    events = [
        EVENTS[0],
        *deltas,
        *calls,
        *data.draw(st.permutations(pieces)),
        Finished(reason),
        UsageReported(Usage(1, 2)),
    ]
    stream = write(events, include_usage=True)
    cut = data.draw(st.integers(0, len(stream)))
    assert answer(read(stream[:cut], stream[cut:])).message == answer(events).message
    assert answer(read(stream)).usage == Usage(1, 2)


def test_the_scripted_model_says_the_same_whole_and_streamed():
    turn = Turn("It is  so.\n", (Call("f", {"a": 1}, "x"), Call("g", "", "y")), reasoning="let me see")
    asked = {"model": "up", "stream_options": {"include_usage": True}}
    streamed = answer(read(*wire.events(turn, asked), DONE))
    whole = OPENAI_CHAT.read_response(orjson.dumps(wire.completion(turn, asked)))
    assert streamed.message == whole.message
    assert (streamed.finish_reason, streamed.usage) == (whole.finish_reason, whole.usage)


# Bytes that pass through


def test_the_scanner_finds_usage_and_model_wherever_the_chunks_are_cut():
    quiet = chunk({"content": 'so "usage":{ is a word'}, usage=None)
    stream = quiet + chunk({}, "stop") + encode_event(orjson.dumps({**HEAD, "choices": [], "usage": USAGE})) + DONE
    for size in (1, 7, 100, len(stream)):
        scanner = ChatUsageScanner()
        for start in range(0, len(stream), size):
            scanner.feed(stream[start : start + size])
        assert (scanner.usage, scanner.model) == (Usage(3, 4), "up")


def test_the_scanner_survives_whatever_passes():
    scanner = ChatUsageScanner()
    for data in (
        b"data: {broken\n",
        b"\xff\xfe\n",
        b'data: {"usage":{"prompt_tokens":"x"}}\r\n\r\n',
        b"x" * 200_000,
        b"\n",
    ):
        scanner.feed(data)
    assert scanner.usage == Usage()
    scanner.feed(chunk({}, "stop", usage=USAGE))
    assert scanner.usage == Usage(3, 4)


def test_the_scanner_holds_on_to_little():
    scanner = ChatUsageScanner()
    for _ in range(100):
        scanner.feed(b"x" * 10_000)
    assert len(scanner._tail) <= 64 * 1024


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (USAGE, Usage(3, 4)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1}}, Usage(3, 4, 2, 1)),
        ({**USAGE, "prompt_cache_hit_tokens": 2}, Usage(3, 4, 2)),
        ({**USAGE, "completion_tokens_details": {"reasoning_tokens": 3}}, Usage(3, 4, reasoning_tokens=3)),
        (
            {**USAGE, "total_tokens": 12, "completion_tokens_details": {"reasoning_tokens": 5}},
            Usage(3, 9, reasoning_tokens=5),
        ),
        ({"prompt_tokens": None, "completion_tokens": -1, "prompt_tokens_details": None}, Usage()),
    ],
)
def test_usage_is_counted_as_openai_counts(raw: dict[str, Any], usage: Usage):
    assert usage_of(orjson.dumps({"usage": raw})) == usage


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"usage":null}', b"nonsense"])
def test_an_answer_without_usage_has_none(body: bytes):
    assert usage_of(body) is None


def test_a_stream_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_reading, "_LARGEST_STREAM", 100_000)
    with pytest.raises(WireFormatError, match="longer than 100000 bytes"):
        read(*[chunk({"content": "and so on "})] * 10_000)


def test_arguments_that_are_objects_too_deep_to_be_written_are_never_taken_for_none():
    deep = b"[" * 400 + b"]" * 400
    ((_, _, arguments),) = calls_in(call(piece(0, {"a": 5}, "f", "c1")).replace(b"5}", deep + b"}"))
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(arguments)


@pytest.mark.parametrize("count", [2**64 - 1, 1e300, 10**15])
def test_counts_that_make_no_sense_stay_within_what_can_be_kept(count: float):
    usage = usage_of(orjson.dumps({"usage": {"prompt_tokens": count, "completion_tokens": count}}))
    assert usage is not None
    assert usage.input_tokens == usage.output_tokens == 10**12
