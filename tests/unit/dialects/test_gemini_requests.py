"""Gemini requests, read and written."""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import replace
from typing import Any

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
)
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.gemini import GEMINI
from gateway.dialects.gemini.fields import camel
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import InvalidRequest

HI = [{"role": "user", "parts": [{"text": "hi"}]}]
LOOK = {
    "name": "look",
    "description": "looks",
    "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
}
BODY: dict[str, Any] = {
    "model": "gemini-3-pro",
    "stream": True,
    "systemInstruction": {"parts": [{"text": "be brief"}]},
    "contents": [
        {"role": "user", "parts": [{"text": "look"}, {"inlineData": {"mimeType": "image/png", "data": "_-8="}}]},
        {
            "role": "model",
            "parts": [
                {"text": "hm", "thought": True},
                {"functionCall": {"name": "look", "args": {"a": "1"}}, "thoughtSignature": "EqQB/+=="},
                {"functionCall": {"name": "look", "args": {"a": "2"}}},
                {"executableCode": {"language": "PYTHON", "code": "1"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "look", "response": {"output": "one"}}},
                {"functionResponse": {"name": "look", "response": {"error": "two"}}},
            ],
        },
    ],
    "tools": [{"functionDeclarations": [LOOK]}, {"googleSearch": {}}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
    "generationConfig": {
        "maxOutputTokens": 100,
        "topK": 5,
        "stopSequences": ["END"],
        "thinkingConfig": {"include_thoughts": True, "thinking_level": "LOW"},
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "new_field": {"a": 1},
}


def read(**changed: Any):
    return GEMINI.read_request({"model": "m", "contents": HI, **changed})


def written(body: dict[str, Any], model: str = "gemini-3-pro") -> dict[str, Any]:
    return GEMINI.write_request(OPENAI_CHAT.read_request({"model": "m", "messages": HELLO, **body}), model=model)


HELLO = [{"role": "user", "content": "hi"}]
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"a": {}}}},
}


def test_a_request_of_its_own_is_written_as_it_came():
    before = copy.deepcopy(BODY)
    wanted = {name: value for name, value in BODY.items() if name not in ("model", "stream")}
    assert GEMINI.write_request(GEMINI.read_request(BODY), model="gemini-3-pro") == wanted
    assert before == BODY


def test_what_it_says_is_understood():
    request = GEMINI.read_request(BODY)
    assert (request.model, request.stream, request.max_tokens) == ("gemini-3-pro", True, 100)
    assert (request.stop, request.effort) == (("END",), "low")
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool"]
    assert request.messages[1].parts == (Text("look"), Media("image", "image/png", data="/+8="))
    thought, first, second, _ = request.messages[2].parts
    assert thought == Reasoning("hm", None, "thought")
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.source == Source("gemini", {"thoughtSignature": "EqQB/+=="})
    assert first.id != second.id
    assert request.messages[3].parts == (
        ToolResult(first.id, (Text("one"),)),
        ToolResult(second.id, (Text("two"),), is_error=True),
    )
    assert [(tool.name, tool.is_function) for tool in request.tools] == [("look", True), ("google_search", False)]
    assert request.tools[0].parameters == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert request.tool_choice == ToolChoice(
        "named",
        "look",
        request.tool_choice and request.tool_choice.source,
        request.tool_choice and request.tool_choice.afterwards,
    )
    assert request.native == ("new_field",)
    assert request.top_k == 5


def test_ids_that_are_made_up_are_the_same_each_time():
    assert GEMINI.read_request(BODY) == GEMINI.read_request(copy.deepcopy(BODY))


