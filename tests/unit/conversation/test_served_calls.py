"""Calls that a client was shown become the model's own calls again."""

from __future__ import annotations

from gateway.conversation import Message, Part, Reasoning, ServedCall, Text, ToolCall, ToolListing, ToolResult
from gateway.conversation.codec import dump_messages, load_messages
from gateway.conversation.served import spelled_out


def name_of(server: str, tool: str) -> str:
    return f"{server}__{tool}"


def served(call_id: str, text: str | None = "done") -> ServedCall:
    result = None if text is None else ToolResult(call_id, (Text(text),))
    return ServedCall(ToolCall(call_id, "look", "{}"), "web", result)


def call(call_id: str) -> ToolCall:
    return ToolCall(call_id, "web__look", "{}")


def test_what_is_said_after_calls_is_another_turn():
    parts: tuple[Part, ...] = (
        Reasoning("hm"),
        Text("a"),
        served("1"),
        served("2"),
        Text("b"),
        served("3"),
        Text("c"),
    )
    user = Message("user", (Text("go"),))
    assert spelled_out((user, Message("assistant", parts)), name_of) == (
        user,
        Message("assistant", (Reasoning("hm"), Text("a"), call("1"), call("2"))),
        Message("tool", (ToolResult("1", (Text("done"),)),)),
        Message("tool", (ToolResult("2", (Text("done"),)),)),
        Message("assistant", (Text("b"), call("3"))),
        Message("tool", (ToolResult("3", (Text("done"),)),)),
        Message("assistant", (Text("c"),)),
    )


def test_the_clients_own_calls_of_the_same_turn_stay_in_it():
    own = ToolCall("9", "ask", "{}")
    turns = spelled_out((Message("assistant", (served("1"), own, served("2"))),), name_of)
    assert turns[0] == Message("assistant", (call("1"), own, call("2")))
    assert [message.role for message in turns] == ["assistant", "tool", "tool"]


def test_a_call_without_a_result_gets_one_that_says_so():
    (_, result) = spelled_out((Message("assistant", (served("1", None),)),), name_of)
    (part,) = result.parts
    assert isinstance(part, ToolResult)
    assert part.is_error


def test_a_listing_is_nothing_to_the_model():
    listing = ToolListing("l", "web", ({"name": "look"},))
    assert spelled_out((Message("assistant", (listing, Text("a"))),), name_of) == (
        Message("assistant", (Text("a"),)),
    )


def test_messages_without_any_are_the_very_same():
    message = Message("assistant", (Text("a"), ToolCall("1", "x", "{}")))
    assert spelled_out((message,), name_of)[0] is message


def test_they_outlive_a_process():
    parts: tuple[Part, ...] = (ToolListing("l", "web", ({"name": "look"},)), served("1"), served("2", None))
    messages = (Message("assistant", parts),)
    assert load_messages(dump_messages(messages)) == messages
