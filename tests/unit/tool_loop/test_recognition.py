"""By what calls are known again when a client has kept no ids."""

from __future__ import annotations

from gateway.conversation import ToolCall
from gateway.tool_loop.recognition import Conversation, same_calls


def test_calls_find_each_other_by_what_they_say_and_in_order():
    theirs = [ToolCall("a", "look", '{"x":1}'), ToolCall("b", "look", '{"x":1}'), ToolCall("c", "hear", "")]
    ours = [ToolCall("1", "hear", "{}"), ToolCall("2", "look", '{"x": 1}'), ToolCall("3", "look", '{"x": 1}')]
    assert same_calls(theirs, ours) == {"a": "2", "b": "3", "c": "1"}


def test_a_call_that_nobody_made_finds_none():
    assert same_calls([ToolCall("a", "look", "{}")], [ToolCall("1", "look", '{"x":1}')]) == {}


def test_without_ids_a_turn_is_known_by_what_its_calls_say():
    for by_ids in (True, False):
        prints = {
            Conversation(by_ids=by_ids).fingerprint("", [ToolCall(identity, "look", "{}")]) for identity in "ab"
        }
        assert len(prints) == (2 if by_ids else 1)
