"""Servers of MCP clients, taken over by init."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.cli.setup.adopting import Adopted, Adoption
from gateway.cli.setup.clients import ClientFile, ClientServers, find_client_servers

SECRET = "ghp_0123456789abcdef"


def take(
    server: Mapping[str, Any],
    *,
    client: str = "Cursor",
    variables: Mapping[str, str] | None = None,
    secrets: bool = True,
) -> Adoption:
    adoption = Adoption(variables or {}, with_secrets=secrets)
    file = ClientFile(client, Path("/home/me/.cursor/mcp.json"), Path("/home/me/project"))
    adoption.take(ClientServers(file, {"one": server}))
    return adoption


def taken(server: Mapping[str, Any], **more: Any) -> Adopted:
    adoption = take(server, **more)
    assert adoption.left_out == []
    return adoption.adopted["one"]


@pytest.mark.parametrize(
    ("server", "entry", "secrets"),
    [
        (
            {"command": "npx", "env": {"GITHUB_TOKEN": SECRET, "LEVEL": "debug"}},
            {"command": "npx", "env": {"GITHUB_TOKEN": "${GITHUB_TOKEN}", "LEVEL": "debug"}},
            {"GITHUB_TOKEN": SECRET},
        ),
        (
            {"url": "http://127.0.0.1:9/mcp", "headers": {"Authorization": f"Bearer {SECRET}", "X-Team": "a"}},
            {
                "url": "http://127.0.0.1:9/mcp",
                "headers": {"Authorization": "Bearer ${MCP_ONE_AUTHORIZATION}", "X-Team": "a"},
            },
            {"MCP_ONE_AUTHORIZATION": SECRET},
        ),
        (
            {"command": "npx", "args": ["-y", "--api-key", SECRET, f"--token={SECRET}x", "--fast", "TOKENS"]},
            {
                "command": "npx",
                "args": ["-y", "--api-key", "${MCP_ONE_ARGUMENT}", "--token=${MCP_ONE_TOKEN}", "--fast", "TOKENS"],
            },
            {"MCP_ONE_ARGUMENT": SECRET, "MCP_ONE_TOKEN": f"{SECRET}x"},
        ),
        (
            {"command": "npx", "args": ["--header", f"Authorization: Bearer {SECRET}"]},
            {"command": "npx", "args": ["--header", "Authorization: Bearer ${MCP_ONE_AUTHORIZATION}"]},
            {"MCP_ONE_AUTHORIZATION": SECRET},
        ),
        (
            {"url": f"http://127.0.0.1:9/mcp?a=1&api_key={SECRET}"},
            {"url": "http://127.0.0.1:9/mcp?a=1&api_key=${MCP_ONE_API_KEY}"},
            {"MCP_ONE_API_KEY": SECRET},
        ),
    ],
    ids=["environment", "headers", "options", "header in arguments", "url"],
)
def test_credentials_become_variables(server: dict[str, Any], entry: dict[str, Any], secrets: dict[str, str]):
    found = taken(server)
    assert found.entry == entry
    assert found.secrets == secrets
    assert SECRET not in repr(found)


def test_a_variable_that_means_something_else_already_is_not_taken():
    found = taken({"command": "npx", "env": {"TOKEN": SECRET}}, variables={"TOKEN": "another"})
    assert found.secrets == {"MCP_ONE_TOKEN": SECRET}
    assert found.entry["env"] == {"TOKEN": "${MCP_ONE_TOKEN}"}


def test_a_variable_that_the_client_refers_to_stays_a_reference():
    found = taken({"command": "npx", "env": {"TOKEN": "${MY_TOKEN}"}}, variables={"MY_TOKEN": SECRET})
    assert found.entry["env"] == {"TOKEN": "${MY_TOKEN}"}
    assert found.secrets == {}


def test_without_leave_to_copy_credentials_their_servers_are_left_out():
    adoption = take({"command": "npx", "env": {"TOKEN": SECRET}}, secrets=False)
    assert adoption.adopted == {}
    assert adoption.left_out[0].reason.startswith("it holds credentials")


@pytest.mark.parametrize(
    ("server", "client", "reason"),
    [
        ({"type": "ws", "url": "http://127.0.0.1:9/"}, "Cursor", "servers over WebSocket are not supported"),
        ({"command": "npx", "env": {"T": "${input:token}"}}, "VS Code", "is for an editor that can ask its user"),
        ({"command": "npx", "args": ["${UNSET}"]}, "Claude Code", "the variable UNSET is not set"),
        ({"args": ["x"]}, "Cursor", "a server needs a command or a URL"),
        ({"command": ["npx"]}, "Cursor", "must be a string"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_the_reason(server: dict[str, Any], client: str, reason: str):
    adoption = take(server, client=client)
    assert adoption.adopted == {}
    assert reason in adoption.left_out[0].reason


def test_what_only_means_something_to_the_client_is_dropped():
    found = taken({"command": "npx", "alwaysAllow": ["*"], "autoApprove": ["x"], "novelty": 1, "disabled": True})
    assert found.entry == {"command": "npx", "disabled": True}


def test_paths_no_longer_depend_on_the_client():
    found = taken({"command": "npx", "args": ["${workspaceFolder}/docs"], "cwd": "sub"})
    assert found.entry == {"command": "npx", "args": ["/home/me/project/docs"], "cwd": "/home/me/project/sub"}


def test_of_two_clients_with_the_same_server_one_counts_and_different_ones_keep_apart():
    adoption = Adoption({}, with_secrets=True)
    for client, package in (("Cursor", "a"), ("Windsurf", "a"), ("VS Code", "b"), ("VS Code", "c")):
        file = ClientFile(client, Path("/x.json"), Path("/"))
        adoption.take(ClientServers(file, {"git hub!": {"command": "npx", "args": [package]}}))
    assert list(adoption.adopted) == ["git-hub", "git-hub-vs"]
    assert [one.reason for one in adoption.left_out] == ["another server has this name"]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_files_of_clients_are_found_where_they_keep_them(tmp_path: Path):
    home, folder = tmp_path / "home", tmp_path / "project"
    one = orjson.dumps({"mcpServers": {"a": {"command": "a"}}}).decode()
    write(folder / ".mcp.json", one)
    write(folder / ".vscode" / "mcp.json", '{"servers": {"b": {"command": "b"}}, // a comment\n}')
    write(home / ".cursor" / "mcp.json", one)
    write(home / ".gemini" / "settings.json", '{"theme": "dark"}')
    write(home / ".config" / "Claude" / "claude_desktop_config.json", "{broken")
    projects = {str(folder): {"mcpServers": {"c": {"command": "c"}}}, "/other": {"mcpServers": {"d": {}}}}
    write(
        home / ".claude.json", orjson.dumps({"projects": projects, "mcpServers": {"e": {"command": "e"}}}).decode()
    )
    found = find_client_servers(folder, {"HOME": str(home)})
    assert [(one.file.client, list(one.servers), one.fault is None) for one in found] == [
        ("Claude Code", ["a"], True),
        ("VS Code", ["b"], True),
        ("Claude Code", ["c", "e"], True),
        ("Claude Desktop", [], False),
        ("Cursor", ["a"], True),
    ]
    assert all(one.file.base == (folder if one.file.path.is_relative_to(folder) else home) for one in found)
