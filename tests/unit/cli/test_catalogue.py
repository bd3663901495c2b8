"""The catalogue of well-known servers, and how one of them is added."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateway.cli.registering.catalogue import entry_of, names, text_of
from gateway.config import load_config
from gateway.config.importers.server_document import ServerJson
from tests.support.shells import CONFIG, Shell

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


def test_there_are_enough_of_them():
    assert len(names()) >= 25
    assert {"github", "filesystem", "time", "fetch", "notion", "linear", "everything"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_an_entry_is_a_server_json_of_the_registry_in_todays_form(name: str):
    written: dict[str, Any] = json.loads(text_of(name))
    document = ServerJson.model_validate(written)
    assert written["$schema"] == SCHEMA
    assert set(written) <= {
        *("$schema", "name", "title", "description", "version", "websiteUrl", "repository"),
        *("packages", "remotes", "_meta"),
    }
    assert "_" not in re.sub(r"[A-Z0-9]*_[A-Z0-9_]*", "", "".join(_keys(written)).replace("_meta", ""))
    assert document.packages or document.remotes
    assert all(package.version for package in document.packages), "packages are pinned"
    assert all(str(remote.url).startswith("https://") for remote in document.remotes)


def _keys(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [name for key, inner in value.items() for name in [key, *_keys(inner)]]
    return [name for inner in value for name in _keys(inner)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", names())
def test_an_entry_can_be_added_to_a_configuration_that_is_then_right(configured: Shell, name: str):
    ended = configured.run("servers", "add", name)
    assert ended.status == 0
    path = configured.folder / "gateway.yaml"
    assert path.read_text().startswith(CONFIG)
    entry = entry_of(name)
    variables = {one.name: "https://x.example" for one in entry.imported.variables}
    assert all(f"set {variable}" in ended.err for variable in variables)
    assert f'allow: ["{name}/' in ended.err
    (server,) = load_config(path, environ=variables).servers
    assert server.name == name


def test_the_lines_can_be_printed_instead(configured: Shell):
    ended = configured.run("servers", "add", "memory", "--print")
    assert ended.out.startswith("mcpServers:\n  # Memory: ")
    assert "workspace: /workspace" in ended.out
    assert (configured.folder / "gateway.yaml").read_text() == CONFIG
    assert "a folder of each key's own at /workspace" in ended.err


def test_a_server_can_go_by_another_name_and_a_name_only_once(configured: Shell):
    assert configured.run("servers", "add", "time", "--as", "clock").status == 0
    again = configured.run("servers", "add", "time", "--as", "clock")
    assert (again.status, "there is a server clock already" in again.err) == (1, True)
    assert configured.run("servers", "add", "time", "--as", "a/b").status == 2


def test_a_name_that_is_not_there_gets_the_nearest(shell: Shell):
    ended = shell.run("servers", "add", "githb")
    assert (ended.status, "did you mean github?" in ended.err) == (2, True)
    unlike = shell.run("servers", "add", "zzzzzz")
    assert "toolgate servers catalog" in unlike.err


def test_it_is_listed_for_people_and_for_programs(shell: Shell):
    listed = shell.run("servers", "catalog")
    assert len(listed.out.splitlines()) == len(names()) + 1
    found = shell.run("servers", "catalog", "--json").json["servers"]
    assert [one["name"] for one in found] == names()
    github = next(one for one in found if one["name"] == "github")
    assert github["server"]["headers"] == {"Authorization": "Bearer ${GITHUB_TOKEN}"}
    assert github["variables"][0]["secret"] is True
    assert next(one for one in found if one["name"] == "figma")["sign_in"] == "oauth"
