"""Differences of OpenAI's imitators, and what is done about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from groq.types.chat.completion_create_params import CompletionCreateParams as GroqRequest
from mistralai.client.models import ChatCompletionRequest as MistralRequest
from pydantic import TypeAdapter, ValidationError

from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_chat.quirks import Quirk, adapted, short_id
from gateway.errors import InvalidRequest
from gateway.providers import KNOWN_PROVIDERS
from tests.support.forcing import read_to_the_bottom

LOOK: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
HEAR: dict[str, Any] = {"type": "function", "function": {"name": "hear", "parameters": {"type": "object"}}}
CALL: dict[str, Any] = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
THOUGHT: dict[str, Any] = {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [CALL]}
RESULT: dict[str, Any] = {"role": "tool", "tool_call_id": "call_1", "content": "blue"}
SILENT: dict[str, Any] = {"role": "assistant", "content": ""}
HELLO: dict[str, Any] = {"role": "user", "content": "hello"}
BODY: dict[str, Any] = {
    "model": "m",
    "messages": [
        HELLO,
        THOUGHT,
        RESULT,
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": ""},
    ],
    "tools": [LOOK, HEAR],
    "tool_choice": "required",
    "max_completion_tokens": 9,
    "seed": 3,
    "user": "u",
    "stream": True,
    "stream_options": {"include_usage": True},
}
MARKED = orjson.dumps(BODY)


def changed(*quirks: Quirk, **fields: Any) -> dict[str, Any]:
    """What differs from the request when a host has these quirks; None for a field that is gone."""
    body = {**BODY, **fields}
    written = adapted(dict(body), quirks)
    assert orjson.dumps(BODY) == MARKED, "a request is changed in a copy"
    names = body.keys() | written.keys()
    return {name: written.get(name) for name in names if written.get(name) != body.get(name)}


def messages(quirk: Quirk, *given: Any) -> list[Any]:
    return adapted({**BODY, "messages": list(given)}, [quirk])["messages"]


def test_without_quirks_nothing_changes():
    assert changed() == {}


def test_the_limit_has_the_name_that_the_host_knows():
    assert changed(Quirk.MAX_TOKENS) == {"max_completion_tokens": None, "max_tokens": 9}
    assert changed(Quirk.MAX_COMPLETION_TOKENS) == {}
    older = changed(Quirk.MAX_COMPLETION_TOKENS, max_tokens=5, max_completion_tokens=None)
    assert older == {"max_tokens": None, "max_completion_tokens": 5}


def test_names_and_words():
    assert changed(Quirk.RANDOM_SEED) == {"seed": None, "random_seed": 3}
    assert changed(Quirk.TOOL_CHOICE_ANY) == {"tool_choice": "any"}
    assert changed(Quirk.TOOL_CHOICE_ANY, tool_choice="auto") == {}
    assert changed(Quirk.NO_STREAM_OPTIONS) == {"stream_options": None}
    assert changed(Quirk.NO_USER) == {"user": None}
    assert changed(Quirk.STORE_FALSE) == {"store": False}


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_of_a_choice_among_some_tools_only_those_are_shown(mode: str):
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [HEAR]}}
    assert changed(Quirk.NO_ALLOWED_TOOLS, tool_choice=choice) == {"tools": [HEAR], "tool_choice": mode}
    forced = changed(Quirk.NO_ALLOWED_TOOLS, Quirk.TOOL_CHOICE_ANY, tool_choice=choice)
    assert forced["tool_choice"] == ("any" if mode == "required" else "auto")


REFUSED: list[tuple[Quirk, dict[str, Any], str]] = [
    (Quirk.NO_JSON_SCHEMA, {"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
    (Quirk.NO_REASONING_EFFORT, {"reasoning_effort": "low"}, "reasoning_effort"),
    (Quirk.STORE_FALSE, {"store": True}, "store"),
    (Quirk.PLAIN_CONTENT, {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
    (
        Quirk.NO_ALLOWED_TOOLS,
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
        "tool_choice",
    ),
]


@pytest.mark.parametrize(("quirk", "fields", "param"), REFUSED)
def test_what_a_host_cannot_be_told_is_refused_by_name(quirk: Quirk, fields: dict[str, Any], param: str):
    with pytest.raises(InvalidRequest) as refused:
        changed(quirk, **fields)
    assert (refused.value.param, refused.value.code) == (param, "not_translatable")


def test_what_such_a_host_can_be_told_is_left_alone():
    assert changed(Quirk.NO_JSON_SCHEMA, response_format={"type": "json_object"}) == {}
    assert changed(Quirk.NO_REASONING_EFFORT) == {}
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert messages(Quirk.PLAIN_CONTENT, {"role": "user", "content": parts}, HELLO) == [
        {"role": "user", "content": "a\n\nb"},
        HELLO,
    ]


def test_ids_are_short_and_the_same_everywhere():
    _, thought, result, *_ = messages(Quirk.SHORT_CALL_IDS, HELLO, THOUGHT, RESULT)
    assert re.fullmatch(r"[a-z0-9]{9}", result["tool_call_id"])
    assert thought["tool_calls"] == [{**CALL, "id": result["tool_call_id"]}]
    assert short_id("aB3dE6gH9") == "aB3dE6gH9"
    assert short_id("call_1") != short_id("call_2")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_go_back_in_the_hosts_own_way(name: str):
    said = {"role": "assistant", "content": "Blue.", name: "Hm."}
    bare: dict[str, Any] = {"role": "assistant", "content": "Blue."}
    (as_reasoning,) = messages(Quirk.REASONING, said)
    assert as_reasoning == {**bare, "reasoning": "Hm."}
    assert messages(Quirk.NO_REASONING, said) == [bare]
    (chunked,) = messages(Quirk.THINKING_CHUNKS, said)
    chunk = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    assert chunked == {"role": "assistant", "content": [chunk, {"type": "text", "text": "Blue."}]}
    assert OPENAI_CHAT.read_request({**BODY, "messages": [chunked]}).messages[0].text == "Blue."


def test_a_turn_with_calls_has_its_thoughts_even_empty():
    silent = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    said: dict[str, Any] = {"role": "assistant", "content": "Blue."}
    other = {**silent, "reasoning": "Hm."}
    assert messages(Quirk.REASONING_CONTENT, HELLO, THOUGHT, silent, said, other) == [
        HELLO,
        THOUGHT,
        {**silent, "reasoning_content": ""},
        said,
        {**silent, "reasoning_content": "Hm."},
    ]


def test_between_results_and_the_user_the_assistant_speaks():
    silent = {"role": "assistant", "content": "(no text)"}
    assert messages(Quirk.NO_USER_AFTER_TOOL, *BODY["messages"]) == [
        HELLO,
        THOUGHT,
        RESULT,
        silent,
        {"role": "user", "content": "and?"},
        silent,
    ]


def check_groq(body: Mapping[str, Any]) -> None:
    """Validate to the bottom: what the SDK declares as `Iterable` is checked only as far as somebody reads."""
    read_to_the_bottom(TypeAdapter(GroqRequest).validate_python(body))


ASKED: dict[str, Any] = {
    "model": "claude",
    "max_tokens": 9,
    "system": "be brief",
    "messages": [
        HELLO,
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "blue"},
                {"type": "text", "text": "and?"},
            ],
        },
    ],
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any"},
    "stream": True,
    "metadata": {"user_id": "u"},
}
"""A request of a client of Anthropic's."""


