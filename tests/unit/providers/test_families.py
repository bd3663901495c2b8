from __future__ import annotations

import pytest

from gateway.conversation import (
    Message,
    ModelRequest,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
)
from gateway.providers import make_provider
from gateway.providers.families import family_of, readable_by

HERE = make_provider("here", base_url="http://127.0.0.1:9")
THERE = make_provider("there", base_url="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("claude-opus-9", "us.anthropic.claude-haiku-9-v1:0"),
        ("anthropic/claude-opus-9", "claude-sonnet-9"),
        ("deepseek-reasoner", "accounts/fireworks/models/deepseek-v9p1"),
        ("gpt-9-mini", "GPT-9"),
        ("o9-mini", "o10"),
        ("in-house-7b", "in-house-70b"),
    ],
)
def test_models_of_one_maker_are_one_family_wherever_they_are(one, other):
    assert family_of(HERE, one, "openai_chat") == family_of(THERE, other, "openai_chat")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("here", "claude-opus-9", "openai_chat"), ("here", "gpt-9", "openai_chat")),
        (("here", "claude-opus-9", "openai_chat"), ("here", "claude-opus-9", "anthropic_messages")),
        (("here", "gemini-9-pro", "gemini"), ("there", "gemini-9-pro", "gemini")),
        (("here", "123", "openai_chat"), ("here", "456", "openai_chat")),
    ],
)
def test_other_makers_other_dialects_and_other_hosts_of_what_only_the_host_can_read_are_other_families(one, other):
    hosts = {"here": HERE, "there": THERE}
    assert len({family_of(hosts[host], model, dialect) for host, model, dialect in (one, other)}) == 2


def turn(origin: str | None) -> Message:
    parts = (
        Reasoning("hm", "proof", "thinking"),
        Text("I look."),
        ToolCall(
            "c1", "look", "{}", Source("openai_chat", {"extra_content": {"google": {"thought_signature": "s"}}})
        ),
        ToolCall("c2", "write", "text", Source("openai_chat", {"type": "custom", "caller": "x"})),
        UnknownPart("openai_chat", {"reasoning_details": [{"data": "s"}]}),
    )
    return Message("assistant", parts, source=Source("openai_chat", {"role": "assistant"}), origin=origin)


def request(*messages: Message) -> ModelRequest:
    return ModelRequest("m", messages, "openai_chat")


@pytest.mark.parametrize("origin", [None, "openai_chat:claude"])
def test_what_the_family_itself_wrote_and_what_nobody_knows_the_writer_of_is_sent_as_it_is(origin):
    given = request(Message("user", (Text("hi"),)), turn(origin))
    assert readable_by("openai_chat:claude", given) is given


def test_of_another_family_only_what_was_said_and_called_is_sent():
    result = Message("tool", (ToolResult("c1", (Text("seen"),)),))
    readable = readable_by("openai_chat:gpt", request(turn("openai_chat:claude"), result))
    message, after = readable.messages
    assert after is result
    assert message.source is None
    assert message.parts == (Text("I look."), ToolCall("c1", "look", "{}"), ToolCall("c2", "write", "text"))
    first, second = message.tool_calls
    assert first.source is None
    assert second.source == Source("openai_chat", {"type": "custom"})


def test_a_message_of_thoughts_alone_is_left_out():
    thought = Message("assistant", (Reasoning("hm", "proof", "thinking"),), origin="openai_chat:claude")
    assert readable_by("openai_chat:gpt", request(thought)).messages == ()
