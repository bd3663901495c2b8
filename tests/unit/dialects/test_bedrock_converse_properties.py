"""What holds of Converse for any conversation: nothing is lost in its own form, and Amazon's rules are kept."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import (
    Finished,
    FinishReason,
    Message,
    ModelRequest,
    Reasoning,
    ReasoningDelta,
    ResponseAssembler,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolResult,
    Usage,
    UsageReported,
)
from gateway.dialects.bedrock_converse import BEDROCK_CONVERSE
from tests.support.amazon import check_request, parse_stream

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
JSON = st.dictionaries(WORDS, st.none() | st.booleans() | st.integers(-9, 9) | WORDS, max_size=3)
IDS = st.from_regex(r"[a-zA-Z0-9_.:-]{1,12}", fullmatch=True)
OWN_BLOCKS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda text: {"text": text}, WORDS),
    st.builds(lambda i, given: {"toolUse": {"toolUseId": i, "name": "look", "input": given}}, IDS, JSON),
    st.builds(lambda i, given: {"toolResult": {"toolUseId": i, "content": [{"json": given}]}}, IDS, JSON),
    st.builds(
        lambda text, proof: {"reasoningContent": {"reasoningText": {"text": text, "signature": proof}}}, WORDS, IDS
    ),
    st.just({"cachePoint": {"type": "default"}}),
    st.builds(lambda given: {"somethingNew": given}, JSON),
)
OWN_MESSAGES = st.lists(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["user", "assistant", "system"]),
        st.lists(OWN_BLOCKS, max_size=4),
    ),
    min_size=1,
    max_size=5,
)
PARTS = st.one_of(
    st.builds(Text, st.sampled_from(["", " ", "\n", "words"])),
    st.builds(
        ToolCall, st.sampled_from(["a", "b|c", "x" * 70]), st.just("look"), st.sampled_from(["", "{}", "no"])
    ),
    st.builds(
        ToolResult,
        st.sampled_from(["a", "b|c"]),
        st.lists(st.builds(Text, st.sampled_from(["", "seen"])), max_size=2).map(tuple),
        st.booleans(),
    ),
    st.builds(Reasoning, WORDS, st.none() | IDS, st.sampled_from(["thinking", "reasoning_content"])),
)
MESSAGES = st.lists(
    st.builds(
        Message,
        st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
        st.lists(PARTS, max_size=4).map(tuple),
    ),
    max_size=6,
)


@given(OWN_MESSAGES, JSON)
def test_a_request_in_its_own_form_is_written_as_it_came(messages: list[dict[str, Any]], more: dict[str, Any]):
    body = {"messages": messages, "additionalModelRequestFields": more}
    request = BEDROCK_CONVERSE.read_request({**body, "model": "m", "stream": False})
    written = BEDROCK_CONVERSE.write_request(request, model="m")
    assert {name: written[name] for name in body} == body


@given(MESSAGES, st.sampled_from(["us.anthropic.claude-x-v1:0", "meta.llama9"]))
def test_any_conversation_is_said_within_amazons_rules(messages: list[Message], model: str):
    said = [message for message in messages if not _says_what_it_cannot(message)]
    request = ModelRequest("m", tuple(said), "openai_chat")
    body = BEDROCK_CONVERSE.write_request(request, model=model)
    check_request(body)
    roles = [message["role"] for message in body["messages"]]
    assert roles[0] == "user"
    assert all(one != other for one, other in itertools.pairwise(roles))
    blocks = [block for message in body["messages"] for block in message["content"]]
    texts = [*blocks, *body.get("system", []), *(inner for block in blocks for inner in _result(block))]
    assert all(block["text"].strip() for block in texts if "text" in block)
    assert all(message["content"] for message in body["messages"])
    assert all(_result(block) for block in blocks if "toolResult" in block)
    if any("toolUse" in block for block in blocks):
        assert body["toolConfig"]["tools"]
    for message in body["messages"] if "llama" in model else ():
        kinds = {next(iter(block)) for block in message["content"]}
        assert kinds == {"toolResult"} or "toolResult" not in kinds


def _says_what_it_cannot(message: Message) -> bool:
    """Calls of users, and results of assistants: no dialect reads such a thing."""
    is_answer = message.role == "assistant"
    return any(isinstance(part, ToolResult if is_answer else ToolCall) for part in message.parts)


def _result(block: dict[str, Any]) -> list[dict[str, Any]]:
    return block.get("toolResult", {}).get("content", [])


SAID: st.SearchStrategy[list[StreamEvent]] = st.lists(
    st.one_of(
        st.builds(lambda text: [TextDelta(text)], WORDS),
        st.builds(
            lambda text, proof: [
                ReasoningDelta(text, "reasoningContent"),
                ReasoningDelta("", "reasoningContent", proof),
            ],
            WORDS,
            IDS,
        ),
    ),
    max_size=5,
).map(lambda groups: [event for group in groups for event in group])


@given(SAID, st.permutations([0, 0, 1, 1, 2]))
def test_any_stream_is_written_so_that_it_reads_the_same(said: list[StreamEvent], order: list[int]):
    calls: list[StreamEvent] = [ToolCallStarted(index, f"id{index}", "look") for index in range(3)]
    calls += [ToolCallDelta(index, f'"{place}"') for place, index in enumerate(order)]
    end: list[StreamEvent] = [Finished(FinishReason.TOOL_CALLS), UsageReported(Usage(7, 3, 2, 1))]
    events: list[StreamEvent] = [ResponseStarted("x", "m", 0), *said, *calls, *end]
    writer, reader = BEDROCK_CONVERSE.stream_writer(include_usage=True), BEDROCK_CONVERSE.stream_reader()
    data = b"".join(writer.write(event) for event in events) + writer.done()
    assert len(parse_stream(data)) > 2
    again = [*reader.feed(data), *reader.end()]
    assert _answer(again) == _answer(events)


def _answer(events: list[StreamEvent]) -> tuple[Any, ...]:
    assembler = ResponseAssembler()
    for event in events:
        assembler.add(event)
    response = assembler.response()
    parts = [part for part in response.message.parts if part != Text("")]
    return parts, response.usage, response.finish_reason
