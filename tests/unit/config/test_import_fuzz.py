"""Whatever stands in a file, an importer gives servers that load, or says in words what is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.editing import EditFault, with_servers
from gateway.config.importers import FORMATS, Format, import_servers
from gateway.config.importers.finishing import fault_of, placeholders
from gateway.config.yaml_lines import yaml_lines
from gateway.errors import ConfigError
from tool_policies import load_yaml

WORDS = [
    *("command", "args", "env", "envFile", "cwd", "url", "headers", "type", "timeout", "disabled", "sandbox"),
    *("inputs", "id", "password", "default", "options", "description", "servers", "mcp", "projects"),
    *("transport", "auth_type", "auth_value", "alias", "static_headers", "allowed_tools", "extra_headers"),
    *("client_configs", "name", "connection_type", "connection_string", "stdio_config", "envs", "env_var"),
    *("tools_to_execute", "packages", "remotes", "registryType", "identifier", "version", "packageArguments"),
    *("environmentVariables", "isRequired", "isSecret", "value", "variables", "valueHint", "transport_type"),
]
TEXTS = [
    *("npx", "https://h.example/mcp", "stdio", "http", "sse", "bearer_token", "basic", "os.environ/A", "env.B"),
    *("${input:x}", "${C}", "${D:-e}", "${", "$${", "{x}", "named", "positional", "npm", "pypi", "oci", "1.0.0"),
    *("io.x/y", "", "\0", "ü", "a b", "promptString", "streamable-http", "${workspaceFolder}"),
]
LEAVES = st.none() | st.booleans() | st.integers(-1, 9) | st.floats(0, 1) | st.sampled_from(TEXTS)
KEYS = st.sampled_from(WORDS) | st.sampled_from(TEXTS)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=30
)
_ARGUMENT = {
    "type": "named",
    "name": "--x",
    "value": "{v}",
    "variables": {"v": {"default": "d"}},
    "format": "string",
}
_VARIABLE = {"name": "A_KEY", "description": "d", "isRequired": True, "isSecret": True, "choices": ["a"]}
_CLIENT = {
    "type": "stdio",
    "command": "npx",
    "args": ["-y", "x"],
    "env": {"A": "b", "API_KEY": "c"},
    "cwd": "/tmp",
    "disabled": False,
    "timeout": 5000,
    "sandbox": {"network": "open"},
    "alwaysAllow": ["t"],
}
_REMOTE = {"type": "http", "url": "https://h.example/mcp", "headers": {"X-Api-Key": "k", "A": "${input:one}"}}
_LITELLM = {
    "url": "https://h.example/mcp",
    "transport": "http",
    "auth_type": "bearer_token",
    "auth_value": "os.environ/A",
    "alias": "b",
    "timeout": 3,
    "static_headers": {"A": "b"},
    "extra_headers": ["x"],
    "allowed_tools": ["t"],
    "disallowed_tools": ["u"],
    "description": "d",
    "mcp_info": {},
    "access_groups": ["g"],
}
_COMMAND = {"command": "npx", "args": ["x"], "envs": ["A", "HOME", "B=c"]}
_BIFROST = {
    "name": "a",
    "connection_type": "http",
    "connection_string": {"env_var": "env.U", "from_env": True},
    "headers": {"A": {"value": "b", "from_env": False}},
    "tools_to_execute": ["t"],
    "disabled": False,
    "tools_to_auto_execute": ["t"],
    "oauth_config": {},
    "allowed_extra_headers": ["x"],
}
_PACKAGE = {
    "registryType": "npm",
    "identifier": "x",
    "version": "1.0.0",
    "transport": {"type": "stdio"},
    "runtimeArguments": [_ARGUMENT],
    "packageArguments": [_ARGUMENT],
    "environmentVariables": [_VARIABLE],
}
_ASKED = {
    "type": "pickString",
    "id": "one",
    "description": "d",
    "options": ["a"],
    "default": "a",
    "password": False,
}
_TRANSPORT = {"type": "streamable-http", "url": "https://h/{v}", "headers": [_VARIABLE], "variables": {"v": {}}}
RIGHT: dict[Format, Any] = {
    "vscode": {"inputs": [_ASKED], "servers": {"a": _CLIENT, "b": _REMOTE}},
    "claude": {"mcpServers": {"a": _CLIENT, "b": _REMOTE}, "projects": {"/x": {"mcpServers": {"c": _CLIENT}}}},
    "cursor": {"mcpServers": {"a": _CLIENT, "b": _REMOTE}},
    "server-json": {
        "name": "io.x/y",
        "description": "d",
        "version": "1.0.0",
        "title": "t",
        "packages": [_PACKAGE],
        "remotes": [_TRANSPORT],
        "_meta": {},
        "repository": {"url": "https://x", "source": "github"},
    },
    "litellm": {
        "mcp_servers": {"a": _LITELLM, "c": {"command": "npx", "args": ["x"], "env": {"A": "os.environ/B"}}},
        "litellm_settings": {"mcp_aliases": {"d": "c"}},
    },
    "bifrost": {
        "mcp": {"client_configs": [_BIFROST, {"name": "c", "connection_type": "stdio", "stdio_config": _COMMAND}]}
    },
}
ODD = [None, True, 7, 0.5, "", "text", "${", "a\0b", [], ["x", 1], [[]], {}, {"x": 1}, {"": None}]


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield (*above, step)
        yield from paths(one, (*above, step))


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    changed = copy.deepcopy(value)
    here = changed
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = odd
    return changed


CHECKED: set[str] = set()
"""Servers that were found to be right: most of them come out the same wherever a value is odd."""


def check(form: Format, value: Any) -> int:
    """How many servers could be taken over."""
    try:
        imported = import_servers(json.dumps(value), Path("/nonexistent/file.json"), form)
    except ConfigError as error:
        return -len(error.problems)
    for server in imported.servers:
        known = repr(server)
        if known in CHECKED:
            continue
        CHECKED.add(known)
        assert fault_of(server.name, server.entry, placeholders(server.entry), Path("/nonexistent")) is None
        assert load_yaml(yaml_lines({server.name: dict(server.entry)})).value == {server.name: server.entry}
    return len(imported.servers)


@pytest.mark.parametrize("form", list(FORMATS))
def test_a_value_of_the_wrong_kind_anywhere_leaves_a_server_out_or_is_refused_in_words(form: Format):
    assert check(form, RIGHT[form]) == (1 if form == "server-json" else 2)
    for path in paths(RIGHT[form]):
        for odd in ODD:
            check(form, replaced(RIGHT[form], path, odd))


@given(tree=TREES)
def test_any_tree_is_taken_over_or_refused_in_words(tree: Any):
    for form in FORMATS:  # making a tree costs more than reading it
        check(form, tree)


DOCUMENTS = st.dictionaries(
    st.sampled_from(["version", "keys", "mcpServers", "policy_files"]),
    LEAVES | st.dictionaries(KEYS, TREES, max_size=3),
    max_size=4,
)


@given(document=DOCUMENTS, indent=st.sampled_from([None, 1, 3]), block=st.booleans())
def test_a_file_keeps_its_values_whatever_they_are(document: dict[str, Any], indent: int | None, block: bool):
    text = yaml_lines(document) if block else json.dumps(document, indent=indent)
    entry = {"command": "npx", "args": ["${A}"]}
    try:
        before = load_yaml(text).value
        after = with_servers(text, {"new server": entry}, {"new server": yaml_lines({"new server": entry})})
    except (EditFault, ValueError):
        return
    own = (before or {}).get("mcpServers") or {}
    assert load_yaml(after).value == {**(before or {}), "mcpServers": {**own, "new server": entry}}
