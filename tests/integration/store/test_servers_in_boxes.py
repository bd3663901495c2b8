"""Real servers from real indexes, without network, in each kind of box: do they start and answer?"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import anyio
import pytest

from sandbox import Box, Mount, Sandbox, StdioServer, explains_network_failure, open_sandbox

DEADLINE_SECONDS = 120
BOXES = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
]


@pytest.fixture(scope="module")
def home():
    """A folder that the boxes' user can pass; pytest's own folders are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="toolgate-test-"))
    folder.chmod(0o755)
    yield folder
    for inside in (path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink()):
        inside.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def sandbox(home) -> Sandbox:
    return open_sandbox(state_dir=home / "state", cache_dir=home / "cache")


async def ask(box: Box, method: str, params: dict[str, Any], *, number: int) -> dict[str, Any]:
    """Send a JSON-RPC request and return its answer, passing over notifications."""
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    await box.send(json.dumps(message).encode() + b"\n")
    pending = b""
    while True:
        pending += await box.receive()
        *lines, pending = pending.split(b"\n")
        for line in lines:
            if (answer := json.loads(line)).get("id") == number:
                return answer


async def initialize(box: Box) -> str:
    """Open a session; the server's name."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    answer = await ask(box, "initialize", client, number=1)
    await box.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    return answer["result"]["serverInfo"]["name"]


async def call(box: Box, tool: str, **arguments: Any) -> str:
    answer = await ask(box, "tools/call", {"name": tool, "arguments": arguments}, number=2)
    return answer["result"]["content"][0]["text"]


@pytest.mark.npm
@pytest.mark.parametrize("backend", BOXES)
async def test_a_server_from_npm_reads_the_files_of_its_owners_workspace(sandbox, backend):
    args = ("-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "/workspace")
    server = StdioServer("files", "npx", args, backend=backend, workspace="/workspace")
    with anyio.fail_after(DEADLINE_SECONDS):
        async with sandbox.launch(server, workspace_owner="agent-1") as box:
            assert await initialize(box) == "secure-filesystem-server"
            await call(box, "write_file", path="/workspace/note.txt", content=f"from {backend}")
        async with sandbox.launch(server, workspace_owner="agent-1") as box:
            await initialize(box)
            assert await call(box, "read_text_file", path="/workspace/note.txt") == f"from {backend}"
        async with sandbox.launch(server, workspace_owner=None) as box:
            await initialize(box)
            assert "note.txt" not in await call(box, "list_directory", path="/workspace")
    origin = (await sandbox.prepare(server)).origin
    assert (origin.kind, origin.version) == ("npm", "2026.8.31")


@pytest.mark.pypi
@pytest.mark.parametrize("backend", BOXES)
async def test_a_server_from_pypi_tells_the_time(sandbox, backend):
    server = StdioServer("time", "uvx", ("mcp-server-time==2026.10.19",), backend=backend)
    with anyio.fail_after(DEADLINE_SECONDS):
        async with sandbox.launch(server) as box:
            assert await initialize(box) == "mcp-time"
            assert "Asia/Tokyo" in await call(box, "get_current_time", timezone="Asia/Tokyo")


@pytest.mark.parametrize("backend", BOXES)
async def test_our_own_servers_run_without_any_index(sandbox, backend):
    demo = StdioServer("demo", "python", ("-m", "mcp_servers.demo"), backend=backend)
    files = StdioServer(
        "own", "python", ("-m", "mcp_servers.filesystem", "/workspace"), backend=backend, workspace="/workspace"
    )
    with anyio.fail_after(DEADLINE_SECONDS):
        async with sandbox.launch(demo) as box:
            assert await initialize(box) == "toolgate-demo"
            assert await call(box, "calculate", expression="6 * 7") == "42"
            assert "+09:00" in await call(box, "current_time", timezone="Asia/Tokyo")
        async with sandbox.launch(files, workspace_owner="agent-1") as box:
            assert await initialize(box) == "toolgate-filesystem"
            await call(box, "write_file", path="/workspace/own.txt", content="mine")
            assert await call(box, "read_file", path="own.txt") == "mine"
            assert "outside" in await call(box, "read_file", path="/etc/passwd")


@pytest.mark.parametrize("backend", BOXES)
async def test_a_script_from_a_project_folder_has_the_sdk_and_no_network(sandbox, backend, home):
    project = home / f"project-{backend}"
    project.mkdir(mode=0o755)
    script = project / "server.py"
    script.write_text(
        "import mcp, os, sys, urllib.request\n"
        "assert os.environ['GREETING'] == 'hello'\n"
        "urllib.request.urlopen('http://example.invalid', timeout=5)\n"
    )
    script.chmod(0o644)
    server = StdioServer(
        "mine",
        "python3",
        ("server.py",),
        env={"GREETING": "hello"},
        cwd=str(project),
        mounts=(Mount(project, "/app"),),
        backend=backend,
    )
    with anyio.fail_after(DEADLINE_SECONDS):
        async with sandbox.launch(server) as box:
            ended = await box.wait()
    assert ended.code == 1
    assert explains_network_failure(box.stderr_tail()), box.stderr_tail()
