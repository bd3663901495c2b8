"""Embeddings, completions and single models, with the official SDKs over a provider that has them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import ModelInfo
from openai.types import Completion, CreateEmbeddingResponse, Model
from starlette.types import Receive, Scope, Send

from gateway.providers.scripted.serving import serve_app
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, audited, gateway_in_process

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
EMBEDDED: dict[str, Any] = {
    "object": "list",
    "model": "small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}
COMPLETED: dict[str, Any] = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": "small",
    "choices": [{"index": 0, "text": "ocean", "finish_reason": "stop", "logprobs": None}],
}


class Provider:
    """What an OpenAI-compatible host answers at the paths beside chat."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["method"] == "GET":
            sent, kind = json.dumps({"object": "list", "data": [{"id": "org/name"}]}).encode(), "application/json"
        else:
            fields = json.loads(body)
            self.asked.append((scope["path"], fields))
            sent, kind = answer_to(scope["path"], fields)
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": sent})


def answer_to(path: str, fields: dict[str, Any]) -> tuple[bytes, str]:
    if path.endswith("/embeddings"):
        return json.dumps(EMBEDDED).encode(), "application/json"
    if not fields.get("stream"):
        return json.dumps({**COMPLETED, "usage": USAGE}).encode(), "application/json"
    chunks = [COMPLETED, {**COMPLETED, "choices": [], "usage": USAGE}]
    frames = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*frames, "data: [DONE]\n\n"]).encode(), "text/event-stream"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider()


@pytest.fixture(scope="module")
async def gateway(provider: Provider) -> AsyncGenerator[InProcess]:
    async with serve_app(provider) as origin:
        document = {
            "providers": {
                "host": {"dialect": "openai_chat", "base_url": f"{origin}/v1"},
                "claude": {"dialect": "anthropic_messages", "base_url": f"{origin}/v1", "api_key": "k"},
            },
            "models": {
                "embedder": [{"provider": "host", "model": "small"}],
                "opus": [{"provider": "claude", "model": "claude-opus-9"}],
                "org/*": "host",
            },
            "keys": {"all": {"secret": SECRET}, "some": {"secret": OTHER_SECRET, "models": ["opus"]}},
        }
        with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
            async with gateway_in_process(Path(folder), document, {}) as running:
                yield running


async def test_embeddings_pass_and_are_recorded(gateway: InProcess, provider: Provider):
    async with gateway.client() as sdk:
        raw = await sdk.embeddings.with_raw_response.create(model="embedder", input="sea", encoding_format="float")
    assert CreateEmbeddingResponse.model_validate_json(raw.text).data[0].embedding == [0.5, -0.25]
    assert provider.asked[-1] == ("/v1/embeddings", {"model": "small", "input": "sea", "encoding_format": "float"})
    run, _ = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.dialect, run.outcome, run.model) == ("embeddings", "ok", "embedder")
    assert run.usage is not None
    assert run.usage.input_tokens == 7


async def test_completions_pass_whole_and_streamed(gateway: InProcess, provider: Provider):
    async with gateway.client() as sdk:
        whole = await sdk.completions.create(model="embedder", prompt="the", extra_body={"toolgate": {}})
        stream = await sdk.completions.create(model="embedder", prompt="the", stream=True)
        chunks = [chunk async for chunk in stream]
    assert Completion.model_validate(whole.to_dict()).choices[0].text == "ocean"
    assert [chunk.choices[0].text for chunk in chunks if chunk.choices] == ["ocean"]
    assert chunks[-1].usage is not None
    path, fields = provider.asked[-2]
    assert (path, fields) == ("/v1/completions", {"model": "small", "prompt": "the"})


async def test_providers_without_them_are_refused_by_field(gateway: InProcess, provider: Provider):
    asked = len(provider.asked)
    async with gateway.client() as sdk:
        for call in (
            sdk.embeddings.create(model="opus", input="sea"),
            sdk.completions.create(model="opus", prompt="the"),
        ):
            with pytest.raises(openai.BadRequestError) as caught:
                await call
            assert (caught.value.code, caught.value.param) == ("not_supported", "model")
    assert len(provider.asked) == asked


async def test_keys_and_their_models_hold_here_too(gateway: InProcess, provider: Provider):
    asked = len(provider.asked)
    async with gateway.client(OTHER_SECRET) as some, gateway.client("nobody's") as nobody:
        with pytest.raises(openai.NotFoundError):
            await some.embeddings.create(model="embedder", input="sea")
        with pytest.raises(openai.AuthenticationError):
            await nobody.completions.create(model="embedder", prompt="the")
    assert len(provider.asked) == asked


async def test_one_model_is_told_in_either_form(gateway: InProcess):
    async with gateway.client() as sdk:
        for name in ("embedder", "org/name"):
            model = Model.model_validate((await sdk.models.retrieve(name)).to_dict())
            assert (model.id, model.owned_by) == (name, "host")
    async with AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as claude:
        told = ModelInfo.model_validate((await claude.models.retrieve("opus")).to_dict())
    assert (told.id, told.display_name, told.lifecycle) == ("opus", "opus", "active")


async def test_what_is_not_there_and_what_is_not_theirs_answer_alike(gateway: InProcess):
    told: list[str] = []
    async with gateway.client(OTHER_SECRET) as sdk:
        for name in ("embedder", "absent", "org/name"):
            with pytest.raises(openai.NotFoundError) as caught:
                await sdk.models.retrieve(name)
            assert caught.value.code == "model_not_found"
            told.append(caught.value.message.replace(name, "NAME"))
    assert len(set(told)) == 1
    async with AsyncAnthropic(base_url=gateway.origin, api_key=OTHER_SECRET, max_retries=0) as claude:
        with pytest.raises(anthropic.NotFoundError):
            await claude.models.retrieve("absent")
