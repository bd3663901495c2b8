"""A gateway with sixty tools of an office's and some more, and keys that show models all of them, or a few."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.contract.loop.conftest import POLICIES, loop_document
from tests.support.covering import CHAT, MESSAGES, RESPONSES
from tests.support.gateways import SECRET, InProcess, gateway_in_process

from . import office

PART = "part-secret-0123456789"
"""The secret of a key that may use the papers of one kind and may not create any."""
ALL = "show-all-secret-0123456789"
PINNED = "demo__current_time"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_gateway(script: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    document = loop_document(script)
    document["mcpServers"]["office"] = {
        "command": sys.executable,
        "args": [office.__file__],
        "sandbox": {"backend": "host"},
    }
    del document["mcpServers"]["dead"]
    document["providers"] |= {
        RESPONSES: {"dialect": RESPONSES, "base_url": script.base_url},
        MESSAGES: {"kind": "anthropic", "base_url": script.base_url, "api_key": "the-operators-own"},
    }
    document["models"] |= {
        RESPONSES: [{"provider": RESPONSES, "model": "gpt-9"}],
        MESSAGES: [{"provider": MESSAGES, "model": "claude-3-opus"}],
        CHAT: document["models"]["tiny"],
    }
    document["keys"] = {
        "agent": {
            "secret": SECRET,
            "policies": ["office"],
            "selection": "search",
            "pin": ["demo/current_*"],
        },
        "part": {"secret": PART, "policies": ["some"], "selection": "search"},
        "all": {"secret": ALL, "policies": ["office"]},
    }
    policies = {
        **POLICIES,
        "office": {
            "allow": ["demo/*", "office/*"],
            "rules": [
                {
                    "id": "small-numbers",
                    "tools": ["office/*"],
                    "require": {"properties": {"number": {"maximum": 100}}},
                }
            ],
        },
        "some": {"allow": ["office/*"], "deny": ["office/create_*", "office/*_passport"]},
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, policies) as gateway:
            yield gateway
