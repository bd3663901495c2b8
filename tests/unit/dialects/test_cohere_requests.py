"""Requests of Cohere's chat API, both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.conversation import Media, Message, Reasoning, Text, ToolCall, ToolDefinition, ToolResult
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.cohere_v2 import COHERE_V2
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import InvalidRequest

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
OTHER: dict[str, Any] = {"type": "function", "function": {"name": "hear", "parameters": {"type": "object"}}}
CALL: dict[str, Any] = {"id": "look_1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}}
DOCUMENT: dict[str, Any] = {"type": "document", "document": {"id": "d", "data": {"colour": "blue"}}}
TURN: list[Any] = [
    {"role": "system", "content": "be brief"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "what is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://images.example/a.png"}},
        ],
    },
    {
        "role": "assistant",
        "tool_plan": "I will look.",
        "tool_calls": [CALL],
        "citations": [{"start": 0}],
    },
    {"role": "tool", "tool_call_id": "look_1", "content": [DOCUMENT]},
    {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Blue."}],
    },
    {"role": "user", "content": "thanks"},
]


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": "command", "messages": [{"role": "user", "content": "hi"}], **fields}


def across(body: dict[str, Any]) -> dict[str, Any]:
    return COHERE_V2.write_request(OPENAI_CHAT.read_request(body), model="command")


def test_what_is_read_is_written_again_as_it_came():
    body = asked(
        messages=TURN,
        tools=[TOOL],
        strict_tools=True,
        tool_choice="REQUIRED",
        stream=True,
        documents=["a", {"id": "b", "data": {"x": "y"}}],
        citation_options={"mode": "FAST"},
        safety_mode="STRICT",
        max_tokens=50,
        p=0.9,
        k=5,
        thinking={"type": "enabled", "token_budget": 100},
        response_format={"type": "json_object", "json_schema": {"type": "object"}},
        something_new={"a": 1},
    )
    assert COHERE_V2.write_request(COHERE_V2.read_request(body), model="command") == body


def test_a_request_of_coheres_becomes_one_of_openais():
    body = asked(
        messages=TURN, tools=[TOOL], tool_choice="REQUIRED", p=0.9, seed=3, max_tokens=9, stop_sequences=["x"]
    )
    written = OPENAI_CHAT.write_request(COHERE_V2.read_request(body), model="gpt")
    assert written["messages"] == [
        {"role": "system", "content": "be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is it?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "image_url", "image_url": {"url": "https://images.example/a.png"}},
            ],
        },
        {"role": "assistant", "content": None, "reasoning_content": "I will look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "look_1", "content": '{"colour":"blue"}'},
        {"role": "assistant", "content": "Blue.", "reasoning_content": "Hm."},
        {"role": "user", "content": "thanks"},
    ]
    assert (written["tool_choice"], written["top_p"], written["seed"]) == ("required", 0.9, 3)
    assert (written["max_completion_tokens"], written["stop"]) == (9, ["x"])


def test_a_request_of_openais_becomes_one_of_coheres():
    written = across(
        {
            "model": "gpt",
            "messages": [
                {"role": "developer", "content": "be brief"},
                {"role": "user", "content": "look"},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}},
                        {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{no"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c1", "content": "blue"},
                {"role": "tool", "tool_call_id": "c2", "content": "grey"},
            ],
            "tools": [{"type": "function", "function": {"name": "look", "strict": True}}],
            "max_tokens": 9,
            "frequency_penalty": 0.5,
            "reasoning_effort": "none",
            "user": "u",
        }
    )
    assert written["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "look"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                {
                    "id": "c2",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{"INVALID_JSON":"{no"}'},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "blue"},
        {"role": "tool", "tool_call_id": "c2", "content": "grey"},
    ]
    assert written["tools"] == [
        {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    ]
    assert written["strict_tools"] is True
    assert (written["max_tokens"], written["frequency_penalty"]) == (9, 0.5)
    assert written["thinking"] == {"type": "disabled"}
    assert (written["stream"], "user" in written) == (False, False)


@pytest.mark.parametrize(
    ("choice", "tools", "word"),
    [
        ("auto", ["look", "hear"], None),
        ("none", ["look", "hear"], "NONE"),
        ("required", ["look", "hear"], "REQUIRED"),
        ({"type": "function", "function": {"name": "hear"}}, ["hear"], "REQUIRED"),
    ],
)
def test_a_named_choice_shows_that_tool_alone(choice: Any, tools: list[str], word: str | None):
    body = {**asked(), "tools": [TOOL, OTHER], "tool_choice": choice}
    written = across(body)
    assert [tool["function"]["name"] for tool in written["tools"]] == tools
    assert written.get("tool_choice") == word


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"n": 2}, "n must be 1"),
    ({"tools": [TOOL], "parallel_tool_calls": False}, "parallel_tool_calls"),
    ({"tools": [TOOL], "response_format": {"type": "json_object"}}, "response_format"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "smell"}}}, "tool_choice"),
    ({"tools": [TOOL], "tool_choice": {"type": "new"}}, "tool_choice"),
    ({"logprobs": True}, "logprobs"),
]


@pytest.mark.parametrize(("fields", "named"), REFUSED)
def test_what_cohere_lacks_is_refused_by_name(fields: dict[str, Any], named: str):
    with pytest.raises(InvalidRequest, match=named):
        across({**asked(), **fields})


@pytest.mark.parametrize("part", ["input_audio", "file"])
def test_media_that_cannot_be_shown_are_refused(part: str):
    told = {"data": "AA==", "format": "wav", "filename": "a", "file_data": "data:application/pdf;base64,AA=="}
    with pytest.raises(InvalidRequest, match="cannot be shown"):
        across(asked(messages=[{"role": "user", "content": [{"type": part, part: told}]}]))


@pytest.mark.parametrize("name", ["documents", "safety_mode", "citation_options", "logprobs"])
def test_what_only_cohere_has_is_refused_by_name_elsewhere(name: str):
    with pytest.raises(InvalidRequest, match=name):
        ANTHROPIC_MESSAGES.write_request(COHERE_V2.read_request(asked(**{name: ["x"]})), model="claude")


def test_what_asks_for_nothing_is_refused_nowhere():
    body = asked(documents=[], logprobs=False, priority=3, k=0, frequency_penalty=0.0)
    written = ANTHROPIC_MESSAGES.write_request(COHERE_V2.read_request(body), model="claude")
    assert written.keys() == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        ({"type": "disabled"}, "none"),
        ({"type": "enabled"}, "medium"),
        ({"type": "enabled", "token_budget": 1000}, "low"),
        ({"type": "enabled", "token_budget": 50_000}, "high"),
        (None, None),
    ],
)
def test_a_budget_for_thinking_is_an_effort(thinking: Any, effort: str | None):
    assert COHERE_V2.read_request(asked(thinking=thinking)).effort == effort


def test_thoughts_of_other_models_are_not_told_to_cohere():
    given = COHERE_V2.read_request(asked())
    thoughts = (Reasoning("a"), Reasoning("b", "sig", "thinking"), Reasoning("c", name="thinking"))
    answer = Message("assistant", (*thoughts, Text("Blue.")))
    only_thoughts = Message("assistant", (Reasoning("a"),))
    written = COHERE_V2.write_request(
        replace(given, messages=(*given.messages, answer, only_thoughts)), model="command"
    )
    assert written["messages"][1:] == [
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "c"}, {"type": "text", "text": "Blue."}],
        },
        {"role": "assistant", "content": "(no text)"},
    ]


def test_results_of_our_tools_are_text_and_other_media_are_named():
    given = COHERE_V2.read_request(asked(tools=[TOOL]))
    call = Message("assistant", (ToolCall("x", "ours", '{"a":1}'),))
    result = ToolResult("x", (Text("seen"), Media("image", "image/png", data="AA==")), is_error=True)
    request = replace(
        given,
        messages=(*given.messages, call, Message("tool", (result,))),
        tools=(*given.tools, ToolDefinition("ours", "does", {"properties": {}})),
    )
    written = COHERE_V2.write_request(request, model="command")
    assert written["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "x",
        "content": "seen\n[image: image/png; not shown]",
    }
    assert written["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"model": ""}, "model"),
    ({"messages": []}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"role": "nobody", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    ({"stream": "yes"}, "stream"),
    ({"strict_tools": "yes"}, "strict_tools"),
    ({"max_tokens": "many"}, "max_tokens"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"response_format": "json"}, "response_format"),
    ({"tools": {}}, "tools"),
    ({"tools": ["x"]}, "tools[0]"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
]


@pytest.mark.parametrize(("fields", "param"), MISTAKES)
def test_a_mistake_is_refused_and_its_field_named(fields: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as refused:
        COHERE_V2.read_request(asked(**fields))
    assert refused.value.param == param
