"""The gateway of the loop's contract with a model of every dialect, named by its dialect."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.contract.loop.conftest import POLICIES, loop_document
from tests.support.covering import CHAT, COHERE, CONVERSE, GEMINI, MESSAGES, OLLAMA, RESPONSES
from tests.support.gateways import InProcess, gateway_in_process

NARROW = "narrow-secret-0123456789"
"""The secret of a key that may use one model."""
MODELS = {
    CHAT: "tiny",
    RESPONSES: "gpt-9",
    MESSAGES: "claude-opus-9",
    GEMINI: "gemini-9-pro",
    CONVERSE: "us.anthropic.claude-x-v1:0",
    COHERE: "command-z-2026",
    OLLAMA: "llama4:8b",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    document = loop_document(script)
    origin = script.base_url.removesuffix("/v1")
    key = {"api_key": "the-operators-own"}
    document["providers"] |= {
        CHAT: {"dialect": CHAT, "base_url": script.base_url},
        RESPONSES: {"dialect": RESPONSES, "base_url": script.base_url},
        MESSAGES: {"kind": "anthropic", "base_url": script.base_url, **key},
        GEMINI: {"kind": "gemini", "base_url": script.base_url, **key},
        CONVERSE: {"kind": "bedrock", "base_url": origin, **key},
        COHERE: {"kind": "cohere-native", "base_url": origin, **key},
        OLLAMA: {"kind": "ollama-native", "base_url": f"{origin}/api"},
    }
    document["models"] = {name: [{"provider": name, "model": model}] for name, model in MODELS.items()}
    document["keys"] = {name: document["keys"][name] for name in ("agent", "plain")}
    document["keys"]["narrow"] = {"secret": NARROW, "policies": ["all"], "models": [CHAT]}
    document["limits"]["body_bytes"] = 1024 * 1024
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway
