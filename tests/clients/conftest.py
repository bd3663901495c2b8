"""One gateway for agents' own programs: models of several wire formats behind it, a recorder in front of it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream
from tests.support.gateways import SECRET, InProcess, gateway_in_process

from .installed import Programs, install_programs
from .recording import Recorder

WITHOUT_TOOLS = "plain-secret-0123456789"
DISMISSED = "dismissed-secret-0123456789"


@pytest.fixture(scope="session")
def programs() -> Programs:
    return install_programs()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def script() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream(models=("tiny",)).serve() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def messages() -> Recorder:
    return Recorder("/v1/messages")


@pytest.fixture(scope="module")
def responses() -> Recorder:
    return Recorder("/v1/responses")


@pytest.fixture(scope="module")
async def shared_gateway(
    script: ScriptedUpstream, messages: Recorder, responses: Recorder
) -> AsyncGenerator[InProcess]:
    document = {
        "providers": {
            "chat": {"dialect": "openai_chat", "base_url": script.base_url},
            "openai": {
                "dialect": "openai_responses",
                "base_url": script.base_url,
                "api_key": "the-operators-own",
            },
            "anthropic": {"base_url": script.base_url, "api_key": "the-operators-own"},
        },
        "models": {
            "claude-opus-5-5": [{"provider": "anthropic", "model": "the-real-claude"}],
            "gpt-5.4": [{"provider": "openai", "model": "the-real-gpt"}],
            "gpt-elsewhere": [{"provider": "chat", "model": "the-real-chat"}],
            "gpt-anthropic": [{"provider": "anthropic", "model": "the-real-claude"}],
            "claude-elsewhere": [{"provider": "chat", "model": "the-real-chat"}],
        },
        "mcpServers": {
            "demo": {
                "command": sys.executable,
                "args": ["-m", "mcp_servers.demo", "--test-tools"],
                "sandbox": {"backend": "host"},
            }
        },
        "keys": {
            "agent": {"secret": SECRET, "policies": ["all"]},
            "plain": {"secret": WITHOUT_TOOLS, "tools": "off"},
            "dismissed": {"secret": DISMISSED, "tools": "off", "models": ["claude-elsewhere"]},
        },
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        policies = {"all": {"allow": ["demo/*"]}}
        async with gateway_in_process(
            Path(folder), document, policies, in_front=lambda app: responses.in_front_of(messages.in_front_of(app))
        ) as gateway:
            yield gateway


@pytest.fixture
async def upstream(
    script: ScriptedUpstream, messages: Recorder, responses: Recorder
) -> AsyncGenerator[ScriptedUpstream]:
    """The models, with an empty script; nothing has been seen yet."""
    script.forget()
    messages.seen.clear()
    responses.seen.clear()
    yield script
    assert script.is_over, "less was asked of the model than the script expects"


@pytest.fixture
def gateway(shared_gateway: InProcess) -> InProcess:
    return shared_gateway
