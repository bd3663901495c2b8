"""What README.md and docs/ say is true: files are checked, commands are run, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import SECRET, InProcess, gateway_in_process

from .pages import PAGES, ROOT, blocks, commands, files

ENVIRON = {
    **os.environ,
    "OPENAI_API_KEY": "sk-0123456789abcdef",
    "AGENT_1_KEY": "agent-secret-0123456789",
    "REMOTE_TOKEN": "remote-token-0123456789",
    "TOOLGATE_OPERATOR_TOKEN": "operator-token-0123456789",
    "NO_COLOR": "1",
}
OF_MAKE = {"make demo", "make serve", "make check", "make test", "make bench"}
ELSEWHERE = {
    ".venv/bin/python -m bench.mcp": "tests/integration/bench/test_mcp_bench.py",
    ".venv/bin/toolgate init": "tests/e2e/test_init.py",
    ".venv/bin/toolgate doctor": "tests/integration/cli/test_doctor_command.py",
    ".venv/bin/toolgate serve": "tests/e2e/test_main_job.py",
    "toolgate lock": "tests/integration/cli/test_lock_command.py",
    "toolgate lock check": "tests/integration/cli/test_lock_command.py",
    "toolgate lock diff": "tests/integration/cli/test_lock_command.py",
    "toolgate lock github": "tests/integration/cli/test_lock_command.py",
}
WITH_FILES = [page for page in PAGES if files(page)]
POLICY = files(ROOT / "docs" / "policies.md")["policies/readers.yaml"]


def toolgate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", *arguments]
    return subprocess.run(
        command, cwd=folder, env=ENVIRON, capture_output=True, text=True, timeout=60, check=False
    )


def lay_out(folder: Path, page: Path) -> None:
    """Write the files that a page shows; those that another page shows are filled in."""
    readme = files(ROOT / "README.md")
    for name, text in {**readme, "policies/readers.yaml": POLICY, **files(page)}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("page", WITH_FILES, ids=lambda page: page.name)
def test_the_files_that_a_page_shows_are_right(page: Path, tmp_path: Path):
    lay_out(tmp_path, page)
    checked = toolgate(tmp_path, "check", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)["errors"] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_is_run_by_a_test(page: Path, tmp_path: Path):
    lay_out(tmp_path, page)
    makefile = (ROOT / "Makefile").read_text()
    for command in commands(page):
        if command in OF_MAKE:
            assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE), command
        elif command in ELSEWHERE:
            assert (ROOT / ELSEWHERE[command]).exists(), command
        elif command.startswith("toolgate "):
            done = toolgate(tmp_path, *shlex.split(command)[1:])
            assert "Traceback" not in done.stderr, command
            expected = 1 if "explain" in command else 0  # the calls that pages explain are refused
            assert done.returncode == expected, f"{command}\n{done.stdout}{done.stderr}"
        else:
            assert command.startswith("curl "), f"no test runs {command!r}"


def test_the_readmes_example_of_explaining_names_the_rule(tmp_path: Path):
    lay_out(tmp_path, ROOT / "README.md")
    arguments = '{"path": "/etc/passwd"}'
    explained = toolgate(tmp_path, "policy", "explain", "--tool", "files/read_text_file", "--args", arguments)
    assert explained.stdout.startswith("DENY")
    assert "readers/inside-workspace" in explained.stdout


@pytest.fixture
async def upstream() -> AsyncGenerator[ScriptedUpstream]:
    call = Call("time__current_time", {"timezone": "Asia/Tokyo"})
    turns = [Turn(calls=(call,)), Turn(text="It is late.")]
    async with ScriptedUpstream(turns, models=("tiny",)).serve() as served:
        yield served


@pytest.fixture
async def gateway(upstream: ScriptedUpstream, tmp_path: Path) -> AsyncGenerator[InProcess]:
    server = {"command": sys.executable, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
    document = {
        "providers": {"script": {"dialect": "openai_chat", "base_url": upstream.base_url}},
        "models": {name: [{"provider": "script", "model": "tiny"}] for name in ("fast", "openai/gpt-5-mini")},
        "mcpServers": {"time": server},
        "keys": {"agent-1": {"secret": SECRET, "policies": ["readers"]}},
    }
    async with gateway_in_process(tmp_path, document, {"readers": {"allow": ["time/*"]}}) as running:
        yield running


@pytest.mark.parametrize("client", ["client", "anthropic"])
async def test_the_readmes_client_gets_its_answer(
    client: str, gateway: InProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (example,) = [block for block in blocks(ROOT / "README.md") if block.note == f"run: {client}"]
    text = example.text.replace("http://127.0.0.1:8484", gateway.origin).replace("the secret of agent-1", SECRET)
    assert text.count(gateway.origin) == text.count(SECRET) == 1
    await anyio.to_thread.run_sync(lambda: exec(compile(text, "README.md", "exec"), {}))
    assert capsys.readouterr().out == "It is late.\n"


async def test_the_curl_of_the_http_page_gets_its_answer(gateway: InProcess):
    (command,) = [command for command in commands(ROOT / "docs" / "http.md") if command.startswith("curl ")]
    environ = {**os.environ, "TOOLGATE_URL": gateway.origin, "TOOLGATE_KEY": SECRET}
    done = await anyio.run_process(["bash", "-c", command], env=environ)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["choices"][0]["message"]["content"] == "It is late."
    assert [call["outcome"] for call in answer["toolgate"]["tool_calls"]] == ["ok"]


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "SECURITY.md"], ids=lambda page: page.name
)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_tree_that_architecture_draws_is_there():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    tree = text.split("```")[1]
    inside = False
    for line in tree.strip().splitlines():
        inside = (line.startswith(" ") and inside) or line.startswith("gateway/")
        for name in re.findall(r"[a-z_]+(?:/|\.py)", line[:24]):
            path = ROOT / "gateway" / name if line.startswith(" ") and inside else ROOT / name
            assert path.exists(), line
