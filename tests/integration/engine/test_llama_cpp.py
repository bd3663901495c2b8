"""llama.cpp's server as a provider: a real engine's wire, limits and accounts, through the gateway and translated.

The model's weights are random: its text means nothing, and nothing here looks at what it says.
"""

from __future__ import annotations

import json
import re
from typing import Any

import anyio
import httpx2
import pytest
from anthropic import AsyncAnthropic

from tests.support.covering import ANTHROPIC_SDK, CHAT_SDK, LLAMA_CPP, PLAIN_HTTP, RESPONSES_SDK, Names, covers
from tests.support.gateways import SECRET, InProcess

from .conftest import CONTEXT, WITHOUT_TOOLS

TOKENS = 24
HELLO: list[Any] = [{"role": "user", "content": "Say something."}]
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}, "n": {"type": "integer", "enum": [1, 2, 3]}},
    "required": ["ok", "n"],
    "additionalProperties": False,
}
# On Responses the engine calls an answer complete that its limit has ended.
AT_THE_LIMIT = {
    "openai_chat": ("length", "max_tokens"),
    "anthropic_messages": ("length", "max_tokens"),
    "openai_responses": ("stop", "end_turn"),
}
KEYS = pytest.mark.parametrize("secret", [WITHOUT_TOOLS, SECRET], ids=["as it is", "with our tools"])


def proves(*features: str, client: Names) -> pytest.MarkDecorator:
    return covers(client, LLAMA_CPP, *features)


@proves("whole", "streamed", client=CHAT_SDK)
@KEYS
async def test_openais_sdk_gets_its_tokens_and_their_count(gateway: InProcess, api: str, secret: str):
    request: Any = {"model": api, "messages": HELLO, "max_tokens": TOKENS, "temperature": 0}
    async with gateway.client(secret) as sdk:
        whole = await sdk.chat.completions.create(**request)
        stream = await sdk.chat.completions.create(**request, stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in stream]
    assert whole.choices[0].finish_reason == AT_THE_LIMIT[api][0]
    assert whole.choices[0].message.content
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert len(chunks) > 2
    for usage in (whole.usage, chunks[-1].usage):
        assert usage is not None
        assert usage.completion_tokens == TOKENS
        assert usage.prompt_tokens > len(HELLO[0]["content"])
        assert usage.total_tokens == usage.prompt_tokens + TOKENS


@proves("whole", "streamed", client=ANTHROPIC_SDK)
@KEYS
async def test_anthropics_sdk_gets_its_tokens_and_their_count(gateway: InProcess, api: str, secret: str):
    request: Any = {"model": api, "messages": HELLO, "max_tokens": TOKENS}
    async with AsyncAnthropic(base_url=gateway.origin, api_key=secret, max_retries=0) as sdk:
        whole = await sdk.messages.create(**request)
        async with sdk.messages.stream(**request) as stream:
            pieces = [piece async for piece in stream.text_stream]
            streamed = await stream.get_final_message()
    assert len(pieces) > 2
    for message in (whole, streamed):
        assert message.stop_reason == AT_THE_LIMIT[api][1]
        assert message.content[0].text
        assert message.usage.output_tokens == TOKENS
        read = message.usage.cache_read_input_tokens or 0
        assert message.usage.input_tokens + read > len(HELLO[0]["content"])


@proves("whole", "streamed", client=RESPONSES_SDK)
@KEYS
async def test_openais_sdk_for_responses_gets_its_tokens_and_their_count(
    gateway: InProcess, api: str, secret: str
):
    request: Any = {"model": api, "input": HELLO, "max_output_tokens": TOKENS, "store": False}
    async with gateway.client(secret) as sdk:
        whole = await sdk.responses.create(**request)
        events = [event async for event in await sdk.responses.create(**request, stream=True)]
    ended = events[-1].response
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == ended.output_text
    for response in (whole, ended):
        assert response.output_text
        assert response.usage is not None
        assert response.usage.output_tokens == TOKENS
        assert response.usage.input_tokens > len(HELLO[0]["content"])


