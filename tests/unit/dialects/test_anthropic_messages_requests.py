"""Anthropic Messages requests, read and written."""

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
    Reasoning,
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
from gateway.errors import InvalidRequest

TOOL = {"name": "look", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}, "strict": True}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "EqQB/+=="}
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
    {
        "role": "assistant",
        "content": [
            THOUGHT,
            {"type": "redacted_thinking", "data": "opaque"},
            {"type": "text", "text": "I look.", "citations": None},
            {
                "type": "tool_use",
                "id": "t1",
                "name": "look",
                "input": {"b": 1, "a": 2.0},
                "caller": {"type": "direct"},
            },
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "is_error": True,
                "content": [
                    {"type": "text", "text": "broken"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
                ],
            },
            {"type": "text", "text": "and now?"},
            {"type": "document", "source": {"type": "file", "file_id": "f1"}},
        ],
    },
    {"role": "system", "content": "by the way"},
]
REQUEST: dict[str, Any] = {
    "model": "claude",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
    "messages": HISTORY,
    "tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "thinking": {"type": "adaptive", "display": "updates"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["END"],
    "stream": True,
    "something_new": {"a": [1, None]},
}


def request(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **fields}


def read(**fields: Any):
    return ANTHROPIC_MESSAGES.read_request(request(**fields))


def write(given_request: Any) -> dict[str, Any]:
    return ANTHROPIC_MESSAGES.write_request(given_request, model="m")


def to_chat(**fields: Any) -> dict[str, Any]:
    return OPENAI_CHAT.write_request(read(**fields), model="gpt")


def test_a_request_is_written_as_it_came():
    written = ANTHROPIC_MESSAGES.write_request(ANTHROPIC_MESSAGES.read_request(REQUEST), model="claude")
    assert orjson.dumps(written, option=orjson.OPT_SORT_KEYS) == orjson.dumps(REQUEST, option=orjson.OPT_SORT_KEYS)


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KINDS = ("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "odd")
BLOCK = st.dictionaries(
    st.sampled_from(["thinking", "data", "source", "content", "odd"]), JSON, max_size=3
).flatmap(
    lambda rest: st.sampled_from(KINDS).map(
        lambda kind: {**rest, "type": kind, "text": "t", "id": "i", "tool_use_id": "i", "signature": "s"}
    )
)
MESSAGE = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["user", "assistant", "system"]),
    st.text(max_size=3) | st.lists(BLOCK, max_size=3),
)


@given(
    st.lists(MESSAGE, min_size=1, max_size=4), st.dictionaries(st.text(min_size=1, max_size=4), JSON, max_size=3)
)
def test_whatever_a_request_holds_it_is_written_as_it_came_and_survives_being_kept(
    messages: list[Any], odd: dict[str, Any]
):
    body = request(messages=messages, **{f"x_{name}": value for name, value in odd.items()})
    given_request = ANTHROPIC_MESSAGES.read_request(body)
    assert write(given_request) == body
    kept = load_messages(dump_messages(given_request.messages))
    assert write(replace(given_request, messages=kept)) == body


@given(st.lists(MESSAGE, min_size=1, max_size=4))
def test_any_history_is_said_in_openais_words_or_refused_by_name(messages: list[Any]):
    refusal: InvalidRequest | None = None
    try:
        written = to_chat(messages=[{"role": "user", "content": "hi"}, *messages])
    except InvalidRequest as error:
        refusal = error
    else:
        orjson.dumps(written)
        OPENAI_CHAT.read_request(written)
    assert refusal is None or (refusal.code, refusal.param) == ("not_translatable", "messages")


def test_the_vocabulary_is_read():
    given_request = ANTHROPIC_MESSAGES.read_request(REQUEST)
    system, user, assistant, results, late = given_request.messages
    assert (system.role, system.text, user.text, late.role) == ("system", "be brief", "hi", "system")
    assert assistant.parts == (
        Reasoning("hm", "EqQB/+==", "thinking"),
        Reasoning("", "opaque", "redacted_thinking"),
        Text("I look."),
        ToolCall("t1", "look", '{"b":1,"a":2.0}'),
    )
    broken = (Text("broken"), Media("image", "image/png", data="AA=="))
    assert results.parts[:2] == (ToolResult("t1", broken, is_error=True), Text("and now?"))
    assert isinstance(results.parts[2], UnknownPart)
    assert given_request.tools[0].is_function
    assert not given_request.tools[1].is_function
    assert given_request.tool_choice is not None
    assert given_request.tool_choice.mode == "required"
    assert given_request.parallel_calls is False
    assert (given_request.user, given_request.stop, given_request.max_tokens) == ("u", ("END",), 100)
    assert given_request.native == ("something_new",)


def test_what_is_left_of_a_forced_choice_still_forbids_calls_at_once():
    choice = read(tool_choice={"type": "any", "disable_parallel_tool_use": True}).tool_choice
    assert choice is not None
    written = write(replace(read(tools=[TOOL]), tool_choice=choice.afterwards))
    assert written["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("choice", "chat"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "look"}, {"type": "function", "function": {"name": "look"}}),
    ],
)
def test_every_choice_has_its_word_in_both_dialects(choice: Any, chat: Any):
    plain = {key: value for key, value in TOOL.items() if key in ("name", "input_schema")}
    written = to_chat(tools=[plain], tool_choice=choice)
    assert written["tool_choice"] == chat
    back = ANTHROPIC_MESSAGES.write_request(OPENAI_CHAT.read_request(written), model="m")
    assert back["tool_choice"] == choice
    assert back["tools"] == [plain]


