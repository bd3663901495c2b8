"""Files at a provider's account, which all keys share: nobody reaches them by their ids, in any dialect."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.dialects.file_references import file_references, may_refer
from gateway.providers.scripted.serving import serve_app
from tests.support.gateways import InProcess, gateway_in_process
from tests.support.media import MediaHost

SECRET = "trusted-secret-0123456789"
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
MESSAGES, COUNT = "/v1/messages", "/v1/messages/count_tokens"
GEMINI = "/v1beta/models/gem:generateContent"
SCHEMA = {"type": "object", "properties": {"file_id": {"type": "string"}}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def host() -> MediaHost:
    return MediaHost()


@pytest.fixture(scope="module")
async def gateway(host: MediaHost) -> AsyncGenerator[InProcess]:
    async with serve_app(host) as origin:
        dialects = {
            "gpt": "openai_chat",
            "resp": "openai_responses",
            "opus": "anthropic_messages",
            "gem": "gemini",
        }
        document = {
            "providers": {
                name: {"dialect": dialect, "base_url": f"{origin}/v1"} for name, dialect in dialects.items()
            },
            "models": {name: [{"provider": name, "model": name}] for name in dialects},
            "keys": {"trusted": {"secret": SECRET, "policies": ["all"], "tools": "off", "unknown_tools": "pass"}},
        }
        policies = {"all": {"allow": ["provider/*"]}}
        with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
            async with gateway_in_process(Path(folder), document, policies) as running:
                yield running


def says(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "gpt", "messages": [{"role": "user", "content": content}], **more}


def asks(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "resp", "input": [{"role": "user", "content": content}], **more}


def tells(content: Any, **more: Any) -> dict[str, Any]:
    message = {"role": "user", "content": content}
    return {"model": "opus", "max_tokens": 9, "messages": [message], **more}


def gem(part: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [part]}]}


OF_OTHERS: list[tuple[str, Any]] = [
    (CHAT, says([{"type": "file", "file": {"file_id": "file-1"}}])),
    (RESPONSES, asks([{"type": "input_file", "file_id": "file-1"}])),
    (RESPONSES, asks([{"type": "input_image", "file_id": "file-1"}])),
    (RESPONSES, {"model": "resp", "input": [{"type": "computer_call_output", "output": {"file_id": "file-1"}}]}),
    (RESPONSES, asks("x", tools=[{"type": "code_interpreter", "container": {"file_ids": ["file-1"]}}])),
    (RESPONSES, asks("x", tools=[{"type": "image_generation", "input_image_mask": {"file_id": "file-1"}}])),
    (MESSAGES, tells([{"type": "document", "source": {"type": "file", "file_id": "file_1"}}])),
    (MESSAGES, tells([{"type": "container_upload", "file_id": "file_1"}])),
    (COUNT, tells([{"type": "image", "source": {"type": "file", "file_id": "file_1"}}])),
    (GEMINI, gem({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}})),
    (GEMINI, gem({"file_data": {"file_uri": "files/abc"}})),
]


@pytest.mark.parametrize(("path", "body"), OF_OTHERS)
async def test_a_file_by_its_id_is_refused_before_the_provider_is_asked(
    gateway: InProcess, host: MediaHost, path: str, body: dict[str, Any]
):
    begun = len(host.asked)
    async with gateway.http(SECRET) as http:
        refused = await http.post(path, json=body)
        escaped = json.dumps(body).replace("file_id", "file\\u005fid").replace("fileUri", "\\u0066ileUri")
        hidden = await http.post(path, content=escaped, headers={"content-type": "application/json"})
    assert (refused.status_code, hidden.status_code) == (404, 404), refused.text
    assert "there is no file with this id" in refused.text
    assert len(host.asked) == begun


async def test_the_sdk_is_told_as_of_anything_that_is_missing(gateway: InProcess):
    async with gateway.client(SECRET) as sdk:
        with pytest.raises(openai.NotFoundError) as caught:
            await sdk.responses.create(**asks([{"type": "input_file", "file_id": "file-1"}]))
    assert (caught.value.code, caught.value.param) == ("not_found", "file_id")


PASSES: list[tuple[str, dict[str, Any]]] = [
    (CHAT, says('what is a "file_id"?')),
    (CHAT, says("x", metadata={"file_id": "ours"})),
    (CHAT, says("x", tools=[{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}])),
    (MESSAGES, tells("x", tools=[{"name": "f", "input_schema": SCHEMA}])),
    (MESSAGES, tells([{"type": "tool_use", "id": "t", "name": "f", "input": {"file_id": "ours"}}])),
    (MESSAGES, tells([{"type": "code_execution_output", "file_id": "file_made"}])),
    (RESPONSES, asks([{"type": "output_text", "text": "x", "annotations": [{"file_id": "file-cited"}]}])),
    (GEMINI, gem({"functionCall": {"name": "f", "args": {"file_id": "ours"}}})),
    (GEMINI, gem({"fileData": {"fileUri": "https://youtu.be/abc", "mimeType": "video/mp4"}})),
]


@pytest.mark.parametrize(("path", "body"), PASSES)
async def test_what_only_looks_like_it_passes(
    gateway: InProcess, host: MediaHost, path: str, body: dict[str, Any]
):
    async with gateway.http(SECRET) as http:
        passed = await http.post(path, json=body)
    assert passed.status_code == 200, passed.text
    assert host.asked[-1].fields == body


async def test_a_repeated_field_cannot_carry_one_past(gateway: InProcess, host: MediaHost):
    foreign = '{"type": "file", "file": {"file_id": "file-1"}}'
    body = f'{{"model": "gpt", "messages": [{foreign}], "messages": [{{"role": "user", "content": "x"}}]}}'
    async with gateway.http(SECRET) as http:
        passed = await http.post(CHAT, content=body, headers={"content-type": "application/json"})
    assert passed.status_code == 200
    assert host.asked[-1].fields == says("x")
    assert host.asked[-1].raw.count(b"file-1") == 0


def test_deep_and_odd_values_are_walked():
    deep: Any = {"file_id": "deep"}
    for _ in range(5000):
        deep = [deep]
    assert list(file_references({"input": deep, "file_ids": "top", "x": {"file_ids": ["a", 1, None]}})) == [
        "a",
        "deep",
    ]
    assert list(file_references({"x": {"file_id": None, "file_uri": 3, "fileUri": "gs://b/files/x"}})) == []
    assert not may_refer(b'{"text": "a file_id and \\u00e9"}')
