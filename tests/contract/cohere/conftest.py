"""The gateway of the loop's contract, and a model that speaks Cohere's chat API beside OpenAI's."""

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
    document["providers"]["cohere-native"] = {"base_url": origin, "api_key": "the-operators-own"}
    document["models"]["command"] = [{"provider": "cohere-native", "model": "command-z-2026"}]
    document["models"]["co/*"] = [{"provider": "cohere-native", "model": "*"}]
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway


@pytest.fixture(params=["command", "tiny"])
def model(request: pytest.FixtureRequest) -> str:
    """Each test runs against an upstream of either dialect."""
    return request.param