def test_results_of_ours_and_of_the_clients_stand_in_one_message():
    calls = (ToolCall("c1", "ours", "{}"), ToolCall("c2", "theirs", "{}"))
    client = read(
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c2", "content": "b", "x": 1}]},
        ]
    )
    asked, answered = client.messages
    added = (Message("assistant", calls), Message("tool", (ToolResult("c1", (Text("a"),)),)))
    sent = write(replace(client, messages=(asked, *added, answered)))["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "a"},
        {"type": "tool_result", "tool_use_id": "c2", "content": "b", "x": 1},
    ]
    assert "x" not in json.dumps(sent[1])
    assert answered.source is not None
    assert len(answered.source.raw["content"]) == 1, "what came is not changed"


def test_thoughts_that_no_provider_can_check_go_no_further():
    unproven = {"type": "thinking", "thinking": "x", "signature": "toolgate:unproven"}
    said = {"role": "assistant", "content": [unproven, THOUGHT, {"type": "text", "text": "a"}]}
    given_request = read(messages=[said])
    assert write(given_request)["messages"] == [{"role": "assistant", "content": said["content"][1:]}]
    assert given_request.messages[0].parts[0] == Reasoning("x")
    assert OPENAI_CHAT.write_request(given_request, model="m")["messages"] == [
        {"role": "assistant", "content": "a", "reasoning_content": "x"}
    ]


def test_claude_code_like_requests_reach_other_models():
    body = REQUEST | {"tools": [TOOL], "messages": HISTORY[:2], "something_new": None}
    body["system"] = [{"type": "text", "text": "x-anthropic-billing-header: cc_version=1"}, *REQUEST["system"]]
    given_request = ANTHROPIC_MESSAGES.read_request(body)
    written = OPENAI_CHAT.write_request(given_request, model="gpt")
    assert written["messages"][0] == {"role": "system", "content": "be brief"}
    assert (written["stop"], written["user"], written["parallel_tool_calls"]) == (["END"], "u", False)
    assert written["max_completion_tokens"] == 100
    assert "EqQB" not in json.dumps(written)
    assert ANTHROPIC_MESSAGES.write_request(given_request, model="claude")["system"] == body["system"]


def test_an_error_of_a_clients_tool_and_its_images_reach_other_models():
    written = to_chat(messages=[HISTORY[2] | {"content": HISTORY[2]["content"][:2]}])["messages"]
    assert written[0]["role"] == "tool"
    assert written[0]["content"].startswith("Error: broken\n[image 1 follows")
    assert written[1] == {"role": "user", "content": "and now?"}
    assert written[2]["content"][-1]["image_url"]["url"] == "data:image/png;base64,AA=="


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"output_config": {"effort": "xhigh"}}, "xhigh"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 60000}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}}, None),
    ],
)
def test_how_hard_to_think_is_carried_over(fields: dict[str, Any], effort: str | None):
    assert to_chat(**fields).get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("model", "most"),
    [("claude-3-haiku-20240307", 4096), ("x/claude-3-5-sonnet", 8192), ("claude-opus-9", 32_000)],
)
def test_a_client_that_sets_no_limit_gets_what_the_model_can_write(model: str, most: int):
    given_request = OPENAI_CHAT.read_request({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    assert ANTHROPIC_MESSAGES.write_request(given_request, model=model)["max_tokens"] == most


def test_a_closing_choice_and_new_tools_are_written():
    changed = replace(
        read(tools=[TOOL]), tool_choice=ToolChoice("none"), tools=(ToolDefinition("f", "d", {"properties": {}}),)
    )
    written = write(changed)
    assert written["tool_choice"] == {"type": "none"}
    assert written["tools"] == [
        {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {}}}
    ]


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (Media("audio", "audio/wav", data="AA=="), "audio/wav"),
        (Media("file", "application/zip", data="AA=="), "application/zip"),
        (Media("file", "text/plain", data="not base64"), "text/plain"),
        (Media("image", "image/tiff", data="AA=="), "image/tiff"),
    ],
)
def test_media_that_have_no_block_are_refused_from_clients_and_named_in_results(part: Media, told: str):
    given_request = read()
    with pytest.raises(InvalidRequest, match=told):
        write(replace(given_request, messages=(Message("user", (part,)),)))
    shown = write(replace(given_request, messages=(Message("tool", (ToolResult("c", (part,)),)),)))
    assert told in shown["messages"][0]["content"][0]["content"]


def test_a_document_at_an_address_is_not_left_out_in_silence():
    document = {"type": "document", "source": {"type": "url", "url": "https://documents.example/a.pdf"}}
    with pytest.raises(InvalidRequest, match="file"):
        to_chat(messages=[{"role": "user", "content": [document]}])


def test_strict_tools_stay_strict():
    strict = {key: value for key, value in TOOL.items() if key != "cache_control"}
    written = to_chat(tools=[strict])
    assert written["tools"][0]["function"]["strict"] is True
    back = ANTHROPIC_MESSAGES.write_request(OPENAI_CHAT.read_request(written), model="m")
    assert back["tools"] == [strict]


def test_provider_run_tools_are_named_without_their_dates():
    body = {
        "tools": [TOOL, {"type": "web_fetch_20260209", "name": "web_fetch"}, {"type": "bash_20250124"}, 5],
        "mcp_servers": [{}],
    }
    assert list(ANTHROPIC_MESSAGES.provider_tools(body)) == [
        ("tools[1]", "web_fetch", True),
        ("mcp_servers[0]", "mcp", True),
    ]
    assert list(ANTHROPIC_MESSAGES.provider_tools({"tools": "x", "mcp_servers": 5})) == []