def test_both_spellings_are_read():
    request = read(
        system_instruction={"parts": {"text": "s"}},
        contents=[
            {"role": "model", "parts": [{"function_call": {"id": "c", "name": "f"}, "thought_signature": "s"}]},
            {"parts": [{"function_response": {"id": "c", "name": "f", "response": {"a": 1}}}]},
            {"parts": [{"file_data": {"mime_type": "image/png", "file_uri": "gs://a/b"}}]},
        ],
        tools={"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]},
        tool_config={"function_calling_config": {"mode": "none"}},
        generation_config={
            "max_output_tokens": 5,
            "top_p": 0.5,
            "candidate_count": 2,
            "response_mime_type": "application/json",
        },
    )
    assert request.messages[0].text == "s"
    assert request.messages[1].parts == (ToolCall("c", "f", "{}"),)
    assert request.messages[2].parts == (ToolResult("c", (Text('{"a":1}'),)),)
    assert request.messages[3].parts == (Media("image", "image/png", url="gs://a/b"),)
    assert (request.max_tokens, request.top_p, request.n, request.structured_output) == (5, 0.5, 2, True)
    assert request.tool_choice is not None
    assert request.tool_choice.mode == "none"
    assert request.native == ()


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"model": ""}, "model"),
        ({"contents": []}, "contents"),
        ({"contents": "hi"}, "contents"),
        ({"contents": [1]}, "contents[0]"),
        ({"contents": [{"role": "system", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"role": ["user"], "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": "x"}]}, "contents[0].parts"),
        ({"contents": [{"parts": [1]}]}, "contents[0].parts[0]"),
        ({"contents": [{"parts": [{"text": 1}]}]}, "contents[0].parts[0].text"),
        ({"contents": [{"parts": [{"functionCall": {}}]}]}, "contents[0].parts[0].functionCall.name"),
        ({"systemInstruction": 1}, "systemInstruction"),
        ({"tools": 1}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"toolConfig": 1}, "toolConfig"),
        ({"generationConfig": 1}, "generationConfig"),
        ({"generationConfig": {"maxOutputTokens": "x"}}, "generationConfig.maxOutputTokens"),
        ({"generationConfig": {"candidateCount": True}}, "generationConfig.candidateCount"),
    ],
)
def test_mistakes_are_named(changed: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as caught:
        read(**changed)
    assert caught.value.param == param


def test_a_conversation_of_openais_becomes_contents():
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://h/a.png"}}]},
        {
            "role": "assistant",
            "content": "so",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}},
                {"id": "c2", "type": "function", "function": {"name": "see", "arguments": "{not json"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "user", "content": "and?"},
    ]
    body = written({"messages": messages})
    assert body == {
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"fileData": {"mimeType": "image/png", "fileUri": "https://h/a.png"}}]},
            {
                "role": "model",
                "parts": [
                    {"text": "so"},
                    {
                        "functionCall": {"id": "c1", "name": "look", "args": {"a": 1}},
                        "thoughtSignature": "skip_thought_signature_validator",
                    },
                    {"functionCall": {"id": "c2", "name": "see", "args": {"INVALID_JSON": "{not json"}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c2", "name": "see", "response": {"output": "two"}}},
                    {"functionResponse": {"id": "c1", "name": "look", "response": {"output": "one"}}},
                    {"text": "and?"},
                ],
            },
        ],
    }
    older = written({"messages": messages}, "gemini-2.5-flash")
    assert "thoughtSignature" not in older["contents"][1]["parts"][1]


