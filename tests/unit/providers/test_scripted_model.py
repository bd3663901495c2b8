"""Which tools the scripted model picks, and what it tells of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.scripted import respond

TEXT = {"type": "string"}


def tool(name, /, optional=(), **properties):
    required = [key for key in properties if key not in optional]
    schema = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOLS = [
    tool("demo__current_time", optional=("timezone",), timezone=TEXT),
    tool("demo__calculate", expression=TEXT),
    tool("demo__list_notes"),
    tool("demo__read_note", name=TEXT),
    tool("demo__write_note", name=TEXT, text=TEXT),
    tool("demo__delete_note", name=TEXT),
    tool("files__read_file", path=TEXT),
    tool("files__write_file", path=TEXT, content=TEXT),
    tool("files__list_directory", path=TEXT),
    tool("web__fetch", url=TEXT),
]


def ask(message, tools=TOOLS, **fields):
    return respond({"messages": [{"role": "user", "content": message}], "tools": tools, **fields})


def calls_of(turn):
    return [(call.name, call.arguments) for call in turn.calls]


@pytest.mark.parametrize(
    ("message", "name", "arguments"),
    [
        ("What is the time?", "demo__current_time", {}),
        ("What time is it in New York?", "demo__current_time", {"timezone": "America/New_York"}),
        ("time in Europe/Berlin please", "demo__current_time", {"timezone": "Europe/Berlin"}),
        ("what is 17 * (2 + 3)?", "demo__calculate", {"expression": "17 * (2 + 3)"}),
        ("Use the calculator: 2**10", "demo__calculate", {"expression": "2**10"}),
        ("list my notes", "demo__list_notes", {}),
        ("Read the note welcome", "demo__read_note", {"name": "welcome"}),
        ("Save a note called todo: buy milk", "demo__write_note", {"name": "todo", "text": "buy milk"}),
        (
            "write the note 'shopping' with text 'milk and eggs'",
            "demo__write_note",
            {"name": "shopping", "text": "milk and eggs"},
        ),
        ('remove the note "old, and dusty"', "demo__delete_note", {"name": "old, and dusty"}),
        ("read docs/plan.md", "files__read_file", {"path": "docs/plan.md"}),
        ("show me notes.txt", "files__read_file", {"path": "notes.txt"}),
        ('write "hi" to notes.txt', "files__write_file", {"path": "notes.txt", "content": "hi"}),
        ("list the files in src/", "files__list_directory", {"path": "src/"}),
        ("Fetch https://example.com/a?b=1.", "web__fetch", {"url": "https://example.com/a?b=1"}),
        ("call files__read_file on /etc/passwd", "files__read_file", {"path": "/etc/passwd"}),
    ],
)
def test_a_clause_calls_the_tool_that_it_names(message, name, arguments):
    assert calls_of(ask(message)) == [(name, arguments)]


def test_each_clause_may_call_a_tool():
    turn = ask("What time is it in Tokyo, what is 17 * 23, and please delete the note 'welcome'")
    assert [name for name, _ in calls_of(turn)] == ["demo__current_time", "demo__calculate", "demo__delete_note"]
    assert turn.reason == "tool_calls"


def test_at_most_four_tools_are_called():
    assert len(ask("; ".join(f"what is {number} + 1" for number in range(9))).calls) == 4


def test_one_tool_is_called_where_only_one_may_be():
    assert len(ask("the time in Tokyo and the time in Paris", parallel_tool_calls=False).calls) == 1


def test_only_the_last_user_message_counts():
    messages = [
        {"role": "user", "content": "what is the time"},
        {"role": "assistant", "content": "late"},
        {"role": "user", "content": [{"type": "text", "text": "list my notes"}]},
    ]
    assert calls_of(respond({"messages": messages, "tools": TOOLS})) == [("demo__list_notes", {})]


def test_without_a_match_it_says_what_it_is():
    turn = ask("hello")
    assert turn.calls == ()
    assert "toolgate's scripted model" in turn.text
    assert "demo__current_time" in turn.text


def test_a_choice_of_none_calls_nothing():
    assert ask("what is the time", tool_choice="none").calls == ()


def test_a_choice_that_forces_a_tool_is_obeyed():
    named = {"type": "function", "function": {"name": "demo__list_notes"}}
    assert calls_of(ask("hello", tool_choice=named)) == [("demo__list_notes", {})]
    assert len(ask("hello", tool_choice="required").calls) == 1


def test_arguments_have_the_types_of_the_schema():
    schema = {
        "count": {"type": "integer", "minimum": 3},
        "ratio": {"type": ["number", "null"]},
        "deep": {"type": "boolean"},
        "color": {"enum": ["red", "blue"]},
        "kind": {"const": "x"},
        "tags": {"type": "array", "items": TEXT},
        "extra": {"type": "object"},
        "title": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    }
    turn = ask("paint 7 things blue with 'a' label", [tool("paint", **schema)])
    assert turn.calls[0].arguments == {
        "count": 7,
        "ratio": 1.0,
        "deep": False,
        "color": "blue",
        "kind": "x",
        "tags": ["a"],
        "extra": {},
        "title": "a",
    }


def results(*contents):
    calls = [
        {"id": f"c{index}", "type": "function", "function": {"name": f"tool_{index}", "arguments": "{}"}}
        for index in range(len(contents))
    ]
    answers = [
        {"role": "tool", "tool_call_id": f"c{index}", "content": text} for index, text in enumerate(contents)
    ]
    asked = {"role": "user", "content": "what is the time"}
    return {"messages": [asked, {"role": "assistant", "tool_calls": calls}, *answers], "tools": TOOLS}


def test_results_are_told_and_no_tool_is_called_again():
    turn = respond(results("12:00", ""))
    assert turn.calls == ()
    assert turn.text == (
        "The scripted model called tool_0; it said: 12:00 The scripted model called tool_1; it said nothing."
    )


def test_a_refusal_is_told_with_its_rule():
    turn = respond(results("Not allowed by the rule no-writes: notes are read-only."))
    assert turn.calls == ()
    assert "was refused: Not allowed by the rule no-writes: notes are read-only." in turn.text


def test_a_result_that_speaks_of_refusals_is_none():
    assert "it said: The connection was refused." in respond(results("The connection was refused.")).text


def test_a_long_result_is_cut():
    assert len(respond(results("x" * 10_000)).text) < 1000


@given(st.text(max_size=300), st.text(max_size=60))
def test_it_answers_whatever_is_said(message, result):
    request = {"messages": [{"role": "user", "content": message}], "tools": TOOLS}
    turn = respond(request)
    assert turn.text or turn.calls
    assert respond(request) == turn
    assert respond(results(result)).text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["type", "function", "name", "parameters"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_tools_of_any_shape_do_no_harm(tools):
    assert respond({"messages": [{"role": "user", "content": "read name type"}], "tools": tools}) is not None
