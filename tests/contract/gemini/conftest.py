"""The gateway of the loop's contract with more models: `gem` speaks Gemini, `claude` Messages, `tiny` Chat."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.contract.loop.conftest import POLICIES, loop_document
from tests.support.gateways import InProcess, gateway_in_process


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    document = loop_document(script)
    document["providers"] |= {
        "google": {"kind": "gemini", "base_url": script.base_url, "api_key": "the-operators-own"},
        "vertex": {"dialect": "anthropic_vertex", "base_url": script.base_url, "headers": {"x-operator": "yes"}},
        "anthropic": {"base_url": script.base_url, "api_key": "the-operators-own"},
    }
    document["models"] |= {
        "gem": [{"provider": "google", "model": "gemini-9-pro"}],
        "claude": [{"provider": "anthropic", "model": "claude-opus-9"}],
        "vertex-claude": [{"provider": "vertex", "model": "claude-opus-9@20260101"}],
        "either": [{"provider": "google", "model": "gemini-9-pro"}, {"provider": "script", "model": "tiny"}],
        "other-way": [{"provider": "script", "model": "tiny"}, {"provider": "google", "model": "gemini-9-pro"}],
        "a/b": [{"provider": "google", "model": "gemini-9-pro"}],
    }
    document["provider_tools"] = {"url_context": "demo/current_time"}
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway


@pytest.fixture(params=["gem", "claude", "tiny", "vertex-claude"])
def model(request: pytest.FixtureRequest) -> str:
    """Each test runs against an upstream of each dialect."""
    return request.param