@pytest.mark.parametrize(
    ("effort", "model", "config"),
    [
        ("low", "gemini-3-pro", {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("xhigh", "gemini-3-flash", {"thinkingLevel": "XHIGH", "includeThoughts": True}),
        ("none", "gemini-3-flash", {"thinkingLevel": "MINIMAL"}),
        ("none", "gemini-3.1-pro", {"thinkingLevel": "LOW"}),
        ("none", "gemini-2.5-flash", {"thinkingBudget": 0}),
        ("none", "gemini-2.5-pro", {"thinkingBudget": 128}),
        ("high", "models/gemini-2.5-pro", {"thinkingBudget": 24576, "includeThoughts": True}),
        ("medium", "gemini-flash-latest", {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
    ],
)
def test_effort_is_said_as_the_model_takes_it(effort: str, model: str, config: dict[str, Any]):
    assert written({"reasoning_effort": effort}, model)["generationConfig"] == {"thinkingConfig": config}


@pytest.mark.parametrize(
    ("choice", "calling"),
    [
        ("auto", None),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "look"}}, {"mode": "ANY", "allowedFunctionNames": ["look"]}),
    ],
)
def test_a_choice_has_its_mode(choice: Any, calling: dict[str, Any] | None):
    body = written({"tools": [TOOL], "tool_choice": choice})
    assert body.get("toolConfig") == (None if calling is None else {"functionCallingConfig": calling})


def test_strict_tools_are_validated():
    strict = {"type": "function", "function": {**TOOL["function"], "strict": True}}
    assert written({"tools": [strict]})["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}


def test_a_forced_choice_of_its_own_can_be_let_go_after_the_first_call():
    request = read(
        tools=[{"functionDeclarations": [LOOK]}],
        toolConfig={
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look", "see"]},
            "retrievalConfig": {"languageCode": "en"},
        },
    )
    assert request.tool_choice is not None
    assert request.tool_choice.forces_a_call
    for choice, calling in (
        (request.tool_choice.afterwards, {"mode": "VALIDATED", "allowedFunctionNames": ["look", "see"]}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (None, None),
    ):
        config = GEMINI.write_request(replace(request, tool_choice=choice), model="m")["toolConfig"]
        told = {} if calling is None else {"functionCallingConfig": calling}
        assert config == {"retrievalConfig": {"languageCode": "en"}, **told}


def test_the_rest_of_a_request_is_said_in_its_words():
    schema = {"type": "object", "properties": {"a": {"const": "x"}}}
    body = written(
        {
            "max_tokens": 5,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["a"],
            "n": 2,
            "user": "u",
            "seed": 7,
            "top_k": 3,
            "presence_penalty": 0.5,
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        }
    )
    assert body["generationConfig"] == {
        "maxOutputTokens": 5,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["a"],
        "candidateCount": 2,
        "topK": 3,
        "seed": 7,
        "presencePenalty": 0.5,
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {"a": {"enum": ["x"], "type": "string"}}},
    }
    assert schema == {"type": "object", "properties": {"a": {"const": "x"}}}
    older = written(
        {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}, "gemini-2.0-flash"
    )
    assert older["generationConfig"]["responseSchema"] == {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING", "enum": ["x"]}},
    }


@pytest.mark.parametrize("body", [{"logprobs": True}, {"parallel_tool_calls": False, "tools": [TOOL]}])
def test_what_it_cannot_say_is_refused_by_name(body: dict[str, Any]):
    with pytest.raises(InvalidRequest) as caught:
        written(body)
    assert caught.value.param == next(iter(body))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"generationConfig": {"responseLogprobs": True}}, "generationConfig.responseLogprobs"),
        ({"cachedContent": "cachedContents/1"}, "cachedContent"),
        ({"safetySettings": [{"threshold": "BLOCK_LOW_AND_ABOVE"}]}, "safetySettings"),
        ({"toolConfig": {"retrievalConfig": {"latLng": {}}}}, "toolConfig.retrievalConfig"),
        ({"tools": [{"googleSearch": {}}]}, "google_search"),
        ({"contents": [{"role": "model", "parts": [{"executableCode": {"code": "1"}}]}]}, "executableCode"),
    ],
)
def test_what_others_cannot_say_is_refused_by_name(changed: dict[str, Any], named: str):
    for other in (OPENAI_CHAT, ANTHROPIC_MESSAGES):
        with pytest.raises(InvalidRequest, match=named):
            other.write_request(read(**changed), model="m")


