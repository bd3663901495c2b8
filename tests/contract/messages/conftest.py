"""The gateway of the loop's contract with a second model: `claude` speaks Anthropic Messages, `tiny` Chat."""

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
    document["providers"]["anthropic"] = {"base_url": script.base_url, "api_key": "the-operators-own"}
    document["models"]["claude"] = [{"provider": "anthropic", "model": "claude-opus-9"}]
    document["models"]["either"] = [
        {"provider": "anthropic", "model": "claude-opus-9"},
        {"provider": "script", "model": "tiny"},
    ]
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway


@pytest.fixture(params=["claude", "tiny"])
def model(request: pytest.FixtureRequest) -> str:
    """Each test runs against an upstream of either dialect."""
    return request.param
