"""A gateway whose models have two deployments: one that misbehaves, and one that answers, in the other dialect.

`chat` begins in Chat and falls back to Messages, `messages` the other way; `chat-only` and `messages-only` stay in
one dialect, where `messages-other` goes to another family; `chat-alone` and `messages-alone` have nobody to fall
back to. With `impatient-` in front, nobody waits for the first for long.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, gateway_in_process

from .upstream import Chaos, chaos

POLICIES = {"all": {"allow": ["demo/*"]}}
PATIENT = {"connect": 10, "first_byte": 30, "idle": 30}
IMPATIENT = {"connect": 10, "first_byte": 0.5, "idle": 0.5}  # seconds that each silence takes in a test


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shared_first() -> AsyncGenerator[Chaos]:
    async with chaos() as upstream:
        yield upstream


@pytest.fixture(scope="module")
async def shared_second() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream(models=("tiny",)).serve() as upstream:
        yield upstream


def document(first: str, second: str, **more: Any) -> dict[str, Any]:
    dialects = {"chat": "openai_chat", "messages": "anthropic_messages"}
    providers: dict[str, Any] = {}
    models: dict[str, Any] = {}
    for name, dialect in dialects.items():
        other = "messages" if name == "chat" else "chat"
        providers[f"second-{name}"] = {"dialect": dialect, "base_url": second}
        for prefix, timeout in (("", PATIENT), ("impatient-", IMPATIENT)):
            here = f"{prefix}first-{name}"
            providers[here] = {"dialect": dialect, "base_url": f"{first}/v1", "timeout": timeout}
            models[prefix + name] = [here, {"provider": f"second-{other}", "model": "tiny"}]
            models[f"{prefix}{name}-only"] = [here, f"second-{name}"]
            models[f"{prefix}{name}-alone"] = here
    models["messages-other"] = ["first-messages", {"provider": "second-messages", "model": "tiny"}]
    return {
        "providers": providers,
        "models": models,
        "mcpServers": {
            "demo": {
                "command": sys.executable,
                "args": ["-m", "mcp_servers.demo", "--test-tools"],
                "sandbox": {"backend": "host"},
            }
        },
        "keys": {
            "agent": {"secret": SECRET, "policies": ["all"]},
            "plain": {"secret": OTHER_SECRET, "tools": "off"},
        },
        **more,
    }


@pytest.fixture(scope="module")
async def shared_gateway(shared_first: Chaos, shared_second: ScriptedUpstream) -> AsyncGenerator[InProcess]:
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        written = document(shared_first.origin, shared_second.base_url)
        async with gateway_in_process(Path(folder), written, POLICIES) as gateway:
            yield gateway


@pytest.fixture
def first(shared_first: Chaos, shared_gateway: InProcess) -> Chaos:
    """The one that misbehaves, which nobody leaves alone for what it did in other tests."""
    for condition in shared_gateway.shared.conditions._deployments.values():
        condition.rests.clear()
    shared_first.will()
    return shared_first


@pytest.fixture
async def second(shared_second: ScriptedUpstream) -> AsyncGenerator[ScriptedUpstream]:
    shared_second.forget()
    yield shared_second
    assert shared_second.is_over, "the gateway asked less of the second model than the script expects"