def translated(host: str) -> dict[str, Any]:
    body = OPENAI_CHAT.write_request(ANTHROPIC_MESSAGES.read_request(ASKED), model="m")
    return adapted(body, KNOWN_PROVIDERS[host].quirks)


def test_mistrals_own_types_take_what_is_sent_to_mistral():
    body = translated("mistral")
    MistralRequest.model_validate(body)
    assert body.keys() <= MistralRequest.model_fields.keys(), "it refuses fields that it does not know"
    assert [message["role"] for message in body["messages"]] == [
        *("system", "user", "assistant", "tool", "assistant", "user")
    ]
    assert (body["tool_choice"], body["max_tokens"]) == ("any", 9)


def test_groqs_own_types_take_what_is_sent_to_groq():
    body = translated("groq")
    check_groq(body)
    with pytest.raises(ValidationError):
        check_groq({**body, "messages": [{"role": "nobody", "content": "x"}]})
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [LOOK]}}
    check_groq(adapted({**BODY, "tool_choice": choice}, KNOWN_PROVIDERS["groq"].quirks))


def test_the_table_says_what_is_done_for_the_hosts_that_differ_most():
    names = ("deepseek", "openai", "xai", "publicai", "chutes")
    known = {name: set(KNOWN_PROVIDERS[name].quirks) for name in names}
    assert known == {
        "deepseek": {"reasoning_content", "no_json_schema"},
        "openai": {"max_completion_tokens"},
        "xai": {"no_allowed_tools"},
        "publicai": {"max_tokens", "plain_content"},
        "chutes": {"max_tokens"},
    }