@proves("structured output", client=(CHAT_SDK, ANTHROPIC_SDK, RESPONSES_SDK))
async def test_a_schema_of_any_dialect_holds_because_the_engine_samples_by_grammar(gateway: InProcess):
    """Towards its Chat Completions, that is: on its other two APIs this engine leaves schemas unread."""
    of_chat: Any = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA, "strict": True}}
    form: Any = {"type": "json_schema", "schema": SCHEMA}
    async with gateway.client(WITHOUT_TOOLS) as sdk:
        chat = await sdk.chat.completions.create(
            model="openai_chat", messages=HELLO, max_tokens=400, response_format=of_chat
        )
        response = await sdk.responses.create(
            model="openai_chat", input=HELLO, store=False, text={"format": {"name": "verdict", **form}}
        )
    async with AsyncAnthropic(base_url=gateway.origin, api_key=WITHOUT_TOOLS, max_retries=0) as sdk:
        message = await sdk.messages.create(
            model="openai_chat", messages=HELLO, max_tokens=400, output_config={"format": form}
        )
    for text in (chat.choices[0].message.content, response.output_text, message.content[0].text):
        said = json.loads(text or "")
        assert set(said) == {"ok", "n"}
        assert said["n"] in (1, 2, 3)


@proves("errors", client=CHAT_SDK)
async def test_a_prompt_over_the_context_is_refused_in_the_engines_own_bytes(engine: str, gateway: InProcess):
    request = {"model": "openai_chat", "messages": [{"role": "user", "content": "x" * (CONTEXT + 1)}]}
    async with httpx2.AsyncClient() as http:
        own = await http.post(f"{engine}/v1/chat/completions", json={**request, "model": "tiny"})
    async with gateway.http(WITHOUT_TOOLS) as http:
        ours = await http.post("/v1/chat/completions", json=request)
    assert (own.status_code, own.json()["error"]["type"]) == (400, "exceed_context_size_error")
    assert (ours.status_code, ours.content) == (400, own.content)


@proves("errors", client=(CHAT_SDK, ANTHROPIC_SDK))
async def test_a_prompt_over_the_context_is_refused_in_the_clients_dialect(gateway: InProcess, api: str):
    request = {"model": api, "messages": [{"role": "user", "content": "x" * (CONTEXT + 1)}], "max_tokens": 10}
    async with gateway.http() as http:
        for path in ("/v1/chat/completions", "/v1/messages"):
            answer = await http.post(path, json=request)
            assert answer.status_code == 400
            assert "exceeds the available context size" in answer.json()["error"]["message"]


async def written(engine: str) -> int:
    """How many tokens the engine has written."""
    async with httpx2.AsyncClient() as http:
        told = (await http.get(f"{engine}/metrics")).text
    (count,) = re.findall(r"^llamacpp:tokens_predicted_total (\d+)", told, re.MULTILINE)
    return int(count)


async def is_idle(engine: str) -> bool:
    async with httpx2.AsyncClient() as http:
        return "llamacpp:requests_processing 0" in (await http.get(f"{engine}/metrics")).text


@proves("streamed", client=PLAIN_HTTP)
@KEYS
async def test_a_client_that_leaves_stops_the_engine(engine: str, gateway: InProcess, api: str, secret: str):
    before = await written(engine)
    request = {"model": api, "messages": HELLO, "max_tokens": CONTEXT // 2, "temperature": 0, "stream": True}
    async with (
        gateway.http(secret) as http,
        http.stream("POST", "/v1/chat/completions", json=request) as answer,
    ):
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        for _ in range(4):
            await anext(lines)
        assert not await is_idle(engine)
    with anyio.fail_after(60):
        while not await is_idle(engine):
            await anyio.sleep(0.02)
    assert await written(engine) - before < CONTEXT // 2
