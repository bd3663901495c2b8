"""Requests of Ollama's chat API, both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.conversation import Media, Message, Text, ToolCall, ToolChoice, ToolDefinition, ToolResult
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.ollama import OLLAMA
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import InvalidRequest

PNG = "iVBORw0KGgoAAAANSUhEUg=="
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL: dict[str, Any] = {"function": {"name": "look", "arguments": {"at": "sky"}}}
TURN: list[Any] = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "what is it?", "images": [PNG]},
    {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": [CALL, CALL]},
    {"role": "tool", "content": "blue", "tool_name": "look"},
    {"role": "tool", "content": "grey", "tool_name": "look"},
    {"role": "user", "content": "thanks"},
]


def asked(**fields: Any) -> dict[str, Any]:
    return {"model": "llama", "messages": [{"role": "user", "content": "hi"}], **fields}


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "gpt", "messages": [{"role": "user", "content": "hi"}], **fields}


def across(body: dict[str, Any]) -> dict[str, Any]:
    return OLLAMA.write_request(OPENAI_CHAT.read_request(body), model="llama")


def test_what_is_read_is_written_again_as_it_came():
    body = asked(
        messages=TURN,
        tools=[TOOL],
        stream=True,
        think="high",
        keep_alive="5m",
        format={"type": "object"},
        options={"num_ctx": 8192, "num_predict": 50, "temperature": 0.5, "mirostat": 2, "stop": ["x"]},
        something_new={"a": 1},
    )
    assert OLLAMA.write_request(OLLAMA.read_request(body), model="llama") == body


def test_who_does_not_say_gets_a_stream():
    assert OLLAMA.read_request(asked()).stream is True
    assert OLLAMA.read_request(asked(stream=False)).stream is False
    assert OLLAMA.write_request(OLLAMA.read_request(asked()), model="llama")["stream"] is True
    assert across(chat())["stream"] is False


def test_calls_without_ids_get_the_same_ones_each_time_and_results_find_them_in_order():
    first, again = (OLLAMA.read_request(asked(messages=TURN)).messages for _ in range(2))
    calls = first[2].tool_calls
    assert [call.arguments for call in calls] == ['{"at":"sky"}'] * 2
    assert calls[0].id != calls[1].id
    assert calls == again[2].tool_calls
    answered = [part.call_id for message in first for part in message.parts if isinstance(part, ToolResult)]
    assert answered == [call.id for call in calls]


def test_results_find_their_calls_by_the_tools_name():
    other: dict[str, Any] = {"function": {"name": "listen", "arguments": {}}}
    turn: list[Any] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [CALL, other]},
        {"role": "tool", "content": "silence", "tool_name": "listen"},
        {"role": "tool", "content": "blue"},
    ]
    messages = OLLAMA.read_request(asked(messages=turn)).messages
    look, listen = messages[1].tool_calls
    assert messages[2].parts == (ToolResult(listen.id, (Text("silence"),)),)
    assert messages[3].parts == (ToolResult(look.id, (Text("blue"),)),)


def test_ids_that_newer_servers_give_are_kept():
    turn: list[Any] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "call_a", **CALL}, {"id": "call_b", **CALL}]},
        {"role": "tool", "content": "blue", "tool_call_id": "call_b"},
        {"role": "tool", "content": "grey", "tool_call_id": "call_a"},
    ]
    written = OPENAI_CHAT.write_request(OLLAMA.read_request(asked(messages=turn)), model="gpt")["messages"]
    assert [call["id"] for call in written[1]["tool_calls"]] == ["call_a", "call_b"]
    assert [(result["tool_call_id"], result["content"]) for result in written[2:]] == [
        ("call_b", "blue"),
        ("call_a", "grey"),
    ]


def test_options_are_said_to_other_providers_as_far_as_they_have_them():
    options = {"num_ctx": 8192, "num_predict": 50, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": "end"}
    written = OPENAI_CHAT.write_request(OLLAMA.read_request(asked(options=options, think="low")), model="gpt")
    assert (written["max_completion_tokens"], written["temperature"], written["top_p"]) == (50, 0.5, 0.9)
    assert (written["seed"], written["stop"], written["reasoning_effort"]) == (7, ["end"], "low")
    assert "num_ctx" not in written


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"options": {"mirostat": 2}}, "options.mirostat"),
        ({"options": {"top_k": 5}}, "top_k"),
        ({"logprobs": True}, "logprobs"),
        ({"tools": [{"type": "web_search"}]}, r"tools\[0\]"),
    ],
)
def test_what_only_ollama_has_is_refused_by_name_elsewhere(fields: dict[str, Any], named: str):
    with pytest.raises(InvalidRequest, match=named):
        OPENAI_CHAT.write_request(OLLAMA.read_request(asked(**fields)), model="gpt")


@pytest.mark.parametrize(("think", "effort"), [(True, "medium"), (False, "none"), ("high", "high"), (None, None)])
def test_thinking_is_an_effort(think: Any, effort: str | None):
    assert OLLAMA.read_request(asked(think=think)).effort == effort


def test_a_form_of_the_answer_is_one_in_either_direction():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    assert across(chat(response_format=form))["format"] == schema
    assert across(chat(response_format={"type": "json_object"}))["format"] == "json"
    back = OPENAI_CHAT.write_request(OLLAMA.read_request(asked(format=schema)), model="gpt")
    assert back["response_format"]["json_schema"]["schema"] == schema
    plain = OPENAI_CHAT.write_request(OLLAMA.read_request(asked(format="json")), model="gpt")
    assert plain["response_format"] == {"type": "json_object"}


def test_a_request_of_openais_becomes_one_of_ollamas():
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    written = across(
        chat(
            messages=[
                {"role": "developer", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "look"}, image]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                        {"id": "c2", "type": "function", "function": {"name": "hear", "arguments": "{no"}},
                    ],
                },
                {"role": "tool", "tool_call_id": "c2", "content": "nothing"},
                {"role": "tool", "tool_call_id": "c1", "content": "blue"},
            ],
            tools=[{"type": "function", "function": {"name": "look", "description": "sees"}}],
            max_completion_tokens=9,
            stop=["a"],
            seed=3,
            reasoning_effort="xhigh",
        )
    )
    assert written["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "look", "images": [PNG]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "c1", "function": {"name": "look", "arguments": {}}},
                {"id": "c2", "function": {"name": "hear", "arguments": {"INVALID_JSON": "{no"}}},
            ],
        },
        {"role": "tool", "content": "nothing", "tool_name": "hear", "tool_call_id": "c2"},
        {"role": "tool", "content": "blue", "tool_name": "look", "tool_call_id": "c1"},
    ]
    assert written["options"] == {"num_predict": 9, "seed": 3, "stop": ["a"]}
    assert written["think"] == "high"
    assert written["tools"][0]["function"]["parameters"] == {"type": "object"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"n": 2}, "n must be 1"),
        ({"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look"}}}, "tool_choice"),
        ({"tools": [TOOL], "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"logprobs": True}, "logprobs"),
    ],
)
def test_what_ollama_lacks_is_refused_by_name(fields: dict[str, Any], named: str):
    with pytest.raises(InvalidRequest, match=named):
        across(chat(**fields))


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "image_url", "image_url": {"url": "https://images.example/a.png"}}, "by URL"),
        ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}, "audio/wav"),
        ({"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,AA=="}}, "pdf"),
    ],
)
def test_media_that_cannot_be_shown_are_refused(part: dict[str, Any], told: str):
    with pytest.raises(InvalidRequest, match=told):
        across(chat(messages=[{"role": "user", "content": [part]}]))


def test_a_model_that_must_not_call_is_shown_no_tools():
    request = replace(OLLAMA.read_request(asked(tools=[TOOL])), tool_choice=ToolChoice("none"))
    assert "tools" not in OLLAMA.write_request(request, model="llama")


def test_images_have_the_type_that_their_bytes_say():
    request = OLLAMA.read_request(
        asked(messages=[{"role": "user", "content": "look", "images": [PNG, "/9j/4AAQ"]}])
    )
    assert [part.media_type for part in request.messages[0].parts if isinstance(part, Media)] == [
        "image/png",
        "image/jpeg",
    ]
    (message,) = ANTHROPIC_MESSAGES.write_request(request, model="claude")["messages"]
    assert [block["source"]["media_type"] for block in message["content"] if block["type"] == "image"] == [
        "image/png",
        "image/jpeg",
    ]


def test_results_of_our_tools_are_put_behind_the_clients_history():
    given = OLLAMA.read_request(asked(tools=[TOOL]))
    result = ToolResult("x", (Text("seen"), Media("image", "image/png", data=PNG), Media("audio", "audio/wav")))
    call = Message("assistant", (ToolCall("x", "ours", '{"a":1}'),))
    request = replace(
        given,
        messages=(*given.messages, call, Message("tool", (result,))),
        tools=(*given.tools, ToolDefinition("ours", "does", {"properties": {}})),
    )
    written = OLLAMA.write_request(request, model="llama")
    assert written["messages"][-1] == {
        "role": "tool",
        "content": "seen\n[audio: audio/wav; not shown]",
        "tool_name": "ours",
        "tool_call_id": "x",
        "images": [PNG],
    }
    assert written["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"model": ""}, "model"),
    ({"messages": []}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"role": "nobody", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content"),
    ({"stream": "yes"}, "stream"),
    ({"options": [1]}, "options"),
    ({"options": {"num_predict": "many"}}, "options.num_predict"),
    ({"format": "xml"}, "format"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
]


@pytest.mark.parametrize(("fields", "param"), MISTAKES)
def test_a_mistake_is_refused_and_its_field_named(fields: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as refused:
        OLLAMA.read_request(asked(**fields))
    assert refused.value.param == param


@pytest.mark.parametrize("limit", [-1, -2, 0])
def test_a_limit_that_is_none_is_none(limit: int):
    body = asked(options={"num_predict": limit})
    request = OLLAMA.read_request(body)
    assert request.max_tokens is None
    assert OLLAMA.write_request(request, model="llama")["options"] == {"num_predict": limit}
