"""The gateway of the loop's contract, and a model that speaks Ollama's chat API beside OpenAI's."""

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
    origin = script.base_url.removesuffix("/v1")
    document["providers"]["ollama-native"] = {"base_url": f"{origin}/api"}
    document["models"]["llama"] = [{"provider": "ollama-native", "model": "llama4:8b"}]
    document["models"]["local/*"] = [{"provider": "ollama-native", "model": "*"}]
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway


@pytest.fixture(params=["llama", "tiny"])
def model(request: pytest.FixtureRequest) -> str:
    """Each test runs against an upstream of either dialect."""
    return request.param
