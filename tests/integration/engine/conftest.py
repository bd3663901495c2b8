"""A real engine behind the gateway, over each of its three APIs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.support.gateways import SECRET, InProcess, gateway_in_process

from .tiny_model import write_tiny_model

WITHOUT_TOOLS = "plain-secret-0123456789"
CONTEXT = 8192  # tokens
APIS = ("openai_chat", "openai_responses", "anthropic_messages")
DEMO = {"command": sys.executable, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Where the engine listens."""
    folder = tmp_path_factory.mktemp("engine")
    write_tiny_model(folder / "tiny.gguf")
    argv = [sys.executable, str(Path(__file__).with_name("serve.py")), str(folder / "tiny.gguf"), str(CONTEXT)]
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            origin = process.stdout.readline().strip()
            log.seek(0)
            assert origin, log.read()
            yield origin
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


@pytest.fixture(scope="module")
async def gateway(engine: str) -> AsyncGenerator[InProcess]:
    """A model for each of the engine's APIs, by the name of its dialect."""
    document = {
        "providers": {api: {"dialect": api, "base_url": f"{engine}/v1"} for api in APIS},
        "models": {api: [{"provider": api, "model": "tiny"}] for api in APIS},
        "mcpServers": {"demo": DEMO},
        "keys": {
            "agent": {"secret": SECRET, "policies": ["all"]},
            "plain": {"secret": WITHOUT_TOOLS, "tools": "off"},
        },
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), document, {"all": {"allow": ["demo/*"]}}) as running:
            yield running


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """Which of the engine's APIs the gateway uses."""
    return request.param
