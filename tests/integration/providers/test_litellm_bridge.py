"""The long tail of providers through the real LiteLLM, which has an environment of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest
from openai import AsyncOpenAI, BadRequestError, RateLimitError

from gateway.providers import Timeouts
from gateway.providers.http import HttpClient
from gateway.providers.litellm_bridge import Bridge, LitellmClient
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import SECRET, Command, gateway_as_command, write_files

ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "requirements" / "litellm.txt"
BUILD = ROOT / "requirements" / "build.txt"
HELLO: list[Any] = [{"role": "user", "content": "hello"}]

pytestmark = [pytest.mark.pypi, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def python() -> str:
    """A Python with toolgate's dependencies and LiteLLM, as locked; made once for each lock."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toolgate-tests"
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    folder = base / f"litellm-{version}-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    finished, found = folder / "installed", folder / "bin" / "python"
    if not finished.exists():
        shutil.rmtree(folder, ignore_errors=True)
        pip = [str(found), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([*pip, "--require-hashes", "-r", str(LOCK), "-r", str(BUILD)], check=True)
        # For the metadata alone: the code comes from this checkout, whichever it is.
        own = ["--no-deps", "--no-build-isolation", "--no-index", "--editable", str(ROOT)]
        subprocess.run([*pip, *own], check=True)
        finished.touch()
    return str(found)


@pytest.fixture(scope="module")
async def script() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream(models=("tiny",)).serve() as upstream:
        yield upstream


@pytest.fixture(scope="module")
async def served(
    python: str, script: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Command]:
    document = {
        "providers": {
            "litellm": {"env": {"OPENAI_API_KEY": "upstream-secret", "OPENAI_API_BASE": script.base_url}}
        },
        "models": {"far": {"provider": "litellm", "model": "openai/tiny"}},
        "mcpServers": {
            "demo": {"command": python, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
        },
        "keys": {
            "agent": {"secret": SECRET, "policies": ["all"]},
            "plain": {"secret": "plain-secret-0123456789", "tools": "off"},
        },
    }
    config = write_files(tmp_path_factory.mktemp("bridge"), document, {"all": {"allow": ["demo/*"]}})
    async with gateway_as_command(config, python=python, environ={"PYTHONPATH": str(ROOT)}) as command:
        yield command


@pytest.fixture
def upstream(script: ScriptedUpstream) -> ScriptedUpstream:
    script.forget()
    return script


def client(served: Command, secret: str = SECRET) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=served.base_url, api_key=secret, max_retries=0, timeout=120)


async def test_a_whole_answer_comes_through_with_the_operator_s_credentials(
    served: Command, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="from afar"))
    async with client(served, "plain-secret-0123456789") as sdk:
        answer = await sdk.chat.completions.create(model="far", messages=HELLO)
    assert answer.choices[0].message.content == "from afar"
    assert upstream.requests[0].headers["authorization"] == "Bearer upstream-secret"


async def test_the_tool_loop_runs_over_it_streamed(served: Command, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(Call("demo__calculate", {"expression": "6 * 7"}),)), Turn(text="It is 42."))
    async with client(served) as sdk:
        stream = await sdk.chat.completions.create(model="far", messages=HELLO, stream=True)
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "It is 42."
    assert upstream.requests[1].body["messages"][-1]["content"] == "42"


async def test_a_field_that_would_send_credentials_elsewhere_is_refused_by_name(
    served: Command, upstream: ScriptedUpstream
):
    extra = {"api_base": "http://127.0.0.1:9/v1"}
    async with client(served, "plain-secret-0123456789") as sdk:
        with pytest.raises(BadRequestError) as refused:
            await sdk.chat.completions.create(model="far", messages=HELLO, extra_body=extra)
    assert refused.value.param == "api_base"
    assert upstream.requests == []


async def test_an_image_at_an_address_is_not_fetched_from_here(served: Command, upstream: ScriptedUpstream):
    image = {"type": "image_url", "image_url": {"url": f"{upstream.base_url}/secret.png"}}
    async with client(served, "plain-secret-0123456789") as sdk:
        with pytest.raises(BadRequestError, match="as data"):
            await sdk.chat.completions.create(model="far", messages=[{"role": "user", "content": [image]}])
    assert upstream.requests == []


async def test_a_refusal_keeps_its_status_and_when_to_try_again(served: Command, upstream: ScriptedUpstream):
    upstream.add(Turn(status=429, headers={"retry-after": "7"}))
    async with client(served, "plain-secret-0123456789") as sdk:
        with pytest.raises(RateLimitError) as refused:
            await sdk.chat.completions.create(model="far", messages=HELLO)
    assert refused.value.response.headers["retry-after"] == "7"


async def test_a_process_that_died_is_started_again_and_none_is_left_behind(python: str, script: ScriptedUpstream):
    environment = {"OPENAI_API_KEY": "k", "OPENAI_API_BASE": script.base_url, "PYTHONPATH": str(ROOT)}
    bridge = LitellmClient(Bridge(tuple(environment.items())), python=python)
    script.forget()
    script.add(Turn(text="one"), Turn(text="two"))
    pids: list[int] = []
    for text in (b"one", b"two"):
        assert text in await _asked(bridge)
        running = bridge._running
        assert running is not None
        pids.append(running.process.pid)
        running.process.kill()
        await running.process.wait()
    assert pids[0] != pids[1]
    script.add(Turn(text="three"))
    assert b"three" in await _asked(bridge)
    last = bridge._running
    assert last is not None
    await bridge.aclose()
    assert last.process.returncode is not None


async def test_whoever_does_not_know_the_secret_gets_nothing(python: str, script: ScriptedUpstream):
    bridge = LitellmClient(Bridge((("PYTHONPATH", str(ROOT)),)), python=python)
    try:
        running = await bridge._up()
        url = f"{running.origin}/chat/completions"
        async with bridge._client.request("POST", url, {}, b"{}", _PATIENT) as answer:
            assert answer.status == 403
    finally:
        await bridge.aclose()


_PATIENT = Timeouts(connect=60, first_byte=120, idle=60)


async def _asked(bridge: HttpClient) -> bytes:
    body = b'{"model": "openai/tiny", "messages": [{"role": "user", "content": "hello"}]}'
    with anyio.fail_after(120):
        async with bridge.request("POST", "http://x.invalid/chat/completions", {}, body, _PATIENT) as answer:
            return await answer.read()
