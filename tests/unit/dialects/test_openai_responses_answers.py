"""OpenAI Responses answers, whole and streamed, read and written."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.errors import ErrorAnswer
from gateway.conversation import (
    Finished,
    FinishReason,
    Message,
    ModelResponse,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
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
from gateway.dialects import UpstreamStreamError, WireFormatError, answering
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.providers.scripted import responses_wire
from gateway.providers.scripted.turns import Call, Turn
from gateway.providers.whole_answers import events_of
from gateway.sse import SseDecoder
from tests.unit.dialects.assembling import assembled

NAME = "openai_responses"
THOUGHT: dict[str, Any] = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "first"}, {"type": "summary_text", "text": "then"}],
    "encrypted_content": "gAAA+/==",
}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}
CITED = {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "t", "url": "https://x.example"}
OUTPUT: list[dict[str, Any]] = [
    THOUGHT,
    SEARCH,
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "phase": "commentary",
        "content": [{"type": "output_text", "text": "I look.", "annotations": [CITED], "logprobs": []}],
    },
    {
        "id": "msg_2",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "Well.", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "No."},
        ],
    },
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "find",
        "namespace": "crm",
        "arguments": '{"a": 1}',
    },
    {
        "id": "ctc_1",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "call_2",
        "name": "patch",
        "input": 'a "b"\n\\ é',
    },
    {
        "id": "lsh_1",
        "type": "local_shell_call",
        "status": "completed",
        "call_id": "call_3",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
    },
]
PROOF = orjson.dumps(THOUGHT).decode()
PARTS = (
    Reasoning("first\n\nthen", PROOF, "reasoning_summary"),
    UnknownPart(NAME, {"item": SEARCH}),
    UnknownPart(NAME, {"message": {"id": "msg_1", "phase": "commentary"}}),
    Text("I look."),
    UnknownPart(NAME, {"annotations": [CITED]}),
    UnknownPart(NAME, {"message": {"id": "msg_2"}}),
    Text("\n\nWell."),
    ToolCall("call_1", "crm__find", '{"a": 1}'),
    ToolCall("call_2", "patch", '{"input":"a \\"b\\"\\n\\\\ é"}'),
    ToolCall("call_3", "local_shell", '{"type":"exec","command":["ls"],"env":{}}'),
)
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 17,
}
ANSWER: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_700_000_000,
    "completed_at": 1_700_000_009,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": "gpt",
    "output": OUTPUT,
    "usage": USAGE,
    "something_new": {"a": [1, None]},
}
ALL = {"model": "m", "input": "hi", "include": ["reasoning.encrypted_content"]}


def read(answer: dict[str, Any]) -> ModelResponse:
    return OPENAI_RESPONSES.read_response(orjson.dumps(answer))


def answers(**asked: Any):
    return answering(OPENAI_RESPONSES, lambda: OPENAI_RESPONSES.read_request({**ALL, **asked}))


def frames(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(event.data) for event in SseDecoder(10**7).feed(data)]


def read_stream(*chunks: bytes) -> list[StreamEvent]:
    reader = OPENAI_RESPONSES.stream_reader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return [*events, *reader.end()]


def written(events: list[StreamEvent], **asked: Any) -> bytes:
    writer = answers(**asked).stream_writer(include_usage=False)
    return b"".join([writer.write(event) for event in events]) + writer.done()


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps({"type": kind, **fields}) + b"\n\n"


def about(kind: str, index: int, **fields: Any) -> bytes:
    return event(f"response.{kind}", output_index=index, **fields)


START = event("response.created", response={**ANSWER, "status": "in_progress", "output": [], "usage": None})
MESSAGE = about(
    "output_item.added", 0, item={"id": "msg_1", "type": "message", "role": "assistant", "content": []}
)
PIECE = about("output_text.delta", 0, content_index=0, item_id="msg_1", delta="a")
END = event("response.completed", response={**ANSWER, "output": []})


def test_a_whole_answer_is_read_in_order_and_written_as_it_came():
    response = read(ANSWER)
    parts = response.message.parts
    assert parts[:7] == PARTS[:7]
    assert parts[8:] == PARTS[7:]
    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert response.usage == Usage(10, 7, 3, 2, 4)
    assert response.message.text == "I look.\n\nWell."
    told = answers().write_response(response)
    assert ANSWER.items() <= told.items()


def test_parts_alone_make_the_same_items():
    response = read(ANSWER)
    alone = ModelResponse("resp_1", "gpt", 1, Message("assistant", response.message.parts), response.finish_reason)
    assert OPENAI_RESPONSES.write_response(alone)["output"] == OUTPUT


def test_a_stream_tells_the_same_answer_in_the_same_order():
    told = frames(written(list(events_of(read(ANSWER)))))
    assert told[-1]["response"]["output"] == OUTPUT
    done = [frame["item"] for frame in told if frame["type"] == "response.output_item.done"]
    by_place = sorted(
        (frame["output_index"], frame["item"]["id"]) for frame in told if frame["type"].endswith("item.done")
    )
    assert [identity for _, identity in by_place] == [item["id"] for item in OUTPUT]
    assert sorted(item["id"] for item in done) == sorted(item["id"] for item in OUTPUT)
    assert [frame["sequence_number"] for frame in told] == list(range(len(told)))


def test_what_it_writes_it_reads_again():
    data = written(list(events_of(read(ANSWER))))
    again = assembled(read_stream(data))
    output = OPENAI_RESPONSES.write_response(again)["output"]
    assert [item["id"] for item in output] == [item["id"] for item in OUTPUT]
    output[2]["content"][0]["annotations"] = [CITED]  # which were told about the text, and are no part of it
    assert output == OUTPUT
    assert again.message.text == "I look.\n\nWell."


@given(st.data())
def test_a_stream_may_come_in_any_pieces(data: st.DataObject):
    calls = (
        Call("f", {"a": "b c d e f g"}),
        Call("patch", 'é "x" \\ 😀 and more of it'),
        Call("local_shell", "ls"),
    )
    asked = {"model": "m", "input": [], "tools": [{"type": "custom", "name": "patch"}], **ALL}
    turn = Turn(reasoning="so it is", text="one two\nthree", calls=calls)
    whole = b"".join(responses_wire.events(turn, asked))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    parts = assembled(read_stream(*chunks)).message.parts
    assert isinstance(parts[0], Reasoning)
    assert parts[0].text == "so it is"
    assert responses_wire.proof_of("so it is") in (parts[0].signature or "")
    assert parts[2] == Text("one two\nthree")
    found = [(call.name, orjson.loads(call.arguments)) for call in parts[3:] if isinstance(call, ToolCall)]
    assert found[:2] == [("f", {"a": "b c d e f g"}), ("patch", {"input": 'é "x" \\ 😀 and more of it'})]
    assert found[2][1]["command"] == ["sh", "-c", "ls"]


@given(st.text(max_size=30), st.data())
def test_the_text_of_a_custom_call_is_told_piece_by_piece_however_its_json_is_cut(text: str, data: st.DataObject):
    ascii_only = data.draw(st.booleans())
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arguments)), max_size=8)))
    pieces = [arguments[a:b] for a, b in zip([0, *cuts], [*cuts, len(arguments)], strict=True)]
    events: list[StreamEvent] = [
        ResponseStarted("r", "m", 1, dialect="openai_chat"),
        ToolCallStarted(0, "c", "patch"),
        *(ToolCallDelta(0, piece) for piece in pieces),
        Finished(FinishReason.TOOL_CALLS),
    ]
    told = frames(written(events, tools=[{"type": "custom", "name": "patch"}]))
    deltas = [frame["delta"] for frame in told if frame["type"] == "response.custom_tool_call_input.delta"]
    (item,) = told[-1]["response"]["output"]
    assert ("".join(deltas), item["input"], item["type"]) == (text, text, "custom_tool_call")


def test_a_model_that_wrote_no_json_for_a_custom_tool_meant_the_text_itself():
    events: list[StreamEvent] = [
        ResponseStarted("r", "m", 1, dialect="openai_chat"),
        ToolCallStarted(0, "c", "patch"),
        ToolCallDelta(0, "*** Begin"),
        Finished(FinishReason.TOOL_CALLS),
    ]
    (item,) = frames(written(events, tools=[{"type": "custom", "name": "patch"}]))[-1]["response"]["output"]
    assert item["input"] == "*** Begin"


def test_interleaved_calls_of_another_dialect_keep_their_places():
    events: list[StreamEvent] = [
        ResponseStarted("r", "m", 1, dialect="openai_chat"),
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(0, '{"x'),
        ToolCallDelta(1, '{"y'),
        TextDelta("late"),
        ToolCallDelta(0, '":1}'),
        ToolCallDelta(1, '":2}'),
        Finished(FinishReason.TOOL_CALLS),
        UsageReported(Usage(9, 1, 4)),
    ]
    told = frames(written(events))
    output = told[-1]["response"]["output"]
    assert [item.get("arguments") for item in output] == ['{"x":1}', '{"y":2}', None]
    assert [item["type"] for item in output] == ["function_call", "function_call", "message"]
    assert told[-1]["response"]["usage"]["input_tokens_details"] == {"cached_tokens": 4, "cache_write_tokens": 0}


def test_parts_of_a_summary_stay_apart():
    begun = {"id": "rs_1", "type": "reasoning", "summary": []}
    stream = [START, about("output_item.added", 0, item=begun)]
    for index, text in enumerate(("first", "then")):
        part = {"type": "summary_text", "text": ""}
        stream.append(about("reasoning_summary_part.added", 0, item_id="rs_1", summary_index=index, part=part))
        stream.append(about("reasoning_summary_text.delta", 0, item_id="rs_1", summary_index=index, delta=text))
    stream += [about("output_item.done", 0, item=THOUGHT), END]
    events = read_stream(*stream)
    assert assembled(events).message.parts == (Reasoning("first\n\nthen", PROOF, "reasoning_summary"),)
    told = frames(written(events))
    assert told[-1]["response"]["output"] == [THOUGHT]
    assert [frame["delta"] for frame in told if frame["type"].endswith("summary_text.delta")] == ["first", "then"]


def test_events_about_items_that_nobody_here_knows_pass_at_their_new_place():
    begun = {**SEARCH, "status": "in_progress"}
    stream = [
        START,
        about("output_item.added", 4, item=begun),
        about("web_search_call.searching", 4, item_id="ws_1", sequence_number=77),
        about("output_item.done", 4, item=SEARCH),
        event("response.from_the_future", odd=[1]),
        END,
    ]
    told = frames(written(read_stream(*stream)))
    assert [frame["type"] for frame in told[2:-1]] == [
        "response.output_item.added",
        "response.web_search_call.searching",
        "response.output_item.done",
        "response.from_the_future",
    ]
    assert [frame.get("output_index") for frame in told[2:-1]] == [0, 0, 0, None]
    assert [frame["sequence_number"] for frame in told] == list(range(len(told)))
    assert told[-1]["response"]["output"] == [SEARCH]


def test_what_is_said_about_a_text_goes_with_it():
    logprobs = [{"token": "a", "logprob": -0.5, "top_logprobs": []}]
    stream = [
        START,
        MESSAGE,
        about("output_text.delta", 0, content_index=0, item_id="msg_1", delta="a", logprobs=logprobs),
        about("output_text.annotation.added", 0, content_index=0, item_id="msg_1", annotation=CITED),
        END,
    ]
    told = frames(written(read_stream(*stream)))
    (delta,) = [frame for frame in told if frame["type"] == "response.output_text.delta"]
    (part,) = told[-1]["response"]["output"][0]["content"]
    assert delta["logprobs"] == logprobs
    assert (part["annotations"], part["logprobs"]) == ([CITED], logprobs)


def test_an_answer_repeats_what_was_asked_and_not_what_the_gateway_made_of_it():
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    asked = {"tools": [tool], "instructions": "be brief", "tool_choice": "required", "metadata": {"a": "b"}}
    came = {**ANSWER, "tools": [tool, tool], "instructions": "something else", "tool_choice": "auto"}
    codec = answers(**asked)
    whole = codec.write_response(read(came))
    writer = codec.stream_writer(include_usage=True)
    data = b"".join(writer.write(event) for event in events_of(read(came))) + writer.done()
    for told in (whole, frames(data)[0]["response"], frames(data)[-1]["response"]):
        assert told["tools"] == [{"strict": True, **tool}]
        assert (told["instructions"], told["tool_choice"]) == ("be brief", "required")
        assert told["something_new"] == ANSWER["something_new"]


@pytest.mark.parametrize(
    ("ended", "reason", "chat"),
    [
        ({"status": "completed"}, FinishReason.STOP, "stop"),
        ({"status": "incomplete", "reason": "max_output_tokens"}, FinishReason.LENGTH, "length"),
        ({"status": "incomplete", "reason": "content_filter"}, FinishReason.CONTENT_FILTER, "content_filter"),
        ({"status": "incomplete", "reason": "steered"}, FinishReason.UNKNOWN, "stop"),
        ({"status": "cancelled"}, FinishReason.UNKNOWN, "stop"),
    ],
)
def test_every_end_has_its_word(ended: dict[str, str], reason: FinishReason, chat: str):
    details = {"reason": ended["reason"]} if "reason" in ended else None
    response = read({**ANSWER, "output": OUTPUT[2:3], "status": ended["status"], "incomplete_details": details})
    assert response.finish_reason is reason
    told = OPENAI_RESPONSES.write_response(response)
    assert (told["status"], told["incomplete_details"]) == (ended["status"], details)
    assert OPENAI_CHAT.write_response(response)["choices"][0]["finish_reason"] == chat


@pytest.mark.parametrize(
    ("reason", "status", "lacks"),
    [
        (FinishReason.STOP, "completed", None),
        (FinishReason.TOOL_CALLS, "completed", None),
        (FinishReason.LENGTH, "incomplete", "max_output_tokens"),
        (FinishReason.PAUSED, "incomplete", "max_output_tokens"),
        (FinishReason.CONTENT_FILTER, "incomplete", "content_filter"),
        (FinishReason.UNKNOWN, "completed", None),
    ],
)
def test_every_reason_of_others_is_told(reason: FinishReason, status: str, lacks: str | None):
    told = frames(written([ResponseStarted("r", "m", 1, dialect="x"), TextDelta("a"), Finished(reason)]))[-1]
    assert told["type"] == f"response.{status}"
    assert (told["response"]["incomplete_details"] or {}).get("reason") == lacks


@pytest.mark.parametrize(
    "thought",
    [Reasoning("hm", "EqQB/+==", "thinking"), Reasoning("hm", None, "reasoning"), Reasoning("", "x", "redacted")],
)
def test_thoughts_of_others_come_back_with_their_own_proof(thought: Reasoning):
    response = ModelResponse("r", "m", 1, Message("assistant", (thought, Text("a"))), FinishReason.STOP)
    streamed = assembled(read_stream(written(list(events_of(response)))))
    (item, _) = OPENAI_RESPONSES.write_response(response)["output"]
    assert item["encrypted_content"].startswith("toolgate:thought:")
    again = OPENAI_RESPONSES.write_response(streamed)["output"][:1]
    for items in ([item], again) if thought.signature else ([item],):
        asked = OPENAI_RESPONSES.read_request({"model": "m", "input": items})
        assert asked.messages[0].parts == (thought,)
        assert OPENAI_RESPONSES.write_request(asked, model="m")["input"] == []


@pytest.mark.parametrize("content", ["toolgate:thought:", "toolgate:thought:!!", "toolgate:thought:W10="])
def test_a_proof_that_somebody_made_up_proves_nothing(content: str):
    item = {**THOUGHT, "encrypted_content": content}
    asked = OPENAI_RESPONSES.read_request({"model": "m", "input": [item]})
    assert asked.messages[0].parts == (Reasoning("first\n\nthen", None, "reasoning_summary"),)


def test_own_thoughts_can_not_be_made_up_in_the_form_for_those_of_others():
    forged = Reasoning("hm", "gAAA", "reasoning_summary")
    response = ModelResponse("r", "m", 1, Message("assistant", (forged,)), FinishReason.STOP)
    (item,) = OPENAI_RESPONSES.write_response(response)["output"]
    asked = OPENAI_RESPONSES.read_request({"model": "m", "input": [item]})
    assert asked.messages[0].parts == (Reasoning("hm", None, "reasoning_summary"),)


def test_proofs_are_left_out_for_who_did_not_ask_for_them():
    for told in (
        answers(include=[]).write_response(read(ANSWER)),
        frames(written(list(events_of(read(ANSWER))), include=[]))[-1]["response"],
    ):
        assert told["output"][0] == {**THOUGHT, "encrypted_content": None}


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([START, MESSAGE, PIECE], "before its answer did"),
        ([START], "before its answer did"),
        ([PIECE], "before its start"),
        ([START, PIECE], "has not begun"),
        ([START, about("function_call_arguments.delta", 0, delta="a")], "has not begun"),
        ([b"data: {\n\n"], "JSON"),
        ([], "before its answer did"),
    ],
)
def test_streams_that_are_broken_are_faults(chunks: list[bytes], message: str):
    with pytest.raises(WireFormatError, match=message):
        read_stream(*chunks)


def test_imitators_that_tell_whole_items_alone_are_understood():
    items = [about("output_item.done", index, item=item) for index, item in enumerate(OUTPUT)]
    parts = assembled(read_stream(START, *items, END, b"data: [DONE]\n\n")).message.parts
    assert [part for part in parts if isinstance(part, ToolCall)] == [
        part for part in PARTS if isinstance(part, ToolCall)
    ]
    assert Text("I look.\n\nWell.").text == "".join(part.text for part in parts if isinstance(part, Text))
    assert parts[0] == PARTS[0]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "no", "param": None}, 429),
        ({"type": "error", "error": {"type": "server_error", "code": None, "message": "no"}}, 500),
        ({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "no"}}}, 500),
        ({"type": "response.failed", "response": {"error": {"code": "invalid_prompt", "message": "no"}}}, 400),
        ({"type": "error", "error": {"type": "odd", "message": "no"}}, None),
    ],
)
def test_an_error_within_a_stream_stands_for_its_status(told: dict[str, Any], status: int | None):
    with pytest.raises(UpstreamStreamError) as caught:
        read_stream(START, b"data: " + orjson.dumps(told) + b"\n\n")
    assert caught.value.status == status
    assert OPENAI_RESPONSES.read_error(caught.value.body) == "no"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b'{"output": "x"}'])
def test_what_is_no_answer_is_a_fault(body: bytes):
    with pytest.raises(WireFormatError):
        OPENAI_RESPONSES.read_response(body)


def test_an_answer_that_failed_is_an_error():
    with pytest.raises(UpstreamStreamError) as caught:
        read({**ANSWER, "status": "failed", "error": {"code": "server_error", "message": "no"}})
    assert orjson.loads(caught.value.body)["error"]["message"] == "no"
    with pytest.raises(UpstreamStreamError):
        read({"status": "failed", "output": []})


@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_usage_is_found_in_what_passes(cut: int):
    data = START + MESSAGE + PIECE * 3 + END
    scanner = OPENAI_RESPONSES.usage_scanner()
    for start in range(0, len(data), cut):
        scanner.feed(data[start : start + cut])
    assert scanner.usage == Usage(10, 7, 3, 2, 4)
    assert scanner.model == "gpt"
    assert OPENAI_RESPONSES.usage_of(orjson.dumps(ANSWER)) == Usage(10, 7, 3, 2, 4)
    assert OPENAI_RESPONSES.usage_of(b"nonsense") is None


def test_a_fault_before_the_start_is_an_error_event_alone_and_after_it_the_answer_has_failed():
    fault = ErrorAnswer(429, "slow down", "k", "x")
    writer = OPENAI_RESPONSES.stream_writer(include_usage=False)
    assert writer.progress({"event": "x"}) == b""
    assert writer.heartbeat() == b": keep-alive\n\n"
    (alone,) = frames(writer.error(fault))
    assert (alone["type"], alone["message"], alone["error"]["code"]) == ("error", "slow down", "x")
    begun = writer.write(ResponseStarted("r", "m", 1))
    assert [frame.get("toolgate") for frame in frames(begun)] == [None, None, {"event": "x"}]
    error, failed = frames(writer.error(fault))
    assert (error["type"], failed["type"]) == ("error", "response.failed")
    assert failed["response"]["error"] == {"code": "rate_limit_exceeded", "message": "slow down"}
    assert failed["response"]["id"] == "r"


def test_nothing_is_written_before_the_start():
    with pytest.raises(ValueError, match="begins with"):
        OPENAI_RESPONSES.stream_writer(include_usage=False).write(TextDelta("a"))


def test_errors_are_of_openais_form():
    told = OPENAI_RESPONSES.write_error(ErrorAnswer(400, "no", "k", "c", "p"), request_id="req_1")
    assert told == {"error": {"message": "no", "type": "k", "param": "p", "code": "c"}}


def test_what_other_dialects_know_alone_is_not_written():
    events: list[StreamEvent] = [
        ResponseStarted("r", "m", 1, {"odd": 1}, dialect="openai_chat"),
        UnknownDelta("openai_chat", {"logprobs": {}}, in_message=False),
        RefusalDelta("No."),
        ReasoningDelta("", "thinking"),
        Finished(FinishReason.STOP, {"odd": 2}, "openai_chat"),
    ]
    response = frames(written(events))[-1]["response"]
    assert "odd" not in response
    assert response["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]


@given(st.builds(Usage, *[st.integers(0, 99)] * 5))
def test_usage_is_counted_the_same_in_both_directions(usage: Usage):
    response = ModelResponse("r", "m", 1, Message("assistant", (Text("a"),)), FinishReason.STOP, usage)
    assert read(OPENAI_RESPONSES.write_response(response)).usage == usage


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_nested_too_deeply_to_be_written_again_is_a_fault():
    deep = {"type": "from_the_future", "id": "x", "odd": nested(260)}
    with pytest.raises(WireFormatError, match="deeply"):
        OPENAI_RESPONSES.read_response(json.dumps({**ANSWER, "output": [deep]}).encode())
    done = json.dumps({"type": "response.output_item.done", "output_index": 0, "item": deep}).encode()
    with pytest.raises(WireFormatError, match="deeply"):
        read_stream(START, b"data: %b\n\n" % done, END)


CLIENT_RUN: list[dict[str, Any]] = [
    {"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"], "env": {}}},
    {"type": "shell_call", "action": {"commands": ["ls"]}, "environment": {"type": "local"}},
    {"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "a"}},
    {"type": "computer_call", "action": {"type": "screenshot"}, "pending_safety_checks": []},
    {"type": "tool_search_call", "arguments": {"query": "x"}, "execution": "client"},
]


@pytest.mark.parametrize("fields", CLIENT_RUN, ids=lambda fields: fields["type"])
def test_calls_of_openais_own_kinds_that_the_client_runs_are_calls(fields: dict[str, Any]):
    item = {"id": "i_1", "call_id": "call_1", "status": "completed", **fields}
    stream = [START, about("output_item.added", 0, item={**item, "status": "in_progress"})]
    stream += [about("output_item.done", 0, item=item), END]
    for response in (read({**ANSWER, "output": [item]}), assembled(read_stream(*stream))):
        (call,) = response.message.tool_calls
        assert (call.id, call.name) == ("call_1", fields["type"].removesuffix("_call"))
        assert response.finish_reason is FinishReason.TOOL_CALLS
        alone = ModelResponse("r", "m", 1, response.message, response.finish_reason)
        assert OPENAI_RESPONSES.write_response(alone)["output"] == [item]
        assert frames(written(list(events_of(alone))))[-1]["response"]["output"] == [item]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "shell_call", "action": {"commands": []}, "environment": {"type": "container_reference"}},
        {"type": "tool_search_call", "arguments": {}, "execution": "server"},
        {"type": "mcp_call", "name": "x", "arguments": "{}", "server_label": "y"},
        {"type": "code_interpreter_call", "code": "1", "container_id": "c", "outputs": []},
    ],
)
def test_calls_that_the_provider_has_run_are_none(fields: dict[str, Any]):
    item = {"id": "i_1", "call_id": "call_1", "status": "completed", **fields}
    response = read({**ANSWER, "output": [item]})
    assert response.message.parts == (UnknownPart(NAME, {"item": item}),)
    assert response.finish_reason is FinishReason.STOP


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (429, "insufficient_quota", "insufficient_quota"),
        (400, "context_length_exceeded", "context_length_exceeded"),
        (429, "x", "rate_limit_exceeded"),
        (502, "upstream_protocol_error", "server_error"),
    ],
)
def test_the_causes_by_which_clients_decide_are_told_as_they_are(status: int, code: str, told: str):
    writer = OPENAI_RESPONSES.stream_writer(include_usage=False)
    writer.write(ResponseStarted("r", "m", 1))
    failed = frames(writer.error(ErrorAnswer(status, "no", "k", code)))[-1]
    assert failed["response"]["error"] == {"code": told, "message": "no"}


def test_what_came_is_never_changed_while_it_is_written():
    begun = {**SEARCH, "status": "in_progress"}
    events = read_stream(START, about("output_item.added", 0, item=begun), END)
    before = [str(event) for event in events]
    written(events)
    assert [str(event) for event in events] == before


def test_arguments_of_what_is_no_call_are_a_fault():
    piece = about("function_call_arguments.delta", 0, item_id="msg_1", delta="{}")
    with pytest.raises(WireFormatError, match="no call"):
        read_stream(START, MESSAGE, piece, END)
