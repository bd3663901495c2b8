"""`toolgate config import`: printed, or put into a person's own file."""

from __future__ import annotations

import json

from gateway.config import load_config
from tests.support.shells import CONFIG, Shell

SECRET = "ghp_0123456789abcdefghij"
CLIENT = json.dumps(
    {
        "mcpServers": {
            "time": {"command": "uvx", "args": ["mcp-server-time==2026.10.19"], "alwaysAllow": ["x"]},
            "git": {"url": "https://git.example/mcp", "headers": {"Authorization": f"Bearer {SECRET}"}},
        }
    },
    indent=1,
)
HALF = '{"mcpServers": {"a": {"command": "npx"},\n"b": {}}}'


def test_the_lines_to_paste_are_printed_and_what_is_left_to_do_is_said(configured: Shell):
    configured.write({".mcp.json": CLIENT})
    ended = configured.run("config", "import", ".mcp.json")
    assert ended.status == 0
    assert ended.out.startswith("mcpServers:\n  # from Claude: .mcp.json\n")
    assert "# line 8: mcpServers.time.alwaysAllow: a client's approvals grant nothing here" in ended.out
    assert "Bearer ${MCP_GIT_AUTHORIZATION}" in ended.out
    assert "set MCP_GIT_AUTHORIZATION" in ended.err
    assert 'allow: ["time/*"]' in ended.err
    assert SECRET not in ended.out + ended.err
    configured.write({"gateway.yaml": CONFIG + ended.out, ".env": "MCP_GIT_AUTHORIZATION=x\n"})
    assert configured.run("check").status == 0


def test_they_can_be_written_into_the_file_which_keeps_the_rest(configured: Shell):
    configured.write({".mcp.json": CLIENT, "gateway.yaml": f"# mine\n{CONFIG}"})
    (configured.folder / "gateway.yaml").chmod(0o640)
    ended = configured.run("config", "import", ".mcp.json", "--write")
    assert (ended.status, ended.out) == (0, "")
    assert "wrote 2 servers to gateway.yaml" in ended.err
    path = configured.folder / "gateway.yaml"
    text = path.read_text()
    assert text.startswith(f"# mine\n{CONFIG}\nmcpServers:\n")
    assert SECRET not in text
    assert path.stat().st_mode & 0o777 == 0o640
    config = load_config(path, environ={"MCP_GIT_AUTHORIZATION": "x"})
    assert [server.name for server in config.servers] == ["time", "git"]
    assert sorted(one.name for one in configured.folder.iterdir()) == [
        ".mcp.json",
        "gateway.yaml",
        "policies.yaml",
    ]


def test_a_name_that_is_taken_leaves_the_file_as_it_is(configured: Shell):
    text = f"{CONFIG}mcpServers:\n  git: {{command: x}}\n"
    configured.write({".mcp.json": CLIENT, "gateway.yaml": text})
    ended = configured.run("config", "import", ".mcp.json", "--write")
    assert ended.status == 1
    assert "there is a server git already" in ended.err
    assert (configured.folder / "gateway.yaml").read_text() == text


def test_mistakes_that_the_file_has_already_are_not_in_the_way(configured: Shell):
    configured.write({".mcp.json": CLIENT, "gateway.yaml": CONFIG + "kyes: {}\n"})
    assert configured.run("config", "import", ".mcp.json", "--write").status == 0


def test_without_a_file_to_write_to_it_says_how_one_is_made(shell: Shell):
    shell.write({".mcp.json": CLIENT})
    ended = shell.run("config", "import", ".mcp.json", "--write")
    assert ended.status == 2
    assert "toolgate init" in ended.err


def test_json_has_everything_for_programs(configured: Shell):
    configured.write({".mcp.json": CLIENT})
    found = configured.run("config", "import", ".mcp.json", "--json").json
    assert (found["format"], found["written"], list(found["servers"])) == ("claude", False, ["time", "git"])
    assert [one["name"] for one in found["variables"]] == ["MCP_GIT_AUTHORIZATION"]
    assert [(one["server"], one["line"]) for one in found["notes"]] == [("time", 8)]
    assert SECRET not in json.dumps(found)


def test_what_is_left_out_is_told_with_its_line_and_shows_in_the_status(configured: Shell):
    configured.write({"mcp.json": HALF})
    ended = configured.run("config", "import", "mcp.json")
    assert ended.status == 1
    assert "warning: mcp.json:2: b is left out: a server needs a command or a URL" in ended.err
    assert "npx" in ended.out


def test_a_file_without_servers_is_a_failure_in_words(configured: Shell):
    configured.write({"x.json": "{}", "y.json": '{"mcpServers": {"a": {}}}', "z.json": "{"})
    nothing, useless, broken = (
        configured.run("config", "import", name) for name in ("x.json", "y.json", "z.json")
    )
    assert (nothing.status, useless.status, broken.status) == (2, 1, 2)
    assert "--from vscode|claude" in nothing.err
    assert "no server of y.json can be taken over" in useless.err
    assert "z.json:1:" in broken.err