def test_its_own_reaches_the_others():
    body = {name: value for name, value in BODY.items() if name != "new_field"}
    body["tools"] = [{"functionDeclarations": [LOOK]}]
    body["generationConfig"] = {"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 8192}}
    body["contents"] = [
        *BODY["contents"][:1],
        {**BODY["contents"][1], "parts": BODY["contents"][1]["parts"][1:3]},
        BODY["contents"][2],
    ]
    request = GEMINI.read_request(body)
    chat = OPENAI_CHAT.write_request(request, model="gpt")
    assert [message["role"] for message in chat["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    ids = [call["id"] for call in chat["messages"][2]["tool_calls"]]
    assert [message["tool_call_id"] for message in chat["messages"][3:]] == ids
    assert chat["messages"][4]["content"] == "Error: two"
    assert chat["reasoning_effort"] == "medium"
    messages = ANTHROPIC_MESSAGES.write_request(request, model="claude")["messages"]
    assert [block["type"] for block in messages[2]["content"]] == ["tool_result", "tool_result"]


def test_what_a_run_adds_goes_back_byte_for_byte():
    call = ToolCall("gemini-call-1", "ours", "{}", Source("gemini", {"thoughtSignature": "A/+="}))
    added = (
        Message(
            "assistant",
            (Reasoning("hm", "T/+=", "thought"), Text("so", Source("gemini", {"thoughtSignature": "S"})), call),
        ),
        Message("tool", (ToolResult("gemini-call-1", (Text("a"), Media("image", "image/png", data="AA=="))),)),
    )
    request = read()
    ours = ToolDefinition("ours", "ours", {"properties": {}})
    body = GEMINI.write_request(
        replace(request, messages=(*request.messages, *added), tools=(ours,)), model="gemini-3-pro"
    )
    assert body["contents"][1]["parts"] == [
        {"text": "hm", "thought": True, "thoughtSignature": "T/+="},
        {"text": "so", "thoughtSignature": "S"},
        {"functionCall": {"name": "ours", "args": {}}, "thoughtSignature": "A/+="},
    ]
    image = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    assert body["contents"][2]["parts"] == [
        {"functionResponse": {"name": "ours", "response": {"output": "a"}, "parts": [image]}}
    ]
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "ours",
                    "description": "ours",
                    "parametersJsonSchema": {"type": "object", "properties": {}},
                }
            ]
        }
    ]


def test_media_of_tools_follow_the_results_for_models_that_take_none_within():
    image = Media("image", "image/png", data="AA==")
    calls = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")))
    results = (Message("tool", (ToolResult("a", (image,)),)), Message("tool", (ToolResult("b", (Text("x"),)),)))
    request = read()
    body = GEMINI.write_request(
        replace(request, messages=(*request.messages, calls, *results)), model="gemini-2.5-pro"
    )
    kinds = [next(iter(part)) for part in body["contents"][2]["parts"]]
    assert kinds == ["functionResponse", "functionResponse", "text", "text", "inlineData"]


def test_thoughts_of_others_are_not_shown_to_it():
    added = Message("assistant", (Reasoning("hm", "sig", "thinking"), Text("so")))
    request = read()
    body = GEMINI.write_request(replace(request, messages=(*request.messages, added)), model="gemini-3-pro")
    assert body["contents"][1]["parts"] == [{"text": "so"}]


def test_the_stand_in_for_a_proof_goes_to_models_that_know_it_alone():
    call = {"functionCall": {"name": "f"}, "thoughtSignature": "skip_thought_signature_validator"}
    contents = [*HI, {"role": "model", "parts": [call]}]
    request = read(contents=contents)
    assert GEMINI.write_request(request, model="gemini-3-pro")["contents"] == contents
    assert GEMINI.write_request(request, model="gemini-2.5-pro")["contents"][1]["parts"] == [
        {"functionCall": {"name": "f"}}
    ]
    assert GEMINI.traits.own_marks == (b"skip_thought_signature_validator",)


def test_what_google_would_run_itself_is_found_under_any_spelling():
    body = {
        "tools": [
            {"functionDeclarations": [LOOK], "google_search": {}},
            {"googleSearchRetrieval": {}, "codeExecution": {}, "computerUse": {}},
            {"mcpServers": [{}], "fromTheFuture": {}},
        ],
        "cachedContent": "cachedContents/1",
    }
    assert [tuple(found) for found in GEMINI.provider_tools(body)] == [
        ("tools[0].google_search", "google_search", True),
        ("tools[1].googleSearchRetrieval", "google_search", True),
        ("tools[1].codeExecution", "code_execution", True),
        ("tools[2].mcpServers", "mcp", True),
        ("tools[2].fromTheFuture", "from_the_future", False),
        ("cachedContent", "cached_content", True),
    ]
    assert list(GEMINI.provider_tools({"tools": {"functionDeclarations": []}})) == []
    (alone,) = GEMINI.provider_tools({"tools": {"urlContext": {}}})
    assert alone == ("tools.urlContext", "url_context", True)


