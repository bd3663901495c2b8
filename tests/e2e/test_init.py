"""From nothing to a gateway that serves: `init`, `check`, `serve`, with the clients' own servers."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2
import orjson
import pytest

from tests.e2e.commands import ROOT, toolgate

OPENAI = "sk-openai-0123456789"
NOTES = {
    "command": "python",
    "args": ["-m", "mcp_servers.demo"],
    "env": {"NOTES_TOKEN": 'no"te #1'},
    "alwaysAllow": ["*"],
}


@pytest.fixture
def home(folder: Path) -> Path:
    """A home with configurations of clients, and a project beside it."""
    home = folder / "home"
    _write(home / ".claude.json", {"mcpServers": {"notes": NOTES}, "numStartups": 7})
    _write(
        home / ".cursor" / "mcp.json",
        {"mcpServers": {"notes": NOTES, "old": {"type": "ws", "url": "ws://x/mcp"}}},
    )
    (folder / "project").mkdir()
    return home


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value))


def environ(home: Path) -> Mapping[str, str]:
    """No keys of whoever runs the tests."""
    return {name: "" for name in os.environ if name.endswith(("_KEY", "_TOKEN"))} | {"HOME": str(home)}


async def test_what_it_writes_passes_check_and_is_served(folder: Path, home: Path):
    project = folder / "project"
    given = {**environ(home), "OPENAI_API_KEY": OPENAI}
    async with toolgate("init", "--yes", cwd=project, environ=given) as init:
        assert await init.ended() == 0
        await init.until(lambda it: "curl" in it.out)
    assert "old, of Cursor, is left out" in init.err
    async with toolgate("check", cwd=project, environ=environ(home)) as check:
        assert await check.ended() == 0
        await check.until(lambda it: "0 errors, 0 warnings" in it.err)
    # Where it would keep things is this user's own, and not for tests to write to.
    config = project / "gateway.yaml"
    text = config.read_text().replace("  notes:\n", "  notes:\n    sandbox: {backend: host}\n")  # needs no engine
    config.write_text(text + "storage: {state_dir: state}\n")
    found = re.search(r"^TOOLGATE_KEY=(\S+)$", (project / ".env").read_text(), re.MULTILINE)
    assert found is not None
    async with toolgate("serve", "--port", "0", cwd=project, environ=environ(home)) as serve:
        await serve.until(lambda it: "\nready\n" in it.err)
        origin = re.search(r"(http://[^/\s]+)/v1", serve.err)
        assert origin is not None
        async with httpx2.AsyncClient(base_url=origin[1], timeout=60) as client:
            listed = await client.get("/v1/tools", headers={"authorization": f"Bearer {found[1]}"})
        assert {tool["qualified_name"] for tool in listed.json()["data"]} == {
            "notes/list_notes",
            "notes/read_note",
        }
        assert await serve.end(signal.SIGTERM) == 0
    for secret in (OPENAI, 'no"te #1', found[1]):
        assert secret not in init.out + init.err + serve.out + serve.err


async def test_a_person_is_asked_and_obeyed(folder: Path, home: Path):
    """In the order of the questions: use OpenAI, take over from Claude Code, from Cursor, copy the keys."""
    said = await anyio.to_thread.run_sync(_at_a_terminal, folder / "project", home, b"y\nn\nn\nn\n")
    assert "Use OpenAI, with the key in OPENAI_API_KEY? [Y/n]" in said
    assert "Take over notes from Claude Code?" in said
    config = (folder / "project" / "gateway.yaml").read_text()
    assert "api_key: ${OPENAI_API_KEY}" in config
    assert "notes" not in config
    assert OPENAI not in (folder / "project" / ".env").read_text()


def _at_a_terminal(project: Path, home: Path, answers: bytes) -> str:
    """Run init at a pseudo terminal; everything that stood there in the end."""
    ours, theirs = pty.openpty()
    given = {**os.environ, **environ(home), "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": OPENAI}
    argv = [sys.executable, "-m", "gateway.cli", "init"]
    process = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, cwd=project, env=given)
    os.close(theirs)
    os.write(ours, answers)
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0, said.decode()
    return said.decode()
