"""The table of tool types against the vendors' SDKs: a new version with a new type makes this fail."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types import ServerToolUseBlock, ToolUnionParam
from anthropic.types.beta import BetaServerToolUseBlock, BetaToolUnionParam
from openai.types.chat import ChatCompletionToolUnionParam
from openai.types.responses import ToolParam

from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.bedrock_converse import BEDROCK_CONVERSE
from gateway.dialects.gemini import GEMINI
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.dialects.tool_types import ANTHROPIC, OPENAI, ToolTypes

WHAT_TO_DO = (
    "{sdk} {version} has the tool type {kind!r}, which gateway/dialects/tool_types.py does not know. Find out who "
    "runs it, the client or the provider, and add its name {name!r} to that side of the table {table}."
)


def members(union: Any) -> Iterator[type]:
    """The types of a union, without what annotates them."""
    origin = typing.get_origin(union)
    if origin is typing.Annotated:
        yield from members(typing.get_args(union)[0])
    elif origin in (typing.Union, types.UnionType):
        for member in typing.get_args(union):
            yield from members(member)
    else:
        yield union


def literals(annotation: Any) -> Iterator[str]:
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
    else:
        for argument in typing.get_args(annotation):
            yield from literals(argument)


def kinds(union: Any) -> set[str]:
    """What a tool of this union can have as its `type`."""
    found: set[str] = set()
    for member in members(union):
        named = set(literals(typing.get_type_hints(member, include_extras=True)["type"]))
        assert named, f"{member} names no type"
        found |= named
    return found


@pytest.mark.parametrize(
    ("sdk", "table", "label", "unions"),
    [
        (openai, OPENAI, "OPENAI", (ToolParam, ChatCompletionToolUnionParam)),
        (anthropic, ANTHROPIC, "ANTHROPIC", (BetaToolUnionParam, ToolUnionParam)),
    ],
)
def test_every_type_of_the_installed_sdk_is_known(sdk: Any, table: ToolTypes, label: str, unions: tuple[Any, ...]):
    found = set[str]().union(*map(kinds, unions))
    assert len(found) > 10
    for kind in found:
        name = table.name_of(kind)
        known = table.clients | table.providers
        told = WHAT_TO_DO.format(sdk=sdk.__name__, version=sdk.__version__, kind=kind, name=name, table=label)
        assert name in known, told


def test_a_type_is_on_one_side_only():
    for table in (OPENAI, ANTHROPIC):
        assert not table.clients & table.providers
        assert {table.name_of(name) for name in table.clients | table.providers} <= table.clients | table.providers


@pytest.mark.parametrize("block", [ServerToolUseBlock, BetaServerToolUseBlock])
def test_what_anthropic_says_it_runs_is_not_taken_for_the_clients(block: Any):
    run = set(literals(block.model_fields["name"].annotation))
    assert {"web_search", "code_execution"} <= run
    assert not run & ANTHROPIC.clients


def judged(dialect: Any, **body: Any) -> list[tuple[str, str, bool]]:
    return [tuple(tool) for tool in dialect.provider_tools(body)]


def test_versions_do_not_matter():
    kinds = ("web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11")
    found = judged(OPENAI_CHAT, tools=[{"type": kind} for kind in kinds])
    assert [name for _, name, _ in found] == ["web_search"] * 4
    assert judged(ANTHROPIC_MESSAGES, tools=[{"type": "web_search_20991231"}]) == [
        ("tools[0]", "web_search", True)
    ]
    assert judged(OPENAI_CHAT, tools=[{"type": "computer"}, {"type": "computer_use_preview"}]) == [
        ("tools[0]", "computer_use", True),
        ("tools[1]", "computer_use", True),
    ]


def test_of_tools_that_either_side_can_run_the_clients_own_pass():
    tools = [
        {"type": "shell", "environment": {"type": "local"}},
        {"type": "tool_search", "execution": "client"},
        {"type": "shell", "environment": {"type": "container_auto"}},
        {"type": "tool_search"},
    ]
    assert judged(OPENAI_CHAT, tools=tools) == [("tools[2]", "shell", True), ("tools[3]", "tool_search", True)]


def test_a_namespace_hides_nothing():
    namespace = {"type": "namespace", "tools": [{"type": "function"}, {"type": "web_search"}, {"type": "odd"}]}
    assert judged(OPENAI_CHAT, tools=[namespace]) == [
        ("tools[0].tools[1]", "web_search", True),
        ("tools[0].tools[2]", "odd", False),
    ]


def test_anthropics_client_run_types_pass():
    kinds = ["custom", "bash_20250124", "text_editor_20250728", "computer_20251124", "memory_20250818"]
    tools = [{"type": kind} for kind in [*kinds, "computer_toolset_20260801", "browser_toolset_20260801"]]
    assert judged(ANTHROPIC_MESSAGES, tools=tools) == []


ON: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"tools": [{"googleSearch": ON}]}, ("tools[0].googleSearch", "google_search", True)),
        (
            {"tools": [{"type": "function", "function": ON, "code_execution": ON}]},
            ("tools[0].code_execution", "code_execution", True),
        ),
        ({"tools": [{"web": ON}]}, ("tools[0]", "web", False)),
        ({"tools": [{"type": "function", "Type": "web_search"}]}, ("tools[0].Type", "Type", False)),
        ({"Tools": [{"type": "web_search"}]}, ("Tools", "Tools", False)),
        ({"tool\u017f": [{"type": "web_search"}]}, ("tool\u017f", "tool\u017f", False)),
        ({"search_parameters": {"mode": "on"}}, ("search_parameters", "web_search", True)),
        ({"web_search_options": ON}, ("web_search_options", "web_search", True)),
        ({"enable_search": True}, ("enable_search", "web_search", True)),
        ({"data_sources": [ON]}, ("data_sources", "file_search", True)),
        ({"models": ["other"]}, ("models", "fallbacks", True)),
    ],
)
def test_what_compatible_hosts_would_run_is_found_wherever_it_stands(
    fields: dict[str, Any], found: tuple[str, str, bool]
):
    assert found in judged(OPENAI_CHAT, **fields)


def test_a_function_without_a_type_and_a_search_that_is_off_are_nobodys_but_the_clients():
    assert judged(OPENAI_CHAT, tools=[{"function": {"name": "f"}}], enable_search=False, models=[]) == []


BUCKET = {"source": {"s3Location": {"uri": "s3://b/x"}}}
FILE_OF_GOOGLE = "https://generativelanguage.googleapis.com/v1beta/files/x"


@pytest.mark.parametrize(
    ("dialect", "fields", "param"),
    [
        (OPENAI_CHAT, {"messages": [{"content": [{"type": "file", "file": {"file_id": "f"}}]}]}, "messages[0]"),
        (OPENAI_CHAT, {"messages": [{"content": [{"image_url": {"url": "gs://b/x"}}]}]}, "messages[0]"),
        (OPENAI_CHAT, {"messages": [{"content": [{"image_url": {"url": " " * 16 + "gs://b/x"}}]}]}, "messages[0]"),
        (OPENAI_RESPONSES, {"input": [{"content": [{"type": "input_image", "file_id": "f"}]}]}, "input[0]"),
        (OPENAI_RESPONSES, {"tools": [{"type": "x", "container": {"file_ids": ["f"]}}]}, "tools[0]"),
        (
            ANTHROPIC_MESSAGES,
            {"messages": [{"content": [{"source": {"type": "file", "file_id": "f"}}]}]},
            "messages[0]",
        ),
        (
            ANTHROPIC_MESSAGES,
            {"messages": [{"content": [{"type": "container_upload", "file_id": "f"}]}]},
            "messages[0]",
        ),
        (GEMINI, {"contents": {"parts": {"fileData": {"fileUri": "gs://b/x"}}}}, "contents"),
        (GEMINI, {"contents": [{"parts": [{"file_data": {"file_uri": FILE_OF_GOOGLE}}]}]}, "contents[0]"),
        (BEDROCK_CONVERSE, {"messages": [{"content": [{"image": BUCKET}]}]}, "messages[0]"),
    ],
)
def test_files_at_the_provider_which_all_keys_share_are_found(dialect: Any, fields: dict[str, Any], param: str):
    assert (param, "files", True) in judged(dialect, **fields)


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (ANTHROPIC_MESSAGES, {"messages": [{"content": [{"type": "tool_use", "input": {"file_id": "mine"}}]}]}),
        (GEMINI, {"contents": [{"parts": [{"functionCall": {"args": {"fileUri": "gs://mine"}}}]}]}),
        (GEMINI, {"contents": [{"parts": [{"fileData": {"fileUri": "https://youtu.be/x"}}]}]}),
        (
            OPENAI_RESPONSES,
            {"input": [{"content": [{"annotations": [{"type": "file_citation", "file_id": "f"}]}]}]},
        ),
        (
            ANTHROPIC_MESSAGES,
            {"messages": [{"content": [{"content": [{"type": "code_execution_output", "file_id": "f"}]}]}]},
        ),
    ],
)
def test_a_tools_own_data_and_what_is_cited_refer_to_no_file(dialect: Any, fields: dict[str, Any]):
    assert judged(dialect, **fields) == []


def test_containers_of_the_providers_are_found():
    assert judged(ANTHROPIC_MESSAGES, container="container_x") == [("container", "container", True)]
    tools = [{"type": "code_interpreter", "container": "cntr_x"}]
    assert ("tools[0]", "container", True) in judged(OPENAI_RESPONSES, tools=tools)


def test_in_one_entry_of_amazons_list_nothing_hides_behind_a_function():
    entry = {"toolSpec": {"name": "f"}, "systemTool": {"name": "nova_grounding"}}
    assert judged(BEDROCK_CONVERSE, toolConfig={"tools": [entry]}) == [
        ("toolConfig.tools[0]", "nova_grounding", True)
    ]
    beside: dict[str, Any] = {"tools": [{"type": "web_search_20250305"}], "container": {"skills": []}}
    assert [name for _, name, _ in judged(BEDROCK_CONVERSE, additionalModelRequestFields=beside)] == [
        "web_search",
        "container",
    ]


def test_a_cached_content_is_found_under_either_spelling():
    assert judged(GEMINI, cachedContent="", cached_content="x") == [("cachedContent", "cached_content", True)]
