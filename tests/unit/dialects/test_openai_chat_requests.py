"""OpenAI Chat requests, read and written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import (
    Media,
    Message,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    UnknownPart,
)
from gateway.dialects.openai_chat import OPENAI_CHAT, OpenAIChat
from gateway.errors import InvalidRequest

FUNCTION = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": True}}
CUSTOM = {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}}
PNG = "iVBORw0KGgo="


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}


def read(**fields: Any):
    return OPENAI_CHAT.read_request(request(**fields))


def write(*messages: Message, dialect: OpenAIChat = OPENAI_CHAT) -> list[dict[str, Any]]:
    given = replace(read(), messages=messages)
    return dialect.write_request(given, model="m")["messages"]


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def test_what_the_gateway_relies_on_is_read():
    given = read(
        tools=[FUNCTION],
        tool_choice="required",
        max_tokens=9,
        stream=True,
        stream_options={"include_usage": True},
        response_format={"type": "json_object"},
        temperature=0.5,
    )
    assert given.tools[0].name == "look"
    assert given.tools[0].parameters == {"type": "object"}
    assert given.tool_choice is not None
    assert given.tool_choice.forces_a_call
    assert (given.max_tokens, given.stream, given.include_usage, given.structured_output) == (9, True, True, True)
    assert given.extras["temperature"] == 0.5


def test_messages_are_read_into_parts():
    given = read(
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "be brief"}]},
            {
                "role": "user",
                "name": "ann",
                "content": [
                    {"type": "text", "text": "see"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
                    {"type": "file", "file": {"file_id": "file-1"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "hm",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": "{"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "seen"},
        ]
    )
    file = {"type": "file", "file": {"file_id": "file-1"}}
    assert [message.parts for message in given.messages] == [
        (Text("be brief"),),
        (
            Text("see"),
            Media("image", "image/png", data=PNG),
            Media("image", url="https://example.com/a.png"),
            Media("audio", "audio/mp3", data="AA=="),
            UnknownPart("openai_chat", {"content": [file]}),
        ),
        (Reasoning("hm"), ToolCall("c", "look", "{")),
        (ToolResult("c", (Text("seen"),)),),
    ]
    assert given.messages[1].name == "ann"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "wizard", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": ""}]}, "messages[0].role"),
        ({"messages": [{"content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": "", "name": 1}]}, "messages[0].name"),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages[0].tool_calls[0]"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "custom"}]}, "tools[0].custom.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": 1}, "tool_choice"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": 1}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": "9"}, "max_completion_tokens"),
        ({"response_format": "json"}, "response_format"),
    ],
)
def test_a_mistake_is_refused_by_the_name_of_its_field(fields: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as caught:
        read(**fields)
    assert caught.value.param == param
    assert str(caught.value).startswith(param)


@pytest.mark.parametrize(
    ("choice", "mode", "name"),
    [
        ("auto", "auto", None),
        ("any", "required", None),
        ({"type": "function", "function": {"name": "look"}}, "named", "look"),
        ({"type": "custom", "custom": {"name": "shell"}}, "named", "shell"),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}, "auto", None),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}, "required", None),
        ({"type": "something_new"}, "unknown", None),
    ],
)
def test_every_form_of_tool_choice_is_understood(choice: Any, mode: str, name: str | None):
    given = read(tools=[FUNCTION, CUSTOM], tool_choice=choice)
    assert given.tool_choice is not None
    assert (given.tool_choice.mode, given.tool_choice.name) == (mode, name)
    assert OPENAI_CHAT.write_request(given, model="m")["tool_choice"] == choice


def test_tools_of_every_kind_have_a_name_and_keep_their_object():
    search = {"type": "web_search", "filters": {"x": 1}}
    given = read(tools=[FUNCTION, CUSTOM, search])
    assert [tool.name for tool in given.tools] == ["look", "shell", "web_search"]
    assert OPENAI_CHAT.write_request(given, model="m")["tools"] == [FUNCTION, CUSTOM, search]


_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, width=32)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_UNKNOWN_FIELDS = st.dictionaries(
    st.text("xyz_", min_size=1, max_size=5).map(lambda name: f"x_{name}"), _ANY, max_size=3
)


def _object(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    known = st.fixed_dictionaries(required, optional=optional)
    return st.tuples(_UNKNOWN_FIELDS, known).map(lambda pair: pair[0] | pair[1])


_TEXT = st.text(max_size=8)
_PARTS = st.lists(
    _object({"type": st.just("text"), "text": _TEXT}, {"cache_control": _ANY})
    | _object({"type": st.just("image_url"), "image_url": _ANY}, {})
    | _object({"type": st.sampled_from(["input_audio", "file", "refusal", "thinking"])}, {}),
    max_size=3,
)
_CONTENT = {"content": st.none() | _TEXT | _PARTS}
_CALL = _object({"id": _TEXT}, {"type": _TEXT, "function": _ANY, "custom": _ANY, "extra_content": _ANY})
_MESSAGE = st.one_of(
    _object({"role": st.sampled_from(["system", "developer", "user", "function"])}, {**_CONTENT, "name": _TEXT}),
    _object({"role": st.just("tool"), "tool_call_id": _TEXT}, _CONTENT),
    _object(
        {"role": st.just("assistant")},
        {
            **_CONTENT,
            "tool_calls": st.none() | st.lists(_CALL, max_size=2),
            "reasoning_content": st.none() | _TEXT,
            "refusal": st.none() | _TEXT,
            "audio": _ANY,
        },
    ),
)
_FUNCTION = st.fixed_dictionaries(
    {"name": st.text(min_size=1, max_size=5)}, optional={"description": _TEXT, "strict": st.booleans()}
)
_TOOL = _object({"type": st.just("function"), "function": _FUNCTION}, {}) | _object(
    {"type": st.sampled_from(["web_search", "mcp"])}, {}
)
_CHOICE = st.sampled_from([None, "auto", "none", "required", {"type": "function", "function": {"name": "f"}}])
_REQUEST = _object(
    {"model": st.just("m"), "messages": st.lists(_MESSAGE, min_size=1, max_size=4)},
    {
        "tools": st.none() | st.lists(_TOOL, max_size=3),
        "tool_choice": _CHOICE,
        "max_tokens": st.none() | st.integers(-1, 9),
        "max_completion_tokens": st.none() | st.integers(-1, 9),
        "n": st.none() | st.integers(1, 3),
        "stream": st.none() | st.booleans(),
        "stream_options": st.none() | _object({}, {"include_usage": st.booleans()}),
        "response_format": st.sampled_from([None, {"type": "text"}, {"type": "json_schema", "json_schema": {}}]),
        "functions": _ANY,
        "parallel_tool_calls": st.booleans(),
    },
)


@given(_REQUEST)
def test_read_and_written_again_nothing_is_lost(body: dict[str, Any]):
    before = canonical(body)
    written = OPENAI_CHAT.write_request(OPENAI_CHAT.read_request(body), model="m")
    expected = orjson.loads(before)
    if body.get("stream"):
        expected["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    assert canonical(written) == canonical(expected)
    assert canonical(body) == before


def test_our_own_field_and_shadows_of_the_model_are_not_sent():
    given = read(toolgate={"tools": ["a/*"]}, Model="other")
    assert OPENAI_CHAT.write_request(given, model="up") == request() | {"model": "up"}


def test_our_tools_stand_after_the_clients():
    given = read(tools=[FUNCTION])
    ours = ToolDefinition("ours__do", "does it", {"type": "object", "properties": {}})
    written = OPENAI_CHAT.write_request(replace(given, tools=(*given.tools, ours)), model="m")["tools"]
    assert written == [
        FUNCTION,
        {
            "type": "function",
            "function": {
                "name": "ours__do",
                "description": "does it",
                "parameters": {"type": "object", "properties": {}},
            },
        },
    ]


def test_changed_fields_are_written_and_the_others_left():
    given = read(max_tokens=5, n=2, stream=True, stream_options={"x": 1}, tool_choice="required", tools=[FUNCTION])
    changed = replace(given, max_tokens=7, n=1, stream=False, tool_choice=ToolChoice("none"))
    written = OPENAI_CHAT.write_request(changed, model="m")
    assert written == request(max_tokens=7, n=1, stream=False, tool_choice="none", tools=[FUNCTION])


def test_a_choice_of_ours_is_left_out_where_there_are_no_tools_to_choose_from():
    written = OPENAI_CHAT.write_request(replace(read(), tool_choice=ToolChoice("none")), model="m")
    assert "tool_choice" not in written


def test_a_request_of_another_dialect_is_written_as_far_as_it_is_named():
    given = replace(
        read(stream=True),
        dialect="other",
        extras={"thinking": {"budget": 1}},
        messages=(
            Message("system", (Text("a"), Text("b")), source=Source("other", {"role": "odd"})),
            Message("user", (Text("c"), UnknownPart("other", {"x": 1}))),
        ),
        max_tokens=3,
        tools=(ToolDefinition("f", "", {"type": "object"}, Source("other", {"name": "f"})),),
        tool_choice=ToolChoice("named", "f", Source("other", {"type": "tool"})),
    )
    assert OPENAI_CHAT.write_request(given, model="m") == {
        "model": "m",
        "messages": [{"role": "system", "content": "a\n\nb"}, {"role": "user", "content": "c"}],
        "max_completion_tokens": 3,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_assistants_turn_is_written_from_its_parts():
    signed = ToolCall(
        "c1", "f", "", Source("openai_chat", {"extra_content": {"google": {"thought_signature": "s"}}})
    )
    custom = ToolCall("c2", "shell", "ls", Source("openai_chat", {"type": "custom"}))
    details = UnknownPart(
        "openai_chat", {"reasoning_details": [{"text": "hm"}], "audio": {"id": "a", "data": "AA"}}
    )
    turn = Message("assistant", (Reasoning("hm", name="reasoning"), details, Text("x"), Text("y"), signed, custom))
    assert write(turn) == [
        {
            "role": "assistant",
            "content": "xy",
            "reasoning": "hm",
            "reasoning_details": [{"text": "hm"}],
            "audio": {"id": "a"},
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "s"}},
                },
                {"id": "c2", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
            ],
        }
    ]


def test_even_empty_reasoning_goes_back_under_its_name():
    turn = Message("assistant", (Reasoning(""), ToolCall("c", "f", "{}")))
    assert write(turn)[0]["reasoning_content"] == ""
    assert write(turn)[0]["content"] is None


def test_a_call_from_another_dialect_leaves_its_unnamed_fields_behind():
    turn = Message("assistant", (ToolCall("c", "f", "{}", Source("other", {"x": 1})),))
    assert write(turn)[0]["tool_calls"] == [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]


def test_each_result_is_a_message_of_its_own():
    results = Message(
        "tool", (ToolResult("a", (Text("1"), Text("2"))), ToolResult("b", (Text("no"),), is_error=True))
    )
    assert write(results) == [
        {"role": "tool", "tool_call_id": "a", "content": "1\n2"},
        {"role": "tool", "tool_call_id": "b", "content": "no"},
    ]


def test_images_in_results_follow_the_last_result_of_the_turn():
    image = Media("image", "image/png", data=PNG)
    written = write(
        Message("tool", (ToolResult("a", (Text("done"), image)),)),
        Message("tool", (ToolResult("b", (Media("file", "application/pdf", data="AA==", name="x.pdf"),)),)),
        Message("user", (Text("go on"),)),
    )
    assert [message["role"] for message in written] == ["tool", "tool", "user", "user"]
    assert written[0]["content"] == "done\n[image 1 follows the results of this turn's tools]"
    assert written[1]["content"] == "[file: application/pdf, x.pdf; not shown]"
    shown = written[2]["content"]
    assert shown[-1] == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    assert "Image 1, of tool call a" in shown[-2]["text"]
    assert written[3] == {"role": "user", "content": "go on"}


def test_a_model_that_cannot_see_is_told_of_images_and_not_shown_them():
    image = Media("image", "image/png", data=PNG)
    written = write(Message("tool", (ToolResult("a", (image,)),)), dialect=OpenAIChat(shows_images=False))
    assert written == [{"role": "tool", "tool_call_id": "a", "content": "[image: image/png; not shown]"}]
