"""The gateway of the loop's contract with models of three dialects: `gpt` speaks Responses, `tiny` Chat, and
`claude` Anthropic Messages.
"""

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
    document["providers"]["openai"] = {
        "base_url": script.base_url,
        "api_key": "the-operators-own",
        "dialect": "openai_responses",
    }
    document["providers"]["anthropic"] = {"base_url": script.base_url, "api_key": "the-operators-own"}
    document["keys"]["forgetful"] = {
        "secret": "forgetful-secret-0123456789",
        "policies": ["all"],
        "remember": False,
    }
    document["keys"]["plain-sister"] = {"secret": "plain-sister-secret-0123456789", "tools": "off"}
    document["models"] |= {
        "gpt": [{"provider": "openai", "model": "gpt-9"}],
        "claude": [{"provider": "anthropic", "model": "claude-opus-9"}],
        "either": [{"provider": "openai", "model": "gpt-9"}, {"provider": "script", "model": "tiny"}],
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway


@pytest.fixture(params=["gpt", "tiny", "claude"])
def model(request: pytest.FixtureRequest) -> str:
    """Each test runs against an upstream of each dialect."""
    return request.param
