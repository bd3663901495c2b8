"""Files of MCP clients are read unchanged, beside the gateway's own file or instead of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Config, HttpServerConfig, StdioServerConfig, load_config
from gateway.errors import ConfigError, Problem
from tests.unit.config.folders import ENVIRON, EXAMPLE, POLICIES, SECRET, Folder

CLAUDE_DESKTOP = """\
{
  "globalShortcut": "Ctrl+Space",
  "preferences": {"menuBarEnabled": false},
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/ada/notes"]
    },
    "tickets": {
      "command": "docker",
      "args": ["run", "-i", "--rm", "-e", "TICKETS_TOKEN", "example/tickets-mcp"],
      "env": {"TICKETS_TOKEN": "t0p-s3cr3t"}
    }
  }
}
"""
CLAUDE_CODE = """\
{
  "mcpServers": {
    "docs": {
      "type": "http",
      "url": "${DOCS_URL:-https://docs.example/mcp}",
      "headers": {"Authorization": "Bearer ${REMOTE_TOKEN}"},
      "timeout": 600000,
      "alwaysLoad": true
    },
    "database": {
      "type": "stdio",
      "command": "uvx",
      "args": ["postgres-mcp", "--access-mode=restricted"],
      "env": {"DATABASE_URI": "${OPENAI_API_KEY}", "PRICE": "5$ or $$5"}
    }
  }
}
"""
CURSOR = """\
{
  "mcpServers": {
    "search": {
      "url": "https://search.example/mcp",
      "headers": {"X-Api-Key": "${env:REMOTE_TOKEN}"},
      "auth": {"CLIENT_ID": "id", "CLIENT_SECRET": "hush", "scopes": ["read"]}
    },
    "browser": {"command": "npx", "args": ["@playwright/mcp@1.2.3"], "disabled": true, "autoApprove": ["navigate"]}
  }
}
"""
VS_CODE = """\
// kept in .vscode/mcp.json
{
\t"inputs": [{"type": "promptString", "id": "key", "password": true}],
\t"servers": {
\t\t"github": {"type": "http", "url": "https://git.example/mcp/"}, /* signs in by itself */
\t\t"time": {
\t\t\t"type": "stdio",
\t\t\t"command": "uvx",
\t\t\t"args": ["mcp-server-time"],
\t\t\t"envFile": "time.env",
\t\t\t"sandboxEnabled": true,
\t\t\t"dev": {"watch": "src/**"},
\t\t},
\t},
}
"""
GEMINI = """\
{
  "theme": "Default",
  "mcpServers": {
    "tool": {"httpUrl": "http://localhost:3000/mcp", "timeout": 5000, "trust": true, "includeTools": ["a"]}
  }
}
"""


def test_claude_desktops_file_is_read_unchanged(folder: Folder):
    config = _alone(folder, "claude_desktop_config.json", CLAUDE_DESKTOP)
    assert [server.name for server in config.servers] == ["filesystem", "tickets"]
    tickets = config.servers[1]
    assert isinstance(tickets, StdioServerConfig)
    assert tickets.server.command == "docker"
    assert tickets.server.env == {"TICKETS_TOKEN": "t0p-s3cr3t"}
    assert config.warnings == ()


def test_claude_codes_file_is_read_unchanged(folder: Folder):
    docs, database = _alone(folder, ".mcp.json", CLAUDE_CODE).servers
    assert docs == HttpServerConfig(
        "docs", "https://docs.example/mcp", {"Authorization": "Bearer remote-secret"}, timeout_seconds=600.0
    )
    assert isinstance(database, StdioServerConfig)
    assert database.server.env == {"DATABASE_URI": "openai-secret", "PRICE": "5$ or $$5"}


def test_cursors_file_is_read_unchanged(folder: Folder):
    config = _alone(folder, "mcp.json", CURSOR)
    search, browser = config.servers
    assert isinstance(search, HttpServerConfig)
    assert search.headers == {"X-Api-Key": "remote-secret"}
    assert browser.disabled
    assert [(warning.line, warning.field) for warning in config.warnings] == [
        (6, "mcpServers.search.auth"),
        (8, "mcpServers.browser.autoApprove"),
    ]


def test_vs_codes_file_is_read_with_its_comments(folder: Folder):
    folder.write(".vscode/time.env", "ZONE=UTC\n")
    config = _alone(folder, ".vscode/mcp.json", VS_CODE)
    github, time = config.servers
    assert github == HttpServerConfig("github", "https://git.example/mcp/")
    assert isinstance(time, StdioServerConfig)
    assert time.server.env == {"ZONE": "UTC"}
    assert config.locate(("mcpServers", "time", "command")) == (str(folder.path / ".vscode/mcp.json"), 8)


def test_gemini_clis_file_is_read_unchanged(folder: Folder):
    config = _alone(folder, "settings.json", GEMINI)
    assert config.servers == (HttpServerConfig("tool", "http://localhost:3000/mcp", timeout_seconds=5.0),)
    assert [warning.field for warning in config.warnings] == [
        "mcpServers.tool.trust",
        "mcpServers.tool.includeTools",
    ]


def test_alone_it_configures_servers_and_nothing_else(folder: Folder):
    config = _alone(folder, ".mcp.json", CLAUDE_CODE)
    assert (config.path, config.keys, config.models, dict(config.providers)) == (None, (), {}, {})
    assert config.listen.host == "127.0.0.1"
    assert config.policies.names == ()
    assert config.locate(("keys",)) == ("(no file)", None)


def test_beside_the_gateways_file_servers_are_joined(folder: Folder):
    folder.write("policies/readers.yaml", POLICIES)
    other = folder.write("clients/.mcp.json", CLAUDE_CODE)
    config = folder.load(EXAMPLE, other)
    assert [server.name for server in config.servers] == ["files", "time", "remote", "docs", "database"]
    assert config.locate(("mcpServers", "docs")) == (str(other), 3)
    assert config.locate(("mcpServers", "files")) == (str(config.path), 10)


def test_variables_come_from_the_env_file_beside_the_gateways_file(folder: Folder):
    folder.write(".env", "REMOTE_TOKEN=from-env-file\nOPENAI_API_KEY=x\n")
    path = folder.write("gateway.yaml", f"version: 1\nkeys: {{a: {{secret: {SECRET}}}}}\n")
    other = folder.write("clients/.mcp.json", CLAUDE_CODE)
    docs = load_config(path, mcp_configs=[other], environ={}).servers[0]
    assert isinstance(docs, HttpServerConfig)
    assert docs.headers == {"Authorization": "Bearer from-env-file"}


def test_a_name_in_two_files_is_refused(folder: Folder):
    one = folder.write("one.json", '{"mcpServers": {"a": {"command": "x"}}}')
    two = folder.write("two.json", '{\n"servers": {\n"a": {"command": "y"}}}')
    (problem,) = _refused(one, two)
    assert (problem.file, problem.line, problem.field) == (str(two), 3, "servers.a")
    assert problem.message == "another server has this name"
    assert problem.hint == f"rename one of them; the other is in {one}, line 1"


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("${input:api-key}", "an editor that can ask", "${API_KEY}"),
        ("${workspaceFolder}/x", "known to an editor only", "the path itself"),
        ("${userHome}/x", "known to an editor only", "the path itself"),
        ("${env:workspaceFolder}", "known to an editor only", "the path itself"),
        ("${MISSING}", "the variable MISSING is not set", ".env file"),
        ("${file:secret.txt}", "not read on behalf of a client's file", "the gateway's file"),
    ],
)
def test_variables_that_nobody_can_fill_are_refused(folder: Folder, reference: str, message: str, hint: str):
    folder.write("secret.txt", "hush")
    text = '{"servers": {\n"a": {"command": "x",\n"args": ["--x", "%s"]}}}' % reference  # noqa: UP031 - braces
    (problem,) = _refused(folder.write("mcp.json", text))
    assert (problem.line, problem.field) == (3, "servers.a.args[1]")
    assert message in problem.message
    assert hint in str(problem.hint)


def test_what_stands_outside_the_servers_is_not_looked_at(folder: Folder):
    text = '{"other": "${MISSING}", "mcpServers": {"a": {"command": "x"}}}'
    assert len(_alone(folder, "x.json", text).servers) == 1


def test_a_setting_of_a_newer_client_is_a_warning_and_a_misspelt_one_shows(folder: Folder):
    config = _alone(folder, "x.json", '{"mcpServers": {"a": {"command": "x", "agrs": ["y"], "hologram": 1}}}')
    assert [(one.field, one.hint) for one in config.warnings if "agrs" in str(one)] == [
        ("mcpServers.a.agrs", "did you mean args?")
    ]
    assert len(config.warnings) == 2


def test_our_own_part_is_never_misspelt_in_silence(folder: Folder):
    text = '{"mcpServers": {"a": {"command": "x", "sandbox": {"netwrok": "none"}}}}'
    (problem,) = _refused(folder.write("x.json", text))
    assert problem.hint == "did you mean network?"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("{}", "no MCP servers", None),
        ("", "a value is wanted", 1),
        ("[]", "must hold a mapping", 1),
        ('{"mcpServers": []}', "no MCP servers", None),
        ('{\n"mcpServers": {"a": {"command": "x"}\n', "a comma or } is wanted", 3),
        ('{\n"mcpServers": {"a": {}, "a": {}}}', "given twice", 2),
    ],
)
def test_what_holds_no_servers_is_refused(folder: Folder, text: str, message: str, line: int | None):
    (problem,) = _refused(folder.write("x.json", text))
    assert message in problem.message
    assert problem.line == line


def test_mistakes_in_all_files_are_told_together(folder: Folder):
    one = folder.write("one.json", '{"mcpServers": {"a": {}}}')
    missing = folder.path / "missing.json"
    problems = folder.problems("version: 1\nkeys: {}\n", one, missing)
    assert [Path(problem.file).name for problem in problems] == ["gateway.yaml", "one.json", "missing.json"]


def _alone(folder: Folder, name: str, text: str) -> Config:
    return load_config(None, mcp_configs=[folder.write(name, text)], environ=ENVIRON)


def _refused(*paths: Path) -> list[Problem]:
    with pytest.raises(ConfigError) as raised:
        load_config(None, mcp_configs=paths, environ=ENVIRON)
    return list(raised.value.problems)
