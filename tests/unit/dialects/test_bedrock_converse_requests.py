"""Requests in Converse's form, both directions; Amazon's validator judges every one that is written."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.conversation import (
    Media,
    Message,
    ModelRequest,
    Reasoning,
    Source,
    Text,
    ToolCall,
    ToolResult,
)
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.bedrock_converse import BEDROCK_CONVERSE
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import InvalidRequest
from tests.support.amazon import check_request

MODEL = "us.anthropic.claude-x-v1:0"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"q": {"type": "string"}}}
USER: dict[str, Any] = {"role": "user", "content": [{"text": "hello"}]}
TOOL: dict[str, Any] = {"toolSpec": {"name": "look", "description": "looks", "inputSchema": {"json": SCHEMA}}}
CHAT_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "description": "looks", "parameters": SCHEMA},
}
CHAT_HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "hello"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": f"call|{n}", "type": "function", "function": {"name": "look", "arguments": '{"q": "x"}'}}
            for n in (1, 2)
        ],
    },
    {"role": "tool", "tool_call_id": "call|1", "content": "seen"},
    {"role": "tool", "tool_call_id": "call|2", "content": ""},
]
EVERYTHING: dict[str, Any] = {
    "system": [{"text": "Be kind."}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "look"},
                {"image": {"format": "png", "source": {"bytes": PNG}}},
                {"document": {"format": "pdf", "name": "a", "source": {"bytes": PNG}}},
                {"document": {"name": "b", "source": {"text": "plain"}, "context": "about b"}},
                {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/v.mp4"}}}},
                {"guardContent": {"text": {"text": "mind this"}}},
                {"searchResult": {"source": "s", "title": "t", "content": [{"text": "found"}]}},
                {"toolAddition": {"tool": {"name": "look"}}},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig=="}}},
                {"reasoningContent": {"redactedContent": PNG}},
                {"citationsContent": {"content": [{"text": "As written"}], "citations": [{"title": "t"}]}},
                {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"q": "x"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "toolResult": {
                        "toolUseId": "t1",
                        "content": [{"json": {"a": 1}}, {"text": "seen"}],
                        "status": "error",
                    }
                }
            ],
        },
    ],
    "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
    "toolConfig": {"tools": [TOOL, {"cachePoint": {"type": "default"}}], "toolChoice": {"any": {}}},
    "additionalModelRequestFields": {"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 2000}},
    "requestMetadata": {"team": "blue"},
    "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1"},
}


def read(body: dict[str, Any], model: str = "m", stream: bool = False) -> ModelRequest:
    return BEDROCK_CONVERSE.read_request({**body, "model": model, "stream": stream})


def written(request: ModelRequest, model: str = MODEL) -> dict[str, Any]:
    body = BEDROCK_CONVERSE.write_request(request, model=model)
    check_request(body)
    return body


def from_chat(model: str = MODEL, **fields: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], **fields}
    return written(OPENAI_CHAT.read_request(body), model)


def refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        from_chat(**fields)
    return refusal.value


def test_a_request_comes_out_as_it_went_in():
    assert written(read(EVERYTHING)) == EVERYTHING
    unknown = {**EVERYTHING, "somethingNew": {"a": 1}}
    assert BEDROCK_CONVERSE.write_request(read(unknown), model=MODEL) == unknown


def test_what_is_said_is_understood():
    request = read(EVERYTHING, stream=True)
    assert (request.model, request.stream, request.max_tokens) == ("m", True, 100)
    assert (request.temperature, request.top_p, request.top_k, request.stop) == (0.5, 0.9, 5, ("END",))
    assert request.effort == "low"
    assert [tool.name for tool in request.tools] == ["look"]
    assert request.tool_choice is not None
    assert request.tool_choice.mode == "required"
    system, user, assistant, results = request.messages
    assert system.text == "Be kind."
    assert user.parts[1] == Media("image", "image/png", data=PNG)
    assert Text("b\n\nplain") in user.parts
    assert assistant.parts[0] == Reasoning("Hm.", "sig==", "reasoningContent")
    assert assistant.tool_calls == (ToolCall("t1", "look", '{"q":"x"}'),)
    assert assistant.text == "As written"
    assert results.parts == (ToolResult("t1", (Text('{"a":1}'), Text("seen")), is_error=True),)


def test_what_only_this_format_can_say_is_refused_by_name_elsewhere():
    native = read(EVERYTHING).native
    assert native == ("guardrailConfig",)
    said: dict[str, Any] = {"messages": [USER]}
    for fields, name in [
        ({"promptVariables": {"a": {"text": "b"}}}, "promptVariables"),
        ({"additionalModelRequestFields": {"seed": 3}}, "additionalModelRequestFields.seed"),
        ({"inferenceConfig": {"topX": 1}}, "inferenceConfig.topX"),
    ]:
        with pytest.raises(InvalidRequest, match=name):
            OPENAI_CHAT.write_request(read({**said, **fields}), model="x")
    block = {"messages": [{"role": "user", "content": [{"searchResult": {}}]}]}
    for other in (OPENAI_CHAT, ANTHROPIC_MESSAGES):
        with pytest.raises(InvalidRequest, match="searchResult"):
            other.write_request(read(block), model="x")
    hints = {**said, "serviceTier": {"type": "flex"}, "requestMetadata": {"a": "b"}}
    assert OPENAI_CHAT.write_request(read(hints), model="x")["messages"] == [{"role": "user", "content": "hello"}]


def test_a_chat_request_is_said_within_amazons_rules():
    body = from_chat(
        messages=[
            {"role": "developer", "content": "Be kind."},
            {"role": "system", "content": "Be brief."},
            {"role": "assistant", "content": "Yes?"},
            *CHAT_HISTORY,
            {"role": "user", "content": [{"type": "text", "text": " "}, {"type": "text", "text": "and?"}]},
        ],
        tools=[CHAT_TOOL],
        max_completion_tokens=50,
        temperature=0.2,
        top_p=0.3,
        stop=["X"],
        reasoning_effort="minimal",
    )
    assert body["system"] == [{"text": "Be kind."}, {"text": "Be brief."}]
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == [{"text": "."}]
    first, second, said = body["messages"][-1]["content"]
    assert first["toolResult"]["content"] == [{"text": "seen"}]
    assert second["toolResult"]["content"] == [{"text": "."}]
    assert said == {"text": "and?"}
    calls = [block["toolUse"]["toolUseId"] for block in body["messages"][3]["content"]]
    assert calls == [first["toolResult"]["toolUseId"], second["toolResult"]["toolUseId"]]
    assert len(set(calls)) == 2
    assert body["inferenceConfig"] == {"maxTokens": 50, "temperature": 0.2, "topP": 0.3, "stopSequences": ["X"]}
    assert body["outputConfig"] == {"effort": "low"}
    assert body["toolConfig"] == {"tools": [TOOL]}


@pytest.mark.parametrize(
    "messages", [[{"role": "system", "content": "Be kind."}], [{"role": "user", "content": " "}]]
)
def test_where_nobody_says_anything_a_dot_is_said(messages: list[Any]):
    assert from_chat(messages=messages)["messages"] == [{"role": "user", "content": [{"text": "."}]}]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        ({"type": "function", "function": {"name": "look"}}, {"tool": {"name": "look"}}),
    ],
)
def test_choices_among_tools(choice: Any, expected: dict[str, Any]):
    assert from_chat(tools=[CHAT_TOOL], tool_choice=choice)["toolConfig"]["toolChoice"] == expected


def test_a_choice_that_forbids_calls_leaves_the_tools_away_unless_the_history_needs_them():
    assert "toolConfig" not in from_chat(tools=[CHAT_TOOL], tool_choice="none")
    body = from_chat(messages=CHAT_HISTORY, tools=[CHAT_TOOL], tool_choice="none")
    assert body["toolConfig"] == {"tools": [TOOL]}
    assert "without calling" in body["system"][-1]["text"]


def test_a_history_with_calls_has_tools_beside_it_even_when_there_are_none_any_more():
    body = from_chat(messages=CHAT_HISTORY)
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["look"]
    assert "without calling" in body["system"][-1]["text"]


@pytest.mark.parametrize("model", ["us.meta.llama9-v1:0", "mistral.mistral-large-9"])
def test_results_stand_alone_for_models_that_want_it_so(model: str):
    messages = [*CHAT_HISTORY, {"role": "user", "content": "and?"}]
    body = from_chat(model, messages=messages, tools=[CHAT_TOOL])
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert all("toolResult" in block for block in body["messages"][2]["content"])
    assert body["messages"][-1]["content"] == [{"text": "and?"}]


def test_media_go_as_bytes_and_an_address_is_refused_by_name():
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    file = {"type": "file", "file": {"filename": "a_b.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}}
    body = from_chat(messages=[{"role": "user", "content": [image, file, file]}])
    content = body["messages"][0]["content"]
    assert content[0] == {"image": {"format": "png", "source": {"bytes": PNG}}}
    names = [block["document"]["name"] for block in content if "document" in block]
    assert names == ["a b pdf 1", "a b pdf 2"]
    assert content[-1] == {"text": "."}
    remote = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    refusal = refused(messages=[{"role": "user", "content": [remote]}])
    assert "bytes" in refusal.message
    assert refusal.param == "messages"


def test_a_schema_for_the_answer_is_a_string():
    form = {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA, "strict": True}}
    body = from_chat(response_format=form)
    assert body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["name"] == "thing"
    again = read(body)
    assert again.response_schema is not None
    assert again.response_schema.schema == SCHEMA
    assert again.structured_output


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"parallel_tool_calls": False, "tools": [CHAT_TOOL], "model": "amazon.nova"}, "parallel_tool_calls"),
        ({"parallel_tool_calls": False, "tools": [CHAT_TOOL], "tool_choice": "required"}, "parallel_tool_calls"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(fields: dict[str, Any], param: str):
    assert refused(**fields).param == param


@pytest.mark.parametrize("choice", [{}, {"tool_choice": "auto"}])
def test_claude_is_told_to_make_one_call_at_a_time_in_its_own_words_alone(choice: dict[str, Any]):
    body = from_chat(parallel_tool_calls=False, tools=[CHAT_TOOL], **choice)
    serial = {"type": "auto", "disable_parallel_tool_use": True}
    assert body["additionalModelRequestFields"]["tool_choice"] == serial
    assert "toolChoice" not in body["toolConfig"]
    for nothing in ({"tools": [CHAT_TOOL], "tool_choice": "none"}, {}):
        assert "additionalModelRequestFields" not in from_chat(parallel_tool_calls=False, **nothing)


def test_thoughts_go_back_byte_for_byte_and_foreign_ones_not_at_all():
    signed = Reasoning("Hm.", "sig+/==", "reasoningContent")
    redacted = Reasoning("", PNG, "redactedContent")
    foreign = Reasoning("Eh.", "other", "thinking")
    unsigned = Reasoning("Oh.", None, "reasoningContent")
    parts = (signed, redacted, foreign, unsigned, Text("Yes."))
    messages = (Message("user", (Text("hello"),)), Message("assistant", parts))
    content = written(ModelRequest("m", messages, "openai_chat"))["messages"][1]["content"]
    assert content == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig+/=="}}},
        {"reasoningContent": {"redactedContent": PNG}},
        {"reasoningContent": {"reasoningText": {"text": "Oh."}}},
        {"text": "Yes."},
    ]


def test_thoughts_that_we_marked_as_of_no_use_go_no_further():
    block = {"reasoningContent": {"reasoningText": {"text": "Eh.", "signature": "toolgate:unproven"}}}
    answer = {"role": "assistant", "content": [block, {"text": "Yes."}]}
    body = {"messages": [USER, answer, USER]}
    assert written(read(body))["messages"][1]["content"] == [{"text": "Yes."}]
    alone = {"messages": [USER, {"role": "assistant", "content": [block]}, USER]}
    assert written(read(alone))["messages"][1]["content"] == [{"text": "."}]


def test_our_results_join_the_clients_of_the_same_turn_and_cache_points_stay_where_they_may_stand():
    call = ToolCall("ours", "look", "{}")
    point = {"cachePoint": {"type": "default"}}
    result = {"toolResult": {"toolUseId": "theirs", "content": [{"text": "blue"}]}}
    raw = {"role": "user", "content": [point, result, point, point]}
    messages = (
        Message("user", (Text("hello"),)),
        Message("assistant", (call, ToolCall("theirs", "look", "{}"))),
        Message("tool", (ToolResult("ours", (Text("x"),)),)),
        Message("user", (ToolResult("theirs", (Text("blue"),)),), source=Source("bedrock_converse", raw)),
    )
    content = written(ModelRequest("m", messages, "bedrock_converse"))["messages"][2]["content"]
    assert [next(iter(block)) for block in content] == ["toolResult", "toolResult", "cachePoint"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": []}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "hello"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"text": 1}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"toolUse": {}}]}]},
            "messages[0].content[0].toolUse.toolUseId",
        ),
        ({"messages": [USER], "inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
        ({"messages": [USER], "toolConfig": []}, "toolConfig"),
        ({"messages": [USER], "toolConfig": {"tools": [{"toolSpec": {}}]}}, "toolConfig.tools[0].toolSpec.name"),
        ({"messages": [USER], "toolConfig": {"tools": {}}}, "toolConfig.tools"),
        ({"messages": [USER], "system": "hello"}, "system"),
    ],
)
def test_mistakes_are_refused_and_the_field_is_named(body: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as refusal:
        read(body)
    assert refusal.value.param == param


def test_tools_that_the_provider_would_run_are_found_wherever_they_stand():
    body = {
        "toolConfig": {"tools": [TOOL, {"systemTool": {"name": "nova_grounding"}}, {"newTool": {"name": "x"}}]},
        "additionalModelRequestFields": {
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
            "mcp_servers": [{"url": "https://example.org"}],
        },
    }
    found = [(tool.param, tool.name, tool.is_known) for tool in BEDROCK_CONVERSE.provider_tools(body)]
    assert found == [
        ("toolConfig.tools[1]", "nova_grounding", True),
        ("toolConfig.tools[2]", "x", False),
        ("additionalModelRequestFields.tools[0]", "web_search", True),
        ("additionalModelRequestFields.mcp_servers[0]", "mcp", True),
    ]
