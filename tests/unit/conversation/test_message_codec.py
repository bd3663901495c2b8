"""Messages that outlive a process."""

from __future__ import annotations

import pytest

from gateway.conversation import (
    Media,
    Message,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
)
from gateway.conversation.codec import dump_messages, load_messages


def test_everything_comes_back_as_it_was():
    signed = ToolCall("c1", "f", "{}", Source("wire", {"extra_content": {"signature": "s"}}))
    messages = (
        Message(
            "user", (Text("hi"), Media("image", "image/png", data="AA==")), "ann", Source("wire", {"role": "user"})
        ),
        Message(
            "assistant",
            (
                Reasoning("hm", "sig", "reasoning"),
                Refusal("no"),
                Text("so", signed.source),
                signed,
                UnknownPart("wire", {"a": [1]}),
            ),
        ),
        Message("tool", (ToolResult("c1", (Text("ok"), Media("file", name="f")), is_error=True),)),
    )
    loaded = load_messages(dump_messages(messages))
    assert loaded == messages
    assert loaded[1].tool_calls[0].source == signed.source  # which equality leaves out
    assert [part.source for part in loaded[1].parts if isinstance(part, Text)] == [signed.source]


@pytest.mark.parametrize("data", [b"[1]", b'[{"role": "user"}]', b"nonsense"])
def test_anything_else_is_refused(data: bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own error is one too
        load_messages(data)
