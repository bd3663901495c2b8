"""The gateway of the loop's contract, and models behind Amazon Bedrock.

They are called by Converse, signed and not, and by Anthropic's own messages in Amazon's frames.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.contract.bedrock.asking import ACCESS_KEY, CLAUDE, SECRET_KEY
from tests.contract.loop.conftest import POLICIES, loop_document
from tests.support.gateways import InProcess, gateway_in_process


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    document = loop_document(script)
    origin = script.base_url.removesuffix("/v1")
    keys = {"region": "us-east-1", "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY}
    document["providers"] |= {
        "bedrock": {"base_url": origin, "auth": {"aws": {**keys, "session_token": "token/+=="}}},
        "keyed": {"kind": "bedrock", "base_url": origin, "api_key": "bedrock-key-0123456789"},
        "bedrock-anthropic": {"base_url": origin, "api_key": "bedrock-key-0123456789"},
    }
    document["models"] |= {
        "claude": [{"provider": "bedrock", "model": CLAUDE}],
        "keyed": [{"provider": "keyed", "model": CLAUDE}],
        "invoked": [{"provider": "bedrock-anthropic", "model": CLAUDE}],
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway


@pytest.fixture(params=["claude", "tiny", "invoked"])
def model(request: pytest.FixtureRequest) -> str:
    """Each test runs against upstreams of several dialects."""
    return request.param
