"""`toolgate connect`: what a client's files must say, printed or put into those that are there."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from gateway.cli.connecting.clients import CLIENTS
from gateway.cli.connecting.merging import MergeFault, merged_json, merged_toml
from tests.support.shells import CONFIG, Shell

CODEX = '# mine\nmodel = "gpt-5.4"  # the best\n\n[mcp_servers.other]\ncommand = "x"\n'


@pytest.mark.parametrize("client", list(CLIENTS))
def test_every_client_gets_the_url_and_the_name_of_the_variable_but_no_key(shell: Shell, client: str):
    shell.patch.setenv("TOOLGATE_KEY", "tg-secret-0123456789")
    printed = shell.run("connect", client, "--url", "https://gate.example/")
    assert printed.status == 0
    assert "https://gate.example/mcp" in printed.out
    assert "tg-secret" not in printed.out + printed.err
    assert client == "claude-desktop" or "TOOLGATE_KEY" in printed.out
    assert [*shell.folder.iterdir(), *(shell.folder.parent / "home").iterdir()] == []
    assert shell.run("connect", client, "--url", "https://gate.example/mcp").out == printed.out


@pytest.mark.parametrize("client", list(CLIENTS))
def test_written_twice_the_files_are_the_same(shell: Shell, client: str):
    first = shell.run("connect", client, "--write")
    assert (first.status, first.out) == (0, "")
    files = {path: path.read_text() for path in shell.folder.parent.rglob("*") if path.is_file()}
    assert files
    again = shell.run("connect", client, "--write", "--json")
    assert not any(again.json["written"].values())
    assert files == {path: path.read_text() for path in shell.folder.parent.rglob("*") if path.is_file()}


def test_what_a_file_says_already_stays(shell: Shell):
    other = {"command": "x"}
    before = {"inputs": [1], "mcpServers": {"other": other, "toolgate": {"url": "http://old/", "disabled": True}}}
    shell.write({".cursor/mcp.json": json.dumps(before, indent=4)})
    assert shell.run("connect", "cursor", "--write").status == 0
    text = (shell.folder / ".cursor/mcp.json").read_text()
    after: dict[str, Any] = json.loads(text)
    assert (after["inputs"], after["mcpServers"]["other"]) == ([1], other)
    assert after["mcpServers"]["toolgate"]["url"] == "http://127.0.0.1:8484/mcp"
    assert after["mcpServers"]["toolgate"]["disabled"] is True
    assert '\n    "inputs"' in text, "indented as it was"


def test_comments_are_not_lost(shell: Shell):
    text = '{\n  // what I use\n  "servers": {},\n}\n'
    shell.write({".vscode/mcp.json": text})
    ended = shell.run("connect", "vscode", "--write")
    assert ended.status == 1
    assert "has comments" in ended.err
    assert "without --write" in ended.err
    assert (shell.folder / ".vscode/mcp.json").read_text() == text


def test_codexs_file_keeps_its_text_and_gets_tables_at_its_end(shell: Shell):
    path = shell.folder.parent / "home/.codex/config.toml"
    path.parent.mkdir()
    path.write_text(CODEX)
    path.chmod(0o600)
    assert shell.run("connect", "codex", "--write").status == 0
    text = path.read_text()
    assert CODEX in text
    assert path.stat().st_mode & 0o777 == 0o600
    written = tomllib.loads(text)
    assert (written["model"], written["model_provider"]) == ("gpt-5.4", "toolgate")
    assert written["mcp_servers"]["toolgate"]["bearer_token_env_var"] == "TOOLGATE_KEY"
    assert written["model_providers"]["toolgate"]["base_url"] == "http://127.0.0.1:8484/v1"


def test_nothing_is_written_when_one_of_the_files_cannot_be(shell: Shell):
    shell.write({".claude/settings.local.json": "{//\n}"})
    assert shell.run("connect", "claude-code", "--write").status == 1
    assert not (shell.folder / ".mcp.json").exists()


def test_tools_and_models_can_be_had_apart(shell: Shell):
    tools = shell.run("connect", "claude-code", "--no-models").out
    models = shell.run("connect", "claude-code", "--no-tools").out
    assert ("mcpServers" in tools, "ANTHROPIC_BASE_URL" in tools) == (True, False)
    assert ("mcpServers" in models, "ANTHROPIC_BASE_URL" in models) == (False, True)
    assert shell.run("connect", "cursor", "--no-tools").status == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--url", "gate.example"), "--url must be an http or https URL"),
        (("--url", "https://u:p@gate.example"), "user or password"),
        (("--url", "https://gate.example/?a=b"), "--url must not hold a query"),
        (("--key-env", "tg-0123456789abcdef"), "give the name, not the key"),
    ],
)
def test_what_cannot_be_meant_is_refused(shell: Shell, arguments: tuple[str, ...], message: str):
    ended = shell.run("connect", "cursor", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "cannot be read"),
        ("[]", "not hold an object"),
        ('{"a": 1,}', "commas at ends"),
    ],
)
def test_json_that_would_lose_something_is_refused(text: str, why: str):
    with pytest.raises(MergeFault, match=why):
        merged_json(text, {"b": 1})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = ", "cannot be read"),
        ('key = "other"', "key is there already"),
        ("[one.two]\nkey = 1\n", "one.two is there already"),
        ("one = 1", "one is there already"),
        ("one = {three = 1}", "safely|cannot be read"),
    ],
)
def test_toml_that_says_something_else_is_refused(text: str, why: str):
    with pytest.raises(MergeFault, match=why):
        merged_toml(text, {"key": "value", "one": {"two": {"key": "value"}}})


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("{port: 9000}", "http://127.0.0.1:9000/mcp"),
        ("{host: 0.0.0.0, port: 9000}", "http://127.0.0.1:9000/mcp"),
        ("{host: '::1', port: 0}", "http://[::1]:8484/mcp"),
        ("{port: wrong}", "http://127.0.0.1:8484/mcp"),
    ],
)
def test_the_gateway_of_the_folder_is_meant_unless_another_is_named(configured: Shell, listen: str, url: str):
    configured.write({"gateway.yaml": f"{CONFIG}listen: {listen}\n"})
    ended = configured.run("connect", "cursor")
    assert f'"{url}"' in ended.out
    assert ("gateway.yaml is wrong" in ended.err) is ("wrong" in listen)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "something twice"),
        ('{"mcpServers": [{"name": "mine"}]}', "mcpServers is there already, and is no object"),
        ('{"mcpServers": {"toolgate": "mine"}}', "toolgate is there already"),
        ('{"a":' * 20_000 + "1" + "}" * 20_000, "nested too deeply"),
    ],
)
def test_json_that_would_lose_something_stays_as_it_is(text: str, said: str):
    with pytest.raises(MergeFault) as fault:
        merged_json(text, {"mcpServers": {"toolgate": {"url": "x"}}})
    assert said in fault.value.message


def test_numbers_stay_what_they_are():
    merged = merged_json('{"id": 123456789012345678901234567890}', {"a": {}})
    assert json.loads(merged)["id"] == 123456789012345678901234567890
