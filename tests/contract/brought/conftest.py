"""A gateway whose config has tools of its own in the place of providers', and keys of several kinds."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.contract.loop.conftest import POLICIES, loop_document
from tests.support.gateways import InProcess, gateway_in_process

ASKING = "asking-secret-0123456789"
PLAIN = "plain-secret-0123456789"
BARE = "bare-secret-0123456789"
FETCHER = "fetcher-secret-0123456789"
BOTH = "both-secret-0123456789"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    document = loop_document(script)
    document["providers"]["anthropic"] = {"base_url": script.base_url, "api_key": "the-operators-own"}
    document["models"]["claude"] = [{"provider": "anthropic", "model": "claude-opus-9"}]
    document["provider_tools"] = {
        "web_search": "demo/calculate",
        "code_execution_20260120": "demo/no_such_tool",
        "file_search": "dead/look",
    }
    document["mcp_endpoint"] = {"public_url": "https://tools.example.com"}
    document["mcpServers"]["second"] = document["mcpServers"]["demo"]
    document["keys"]["bare"] = {"secret": BARE}
    document["keys"]["fetcher"] = {"secret": FETCHER, "policies": ["fetchers"]}
    document["keys"]["both"] = {"secret": BOTH, "policies": ["both"], "tools": "on_request"}
    policies = {
        **POLICIES,
        "fetchers": {"allow": ["provider/mcp", "demo/read_note"]},
        "both": {"allow": ["demo/*", "second/*"], "deny": ["*/crash", "second/write_*"]},
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, policies) as gateway:
            yield gateway


@pytest.fixture(params=["claude", "tiny"])
def model(request: pytest.FixtureRequest) -> str:
    """Each test runs against an upstream of either dialect."""
    return request.param