TEXTS = st.text(max_size=4)
SAID = st.one_of(
    st.fixed_dictionaries({"text": TEXTS}),
    st.fixed_dictionaries({"text": TEXTS, "thoughtSignature": TEXTS}),
    st.fixed_dictionaries({"text": TEXTS, "thought": st.booleans()}),
    st.fixed_dictionaries({"inlineData": st.fixed_dictionaries({"mimeType": TEXTS, "data": TEXTS})}),
    st.fixed_dictionaries({"file_data": st.fixed_dictionaries({"file_uri": TEXTS})}),
    st.fixed_dictionaries({"functionCall": st.fixed_dictionaries({"name": TEXTS, "args": st.just({"a": [1]})})}),
    st.fixed_dictionaries({"function_response": st.fixed_dictionaries({"name": TEXTS, "response": st.just({})})}),
    st.fixed_dictionaries({"fromTheFuture": st.integers()}),
    st.just({}),
)
CONTENTS = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "model"]), "parts": st.lists(SAID, max_size=3)}),
    min_size=1,
    max_size=4,
)


@given(
    CONTENTS,
    st.fixed_dictionaries(
        {},
        optional={
            "system_instruction": st.just({"parts": {"text": "s"}}),
            "generationConfig": st.fixed_dictionaries(
                {}, optional={"max_output_tokens": st.integers(1, 9), "topK": st.integers(1, 9), "x": TEXTS}
            ),
            "tool_config": st.just({"function_calling_config": {"mode": "AUTO", "x": 1}}),
            "tools": st.just([{"functionDeclarations": [LOOK]}, {"code_execution": {}}]),
            "safetySettings": st.just([{"threshold": "x"}]),
        },
    ),
)
def test_reading_and_writing_its_own_loses_nothing(contents: list[Any], more: dict[str, Any]):
    wanted = {"contents": contents, **more}
    before = copy.deepcopy(wanted)
    body = GEMINI.write_request(GEMINI.read_request({"model": "m", **wanted}), model="gemini-3-pro")
    assert {camel(name): value for name, value in body.items() if value != {}} == {
        camel(name): value for name, value in _normal(before).items() if value != {}
    }
    assert wanted == before


def _normal(body: dict[str, Any]) -> dict[str, Any]:
    """The choice is written under its name in camelCase."""
    config = body.get("tool_config")
    if config is None:
        return body
    return {**body, "tool_config": {"functionCallingConfig": config["function_calling_config"]}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "parts",
                    "text",
                    "functionCall",
                    "name",
                    "args",
                    "functionResponse",
                    "response",
                    "inlineData",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


FIELDS = ("tools", "toolConfig", "generationConfig", "systemInstruction", "safetySettings", "toolgate")
PART = st.dictionaries(
    st.sampled_from(["text", "functionCall", "functionResponse", "inlineData", "thought", "thoughtSignature"]),
    JSON | st.dictionaries(st.sampled_from(["name", "args", "response", "id", "parts", "data", "mimeType"]), JSON),
    max_size=3,
)
ODD = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "model"]), "parts": st.lists(PART, max_size=3) | JSON}
)


@given(
    st.fixed_dictionaries(
        {"model": st.just("m"), "contents": st.lists(ODD, min_size=1, max_size=3) | JSON},
        optional=dict.fromkeys(FIELDS, JSON),
    )
)
def test_nonsense_is_refused_or_passed_on_and_breaks_nothing(body: dict[str, Any]):
    list(GEMINI.provider_tools(body))
    try:
        request = GEMINI.read_request(body)
    except InvalidRequest:
        return
    for other in (GEMINI, OPENAI_CHAT, ANTHROPIC_MESSAGES):
        with suppress(InvalidRequest):
            other.write_request(request, model="gemini-3-pro")
