"""One gateway for all tests of this folder: two tool servers, one of them dead, and a model that is scripted."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, gateway_in_process

POLICIES = {
    "all": {
        "allow": ["demo/*", "dead/*"],
        "rules": [
            {
                "id": "no-welcome",
                "tools": ["demo/read_note"],
                "require": {"properties": {"name": {"not": {"const": "welcome"}}}},
            }
        ],
    },
    "readers": {"allow": ["demo/calculate"]},
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def script() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream(models=("tiny", "small")).serve() as upstream:
        yield upstream


@pytest.fixture(scope="module")
async def gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    demo = {
        "command": sys.executable,
        "args": ["-m", "mcp_servers.demo", "--test-tools"],
        "sandbox": {"backend": "host"},
    }
    document = {
        "operator_token": "operator-token-0123456789",
        "providers": {
            "script": {
                "dialect": "openai_chat",
                "base_url": script.base_url,
                "api_key": "the-providers-own-key",
                "headers": {"x-tenant": "ours"},
            },
            "strict": {
                "dialect": "openai_chat",
                "base_url": script.base_url,
                "api_key": "the-providers-own-key",
                "quirks": ["no_stream_options"],
            },
            **{
                f"picky{status}": {
                    "dialect": "openai_chat",
                    "base_url": script.base_url,
                    "api_key": "the-providers-own-key",
                }
                for status in (400, 422)
            },
        },
        "models": {
            "fast": [{"provider": "script", "model": "tiny"}],
            "tiny": [{"provider": "script", "model": "tiny"}],
            "strict": [{"provider": "strict", "model": "tiny"}],
            "picky400": [{"provider": "picky400", "model": "tiny"}],
            "picky422": [{"provider": "picky422", "model": "tiny"}],
        },
        "mcpServers": {
            "demo": demo,
            "dead": {"command": "toolgate-no-such-command", "sandbox": {"backend": "host"}},
        },
        "keys": {
            "agent": {"secret": SECRET, "policies": ["all"]},
            "reader": {"secret": OTHER_SECRET, "policies": ["readers"], "models": ["tiny"]},
            "plain": {"secret": "plain-secret-0123456789", "tools": "off"},
            "asking": {"secret": "asking-secret-0123456789", "policies": ["all"], "tools": "on_request"},
        },
        "limits": {"tool_call_seconds": 4, "body_bytes": 100_000},
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, POLICIES) as gateway:
            yield gateway


@pytest.fixture
async def upstream(script: ScriptedUpstream) -> AsyncGenerator[ScriptedUpstream]:
    script.forget()
    yield script
    assert script.is_over
