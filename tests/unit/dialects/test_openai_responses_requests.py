"""OpenAI Responses requests, read and written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import (
    Media,
    Message,
    ModelRequest,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    UnknownPart,
)
from gateway.conversation.codec import dump_messages, load_messages
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.errors import InvalidRequest

NAME = "openai_responses"
TOOL = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True, "odd": 1}
PATCH = {
    "type": "custom",
    "name": "patch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"},
}
CRM = {"type": "namespace", "name": "crm", "description": "d", "tools": [{**TOOL, "name": "find"}, PATCH]}
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA+/=="}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "find",
    "namespace": "crm",
    "arguments": "{}",
}
HISTORY: list[dict[str, Any]] = [
    {"type": "additional_tools", "role": "developer", "tools": [{**TOOL, "name": "late"}]},
    {"type": "configuration_update", "reasoning": {"effort": "high"}},
    {"role": "developer", "content": "be brief"},
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
        ],
    },
    THOUGHT,
    {"role": "assistant", "content": "I look.", "phase": "commentary"},
    CALL,
    {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "*** Begin"},
    {"type": "local_shell_call", "id": "l1", "call_id": "c3", "action": {"type": "exec"}, "status": "completed"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
    {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "found"}]},
    {"type": "custom_tool_call_output", "call_id": "c2", "output": "applied"},
    {"type": "local_shell_call_output", "id": "c3", "output": "a b"},
    {"type": "compaction", "encrypted_content": "x"},
    {"type": "from_the_future", "odd": [1, None]},
    {"role": "user", "content": "and?"},
]
REQUEST: dict[str, Any] = {
    "model": "gpt",
    "instructions": "You help.",
    "input": HISTORY,
    "tools": [TOOL, PATCH, CRM, {"type": "local_shell"}, {"type": "web_search"}],
    "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
    "reasoning": {"effort": "low", "summary": "auto"},
    "include": ["reasoning.encrypted_content"],
    "text": {"format": {"type": "text"}, "verbosity": "low"},
    "parallel_tool_calls": False,
    "max_output_tokens": 100,
    "store": False,
    "stream": True,
    "prompt_cache_key": "k",
    "something_new": {"a": [1, None]},
}


def read(**fields: Any) -> ModelRequest:
    return OPENAI_RESPONSES.read_request({"model": "m", "input": "hi", **fields})


def write(given_request: ModelRequest) -> dict[str, Any]:
    return OPENAI_RESPONSES.write_request(given_request, model="m")


def from_chat(**fields: Any) -> dict[str, Any]:
    chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    return write(OPENAI_CHAT.read_request(chat))


def same(left: Any, right: Any) -> bool:
    return orjson.dumps(left, option=orjson.OPT_SORT_KEYS) == orjson.dumps(right, option=orjson.OPT_SORT_KEYS)


def test_a_request_is_written_as_it_came():
    assert same(OPENAI_RESPONSES.write_request(OPENAI_RESPONSES.read_request(REQUEST), model="gpt"), REQUEST)


def test_a_text_as_the_whole_input_stays_one():
    assert write(read(input="hi"))["input"] == "hi"


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KINDS = (
    *("function_call", "custom_tool_call", "function_call_output", "reasoning", "shell_call", "odd_call"),
    *("local_shell_call", "apply_patch_call_output", "tool_search_call", "compaction", "odd", "program_output"),
)
ITEM = st.dictionaries(
    st.sampled_from(["id", "status", "summary", "action", "odd", "encrypted_content", "namespace"]),
    JSON,
    max_size=3,
).flatmap(
    lambda rest: st.sampled_from(KINDS).map(
        lambda kind: {**rest, "type": kind, "call_id": "c", "name": "n", "output": "o", "arguments": "{}"}
    )
)
PART = st.sampled_from(["input_text", "output_text", "refusal", "input_image", "input_file", "odd"]).map(
    lambda kind: {"type": kind, "text": "t", "refusal": "r", "image_url": "https://x.example", "file_id": None}
)
SAID = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant", "system", "developer"]),
    st.text(max_size=3) | st.lists(PART, max_size=3),
)
INPUT = st.text(max_size=3) | st.lists(ITEM | SAID, max_size=5)


@given(INPUT, st.dictionaries(st.text(max_size=6), JSON, max_size=3))
def test_any_request_survives_the_round_trip(value: Any, extra: dict[str, Any]):
    known = {"model", "input", "stream", "text", "reasoning", "tools", "tool_choice", "background", "toolgate"}
    body = {"model": "m", "input": value, **{f"x_{name}": field for name, field in extra.items()}}
    assert not known & set(extra)
    assert same(write(OPENAI_RESPONSES.read_request(body)), body)


@given(st.lists(ITEM | SAID, min_size=1, max_size=5))
def test_a_conversation_that_was_stored_is_written_as_it_came(items: list[Any]):
    given_request = read(input=items)
    stored = replace(given_request, messages=load_messages(dump_messages(given_request.messages)))
    assert same(write(stored)["input"], items)


def refusal_of(dialect: Any, items: list[Any]) -> str:
    """The code with which a dialect refuses to say this; empty when it says it."""
    try:
        orjson.dumps(dialect.write_request(read(input=items), model="m"))
    except InvalidRequest as refusal:
        return refusal.code if refusal.param else "no field is named"
    return ""


@given(st.lists(ITEM | SAID, min_size=1, max_size=5))
def test_whatever_the_input_holds_another_dialect_writes_it_or_refuses_it_by_name(items: list[Any]):
    for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES):
        assert refusal_of(dialect, items) in ("", "not_translatable")


def test_a_turn_is_one_message_and_its_results_are_others():
    request = OPENAI_RESPONSES.read_request(REQUEST)
    roles = [message.role for message in request.messages]
    assert roles == [
        *("system", "developer", "developer", "developer", "user", "assistant"),
        *("tool", "tool", "tool", "assistant", "user"),
    ]
    turn = request.messages[5]
    assert [(call.id, call.name) for call in turn.tool_calls] == [
        ("c1", "crm__find"),
        ("c2", "patch"),
        ("c3", "local_shell"),
    ]
    assert turn.text == "I look."
    assert json.loads(turn.tool_calls[1].arguments) == {"input": "*** Begin"}
    assert isinstance(turn.parts[-1], UnknownPart)
    assert request.messages[6].parts == (ToolResult("c1", (Text("found"),)),)
    assert request.messages[8].parts == (ToolResult("c3", (Text("a b"),)),)
    assert request.effort == "high"


def test_every_tool_is_known_by_the_name_that_its_calls_will_have():
    tools = OPENAI_RESPONSES.read_request(REQUEST).tools
    assert [tool.name for tool in tools] == [
        *("look", "patch", "crm__find", "crm__patch", "local_shell", "web_search", "late"),
    ]
    assert [tool.is_function for tool in tools] == [True, True, True, True, False, False, True]
    assert tools[1].parameters["required"] == ["input"]


def test_the_namespace_of_tools_that_have_none_may_be_named_or_left_out():
    space = {"type": "namespace", "name": "functions", "description": "", "tools": [{**TOOL, "name": "exec"}]}
    assert [tool.name for tool in read(tools=[space]).tools] == ["exec"]
    bare = {"type": "function_call", "call_id": "c", "name": "exec", "arguments": "{}"}
    for call in (bare, {**bare, "namespace": "functions"}):
        request = read(input=[call], tools=[space])
        assert request.messages[0].tool_calls[0].name == "exec"
        assert write(replace(request, messages=(Message("assistant", request.messages[0].parts),)))["input"] == [
            call
        ]


def test_the_name_of_a_tool_in_a_namespace_is_never_too_long_and_always_the_same():
    inner = [{"type": "function", "name": f"{'x' * 60}{number}"} for number in range(2)]
    names = [tool.name for tool in read(tools=[{"type": "namespace", "name": "n" * 20, "tools": inner}]).tools]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {64}
    call = {
        "type": "function_call",
        "call_id": "c",
        "namespace": "n" * 20,
        "name": inner[1]["name"],
        "arguments": "",
    }
    assert read(input=[call]).messages[0].tool_calls[0].name == names[1]


@pytest.mark.parametrize(
    ("choice", "mode", "afterwards"),
    [
        ("auto", "auto", None),
        ("none", "none", None),
        ("required", "required", None),
        ({"type": "function", "name": "look"}, "named", None),
        ({"type": "custom", "name": "patch"}, "named", None),
        ({"type": "web_search_preview"}, "unknown", None),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "auto", None),
        ({"type": "allowed_tools", "mode": "required", "tools": []}, "required", "auto"),
    ],
)
def test_choices_are_read_and_written_as_they_came(choice: Any, mode: str, afterwards: str | None):
    request = read(tool_choice=choice)
    assert request.tool_choice is not None
    assert request.tool_choice.mode == mode
    assert write(request)["tool_choice"] == choice
    left = request.tool_choice.afterwards
    assert (left and write(replace(request, tool_choice=left))["tool_choice"]["mode"]) == afterwards


def test_what_a_run_adds_is_written_behind_what_came():
    parts = (
        Reasoning("", orjson.dumps(THOUGHT).decode(), "reasoning_summary"),
        Text("Hm."),
        ToolCall("c", "f", ""),
    )
    added = (Message("assistant", parts), Message("tool", (ToolResult("c", (Text("x"),)),)))
    request = read(store=True)
    body = write(replace(request, messages=(*request.messages, *added), tool_choice=ToolChoice("none")))
    assert body["input"] == [
        {"type": "message", "role": "user", "content": "hi"},
        THOUGHT,
        {"type": "message", "role": "assistant", "content": "Hm."},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
    ]
    assert body["tool_choice"] == "none"


@pytest.mark.parametrize("stored", [True, False])
def test_where_nothing_is_stored_nothing_is_looked_up_by_its_id(*, stored: bool):
    bare = {"id": "rs_2", "type": "reasoning", "summary": []}
    fields = {"message": {"id": "msg_1", "phase": "commentary"}}
    parts = (
        *(Reasoning("", orjson.dumps(item).decode(), "reasoning_summary") for item in (bare, THOUGHT)),
        UnknownPart(NAME, fields),
        Text("Hm."),
        *OPENAI_RESPONSES.read_request({"model": "m", "input": [CALL]}).messages[0].parts,
    )
    request = read(store=stored, input=[])
    items = write(replace(request, messages=(Message("assistant", parts),)))["input"]
    ids = [item.get("id") for item in items]
    assert ids == (["rs_2", "rs_1", "msg_1", "fc_1"] if stored else ["rs_1", None, None])
    assert items[-2]["phase"] == "commentary"
    assert (items[-1]["name"], items[-1]["namespace"]) == ("find", "crm")


def test_proofs_are_asked_for_where_the_client_speaks_of_reasoning():
    assert write(read(reasoning={"effort": "low"}))["include"] == ["reasoning.encrypted_content"]
    assert "include" not in write(read())


def test_a_request_of_another_dialect_is_carried_over():
    schema = {"type": "object"}
    body = from_chat(
        temperature=0.5,
        top_p=0.9,
        user="u",
        max_tokens=7,
        reasoning_effort="minimal",
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}},
        tools=[{"type": "function", "function": {"name": "f"}}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=False,
        messages=[
            {"role": "system", "content": "be brief"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                    {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
                    },
                    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                ],
            },
            {
                "role": "assistant",
                "content": "ok",
                "tool_calls": [{"id": "c" * 70, "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c" * 70, "content": "done"},
        ],
    )
    assert body["temperature"] == 0.5
    assert (body["reasoning"], body["max_output_tokens"], body["store"]) == ({"effort": "minimal"}, 7, False)
    assert body["text"]["format"] == {"type": "json_schema", "name": "n", "schema": schema, "strict": True}
    assert body["tool_choice"] == {"type": "function", "name": "f"}
    (tool,) = body["tools"]
    assert tool == {
        "type": "function",
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    system, user, said, call, result = body["input"]
    assert (system["role"], system["content"]) == ("system", "be brief")
    assert [part["type"] for part in user["content"]] == ["input_text", "input_image", "input_file", "input_audio"]
    assert said == {"type": "message", "role": "assistant", "content": "ok"}
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) <= 64


def test_json_without_a_schema_is_carried_over():
    assert from_chat(response_format={"type": "json_object"})["text"] == {"format": {"type": "json_object"}}


def test_results_of_claudes_clients_say_that_they_are_errors():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    results = [
        {"type": "tool_result", "tool_use_id": "a", "content": "broken", "is_error": True},
        {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "seen"}, image]},
    ]
    messages = [{"role": "user", "content": [*results, {"type": "text", "text": "and?"}]}]
    body = write(ANTHROPIC_MESSAGES.read_request({"model": "m", "max_tokens": 9, "messages": messages}))
    first, second, said = body["input"]
    assert first["output"] == "Error: broken"
    assert [part["type"] for part in second["output"]] == ["input_text", "input_image"]
    assert (said["role"], said["content"]) == ("user", "and?")


def test_media_are_read_and_written():
    content = [
        {"type": "input_image", "image_url": "https://x.example/a.png"},
        {"type": "input_file", "file_url": "https://x.example/a.pdf"},
        {"type": "input_file", "filename": "a", "file_data": "data:application/pdf;base64,AA=="},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
    ]
    (message,) = read(input=[{"role": "user", "content": content}]).messages
    assert message.parts == (
        Media("image", url="https://x.example/a.png"),
        Media("file", url="https://x.example/a.pdf"),
        Media("file", "application/pdf", data="AA==", name="a"),
        Media("audio", "audio/mp3", data="AA=="),
    )
    fresh = replace(read(), messages=(Message("user", message.parts),))
    (written,) = write(fresh)["input"]
    assert [part["type"] for part in written["content"]] == [part["type"] for part in content]


def test_a_medium_that_has_no_part_is_refused_to_the_client_and_named_in_a_result():
    sound = Media("audio", "audio/ogg", data="AA==")
    chat = OPENAI_CHAT.read_request({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    shown = replace(chat, messages=(replace(chat.messages[0], parts=(sound,)),))
    with pytest.raises(InvalidRequest, match="audio/ogg"):
        write(shown)
    (result,) = write(replace(chat, messages=(Message("tool", (ToolResult("c", (sound,)),)),)))["input"]
    assert "audio/ogg" in result["output"]


def test_a_refusal_goes_back_as_what_was_said():
    request = replace(read(store=False), messages=(Message("assistant", (Refusal("No."),)),))
    assert write(request)["input"] == [{"type": "message", "role": "assistant", "content": "No."}]


def test_a_tool_of_the_gateways_stands_behind_the_clients_and_what_is_in_the_input_is_not_repeated():
    request = OPENAI_RESPONSES.read_request({**REQUEST, "tool_choice": "auto"})
    ours = ToolDefinition("demo__f", "does", {"type": "object"})
    body = write(replace(request, tools=(*request.tools, ours)))
    assert body["tools"][:-1] == REQUEST["tools"]
    assert (body["tools"][-1]["name"], body["tools"][-1]["strict"]) == ("demo__f", False)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "local_shell"}]}, "tools[0]"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "messages"),
        ({"input": [{"type": "web_search_call", "id": "w"}]}, "messages"),
        ({"moderation": {"model": "x"}}, "moderation"),
        ({"text": {"odd": 1}}, "text.odd"),
        ({"context_management": [{"type": "compaction"}]}, "context_management"),
    ],
)
def test_what_others_cannot_say_is_refused_by_name(fields: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as refused:
        OPENAI_CHAT.write_request(read(**fields), model="m")
    assert (refused.value.code, refused.value.param) == ("not_translatable", param)


def test_hints_are_left_out():
    hints = {
        "prompt_cache_key": "k",
        "metadata": {"a": "b"},
        "client_metadata": {"a": "b"},
        "include": ["reasoning.encrypted_content"],
        "text": {"verbosity": "low"},
        "reasoning": {"summary": "auto"},
        "store": True,
        "truncation": "disabled",
        "background": False,
    }
    assert set(OPENAI_CHAT.write_request(read(**hints), model="m")) == {"model", "messages"}
