"""What a server in a sandbox is told of itself by doctor, without any sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.checkup.servers import judge
from gateway.config import StdioServerConfig
from gateway.hub import ServerStatus
from gateway.hub.entries import BadEntry
from sandbox.spec import BackendName, Mount, Network, StdioServer


@dataclass(frozen=True)
class Case:
    network: Network
    stderr: Sequence[str]
    is_explained: bool


@pytest.mark.parametrize(
    "case",
    [
        Case("none", ["Error: getaddrinfo EAI_AGAIN example.org"], is_explained=True),
        Case("none", ["ModuleNotFoundError: No module named 'x'"], is_explained=False),
        Case("open", ["Error: getaddrinfo EAI_AGAIN example.org"], is_explained=False),
    ],
)
def test_a_missing_network_is_explained_where_there_is_none(case: Case):
    server = StdioServerConfig("web", StdioServer("web", "npx", network=case.network))
    status = ServerStatus(
        "web", "stdio", "down", 0.0, error="it ended", stderr_tail=tuple(case.stderr), sandbox="docker"
    )
    (found,) = judge(status, server)
    assert found.state == "fail"
    assert found.lines == tuple(case.stderr)
    assert ("network: open" in (found.hint or "")) is case.is_explained


def advice_on(*args: str, sandbox: BackendName = "docker", **options: Any) -> str:
    server = StdioServerConfig("files", StdioServer("files", "npx", ("-y", "files@1", *args), **options))
    status = ServerStatus("files", "stdio", "down", 0.0, error="its process ended: exit code 1", sandbox=sandbox)
    (found,) = judge(status, server)
    return found.hint or ""


def test_a_folder_that_only_clients_without_boxes_would_see_is_named(tmp_path: Path):
    """As the configuration of Claude Desktop has it: the folder stands in the arguments, and nothing mounts it."""
    folder = tmp_path / "Desktop"
    folder.mkdir()
    mounted = f'sandbox.mounts: ["{folder}:{folder}"]'
    assert mounted in advice_on(str(folder))
    assert mounted in advice_on("--db-path", f"{folder}/new.db")
    assert mounted in advice_on(f"--root={folder}", mounts=(Mount(tmp_path, "/elsewhere"),))
    assert advice_on(str(folder), mounts=(Mount(folder, str(folder)),)) == ""
    assert advice_on("/workspace/x", str(folder), workspace=str(tmp_path)) == ""
    assert advice_on(str(folder), sandbox="host") == ""
    assert (
        advice_on("/", "/usr/bin", "/etc/hosts", "relative/path", "/no/such/folder/at/all", "--flag=1", "") == ""
    )


@pytest.mark.parametrize(("network", "state"), [("none", "ok"), ("open", "warn")])
def test_credentials_are_a_warning_where_they_could_be_sent_away(network: Network, state: str):
    env = {"GITHUB_TOKEN": "ghp_0123456789", "LEVEL": "debug", "EMPTY_KEY": ""}
    server = StdioServerConfig("git", StdioServer("git", "npx", env=env, network=network))
    ready, held = judge(ServerStatus("git", "stdio", "ready", 0.0, tools=3, sandbox="bubblewrap"), server)
    assert ready.message == "ready, 3 tools, in bubblewrap"
    assert held.state == state
    assert "(GITHUB_TOKEN)" in held.message
    assert "ghp_" not in held.message + (held.hint or "")


def test_tools_that_are_left_out_are_named():
    server = StdioServerConfig("odd", StdioServer("odd", "npx"))
    bad = (BadEntry("broken", "its schema is none"),)
    status = ServerStatus("odd", "stdio", "ready", 0.0, tools=1, left_out=bad, sandbox="docker")
    assert [found.message for found in judge(status, server)][1:] == [
        "the tool broken is left out: its schema is none"
    ]
