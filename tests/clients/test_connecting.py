"""What `toolgate connect` writes is what the clients themselves need, for the tools and for the models."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.messages.asking import results_in
from tests.support.gateways import SECRET, InProcess, gateway_in_process

from .installed import Programs
from .recording import Recorder
from .running import bare_environ, run_program

pytestmark = pytest.mark.npm

CALCULATE = "mcp__toolgate__demo__calculate"
FINE = Turn(text="All is well.")
SEARCH = Turn(calls=(Call("ToolSearch", {"query": f"select:{CALCULATE}"}),))


@pytest.fixture(scope="module")
def tools() -> Recorder:
    return Recorder("/mcp")


@pytest.fixture(scope="module")
async def here(script: ScriptedUpstream, tools: Recorder) -> AsyncGenerator[InProcess]:
    demo = {"command": sys.executable, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
    document = {
        "providers": {
            "openai": {"dialect": "openai_responses", "base_url": script.base_url, "api_key": "the-operators-own"},
            "anthropic": {"base_url": script.base_url, "api_key": "the-operators-own"},
        },
        "models": {
            "claude-opus-5-5": [{"provider": "anthropic", "model": "the-real-claude"}],
            "gpt-5.4": [{"provider": "openai", "model": "the-real-gpt"}],
        },
        "mcpServers": {"demo": demo},
        "keys": {"agent": {"secret": SECRET, "policies": ["all"], "tools": "on_request"}},
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        policies = {"all": {"allow": ["demo/*"]}}
        async with gateway_in_process(Path(folder), document, policies, in_front=tools.in_front_of) as gateway:
            yield gateway


class Connected:
    """A folder and a home in which `toolgate connect` has written for one client."""

    def __init__(self, folder: Path, secret_name: str) -> None:
        self.home, self.work = folder / "home", folder / "work"
        self.home.mkdir()
        self.work.mkdir()
        self.environ = {
            **bare_environ(self.home),
            secret_name: SECRET,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }

    async def connect(self, client: str, origin: str, *more: str) -> None:
        argv = [sys.executable, "-m", "gateway.cli", "connect", client, "--url", origin, "--write", *more]
        root = str(Path(__file__).parents[2])
        done = await run_program(argv, {**self.environ, "PYTHONPATH": root}, self.work)
        assert done.code == 0, done.stderr
        for path in [*self.home.rglob("*"), *self.work.rglob("*")]:
            assert not path.is_file() or SECRET not in path.read_text()


@pytest.mark.parametrize("search", ["true", None, "false"])
async def test_claude_code_finds_the_models_and_the_tools(
    programs: Programs,
    here: InProcess,
    upstream: ScriptedUpstream,
    tools: Recorder,
    tmp_path: Path,
    search: str | None,
):
    """Whatever ENABLE_TOOL_SEARCH says: where it is off, all tools stand in the request."""
    tools.seen.clear()
    connected = Connected(tmp_path, "MY_KEY")
    await connected.connect("claude-code", here.origin, "--key-env", "MY_KEY")
    settings = connected.work / ".claude" / "settings.local.json"
    written = json.loads(settings.read_text())
    assert written["env"].pop("ENABLE_TOOL_SEARCH") == "true"
    if search is not None:
        written["env"]["ENABLE_TOOL_SEARCH"] = search
    settings.write_text(json.dumps(written))
    call = Turn(calls=(Call(CALCULATE, {"expression": "6 * 7"}),))
    upstream.add(*([] if search == "false" else [SEARCH]), call, FINE)
    argv = [programs.claude, "-p", "Calculate.", "--model", "claude-opus-5-5", "--allowedTools", "mcp__toolgate"]
    done = await run_program([*argv, "--output-format", "json"], connected.environ, connected.work)
    assert (done.code, done.report["result"]) == (0, "All is well.")
    first, last = upstream.requests[0].body, upstream.requests[-1].body
    assert "42" in results_in(last)
    at_once = CALCULATE in {tool["name"] for tool in first["tools"]}
    assert at_once is (search == "false")
    assert tools.seen
    assert all(one.status < 400 for one in tools.seen)


async def test_codex_finds_the_models_and_the_tools(
    programs: Programs, here: InProcess, upstream: ScriptedUpstream, tmp_path: Path
):
    connected = Connected(tmp_path, "TOOLGATE_KEY")
    await connected.connect("codex", here.origin)
    upstream.add(FINE)
    argv = [programs.codex, "exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "--json"]
    done = await run_program([*argv, "-m", "gpt-5.4", "Hello."], connected.environ, connected.work)
    assert done.code == 0, done.stdout
    assert "All is well." in done.stdout
    (request,) = upstream.requests
    (ours,) = [tool for tool in request.body["tools"] if tool.get("name") == "mcp__toolgate"]
    assert "demo__calculate" in {tool["name"] for tool in ours["tools"]}
