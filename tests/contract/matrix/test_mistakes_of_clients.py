"""What cannot be served is refused in the client's own form before a provider is asked, on every surface."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.support.covering import CHAT, COHERE, CONVERSE, GEMINI, MESSAGES, OLLAMA, RESPONSES
from tests.support.gateways import SECRET, InProcess

from .conftest import MODELS, NARROW
from .surfaces import SURFACES

PLAIN = "plain-secret-0123456789"
KEYS = pytest.mark.parametrize("secret", [SECRET, PLAIN], ids=["with tools", "without"])
SURFACE = pytest.mark.parametrize("surface", list(SURFACES))
LARGE = 2048 * 1024  # bytes; more than the gateway of these tests takes


async def refusal(
    gateway: InProcess, surface: str, path: str, body: bytes, secret: str = SECRET
) -> tuple[int, str]:
    """The status, and the message where the surface's own form has it."""
    async with gateway.http(secret) as client:
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})
    return answer.status_code, SURFACES[surface].message_of(answer.json())


async def refused(
    gateway: InProcess, surface: str, model: str, secret: str = SECRET, **more: Any
) -> tuple[int, str]:
    path, body = SURFACES[surface].request(model, **more)
    return await refusal(gateway, surface, path, json.dumps(body).encode(), secret)


@KEYS
@SURFACE
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"model": NaN}'])
async def test_what_is_no_json_object(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, secret: str, body: bytes
):
    path, _ = SURFACES[surface].request(CHAT)
    status, message = await refusal(gateway, surface, path, body, secret)
    assert status == 400
    assert "JSON" in message or message == "the request's body is empty"
    assert upstream.requests == []


@SURFACE
@pytest.mark.parametrize("value", [7, None, True, [7], [[]]], ids=str)
async def test_a_conversation_of_the_wrong_type(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, value: Any
):
    asked = SURFACES[surface]
    status, message = await refused(gateway, surface, CHAT, **{asked.conversation: value})
    assert status == 400
    assert asked.conversation in message
    assert upstream.requests == []


@KEYS
@SURFACE
async def test_a_model_that_is_not_there(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, secret: str
):
    status, message = await refused(gateway, surface, "no-such-model", secret)
    assert status == 404
    assert "no-such-model" in message
    assert upstream.requests == []


@SURFACE
async def test_a_model_that_the_key_may_not_use_is_answered_like_one_that_is_not_there(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str
):
    hidden = await refused(gateway, surface, MESSAGES, NARROW)
    missing = await refused(gateway, surface, "no-such-model", NARROW)
    assert hidden == (missing[0], missing[1].replace("no-such-model", MESSAGES))
    assert upstream.requests == []


@KEYS
@SURFACE
async def test_a_body_over_the_limit(gateway: InProcess, upstream: ScriptedUpstream, surface: str, secret: str):
    path, _ = SURFACES[surface].request(CHAT)
    status, message = await refusal(gateway, surface, path, b" " * LARGE, secret)
    assert status == 413
    assert "bytes" in message
    assert upstream.requests == []


SEVERAL = {CHAT: {"n": 2}, GEMINI: {"generationConfig": {"candidateCount": 2}}}
PROBABLE = {
    CHAT: {"logprobs": True, "top_logprobs": 2},
    RESPONSES: {"top_logprobs": 2},
    GEMINI: {"generationConfig": {"responseLogprobs": True, "logprobs": 2}},
}
BY_URL = {
    CHAT: [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}],
    RESPONSES: [{"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"}],
    MESSAGES: [{"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}],
    COHERE: [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}],
}


def elsewhere(asked: dict[str, Any], able: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each surface that can ask for something, with each provider that cannot do it."""
    return [(surface, provider) for surface in asked for provider in MODELS if provider not in (surface, *able)]


@KEYS
@pytest.mark.parametrize(("surface", "provider"), elsewhere(SEVERAL, (CHAT, GEMINI)))
async def test_several_answers_from_a_provider_that_gives_one(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, provider: str, secret: str
):
    status, message = await refused(gateway, surface, provider, secret, **SEVERAL[surface])
    assert status == 400
    assert any(name in message for name in ("n must be 1", "candidateCount"))
    assert upstream.requests == []


@pytest.mark.parametrize(("surface", "provider"), elsewhere(PROBABLE, ()))
async def test_probabilities_of_tokens_from_a_provider_of_another_form(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, provider: str
):
    status, message = await refused(gateway, surface, provider, **PROBABLE[surface])
    assert status == 400
    assert "ogprobs" in message
    assert upstream.requests == []


@pytest.mark.parametrize("provider", [CONVERSE, OLLAMA])
@pytest.mark.parametrize("surface", list(BY_URL))
async def test_an_image_by_url_for_a_provider_that_takes_bytes(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, provider: str
):
    asked = SURFACES[surface]
    said = {asked.conversation: [{"role": "user", "content": BY_URL[surface]}]}
    status, message = await refused(gateway, surface, provider, **said)
    assert status == 400
    assert "by URL" in message
    assert "base64" in message
    assert upstream.requests == []
