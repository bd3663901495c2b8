"""One gateway for all tests of the loop's contract: a real tool server, and a model that answers by the book."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, gateway_in_process

POLICIES = {
    "all": {
        "allow": ["demo/*"],
        "rules": [
            {
                "id": "no-welcome",
                "tools": ["demo/read_note"],
                "require": {"properties": {"name": {"not": {"const": "welcome"}}}},
            }
        ],
    },
    "readers": {"allow": ["demo/*"], "deny": ["demo/write_*", "demo/delete_*", "demo/crash"]},
    "searchers": {"allow": ["provider/web_search"]},
    "dead": {"allow": ["dead/*", "demo/current_time"]},
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def loop_document(script: ScriptedUpstream) -> dict[str, Any]:
    return {
        "providers": {"script": {"dialect": "openai_chat", "base_url": script.base_url}},
        "models": {
            "tiny": [{"provider": "script", "model": "tiny"}],
            "priced": [{"provider": "script", "model": "tiny", "price": {"input": 1, "output": 10}}],
        },
        "mcpServers": {
            "demo": {
                "command": sys.executable,
                "args": ["-m", "mcp_servers.demo", "--test-tools"],
                "sandbox": {"backend": "host"},
            },
            "dead": {"command": "toolgate-no-such-command", "sandbox": {"backend": "host"}},
        },
        "keys": {
            "agent": {"secret": SECRET, "policies": ["all"]},
            "reader": {"secret": OTHER_SECRET, "policies": ["readers"], "models": ["tiny"]},
            "plain": {"secret": "plain-secret-0123456789", "tools": "off"},
            "asking": {"secret": "asking-secret-0123456789", "policies": ["all"], "tools": "on_request"},
            "searcher": {"secret": "searcher-secret-0123456789", "policies": ["searchers"]},
            "trusting": {"secret": "trusting-secret-0123456789", "tools": "off", "unknown_tools": "pass"},
            "stranded": {"secret": "stranded-secret-0123456789", "policies": ["dead"]},
        },
        "limits": {"rounds": 4, "calls": 8, "concurrent_calls": 4, "stream_heartbeat_seconds": 1},
    }


@pytest.fixture(scope="module")
async def shared_gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), loop_document(script), POLICIES) as gateway:
            yield gateway
