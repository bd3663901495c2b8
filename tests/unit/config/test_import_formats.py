"""Servers out of other products' files, as their documentation writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.importers import Format, Imported, import_servers, read_file
from gateway.errors import ConfigError

VS_CODE_INPUTS = """\
{
    "inputs": [
        {
            "type": "promptString",
            "id": "perplexity-key",
            "description": "Perplexity API Key",
            "password": true
        }
    ],
    "servers": {
        "perplexity": {
            "type": "stdio",
            "command": "npx",
            "args": [
                "-y",
                "server-perplexity-ask"
            ],
            "env": {
                "PERPLEXITY_API_KEY": "${input:perplexity-key}"
            }
        }
    }
}
"""
VS_CODE_SANDBOX = """\
{
    "servers": {
        "myServer": {
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "@example/mcp-server"],
            "sandboxEnabled": true,
            "sandbox": {
                "filesystem": {
                    "allowWrite": ["${workspaceFolder}"],
                    "denyRead": ["${userHome}/.ssh"]
                },
                "network": {
                    "allowedDomains": ["api.example.com", "*.cdn.example.com"]
                }
            }
        }
    }
}
"""
CURSOR = """\
{
  "mcpServers": {
    "local-server": {
      "command": "python",
      "args": ["${workspaceFolder}/tools/mcp_server.py"],
      "env": {"API_KEY": "${env:API_KEY}"},
      "envFile": ".env.mcp"
    },
    "remote-server": {
      "url": "https://api.example.com/mcp",
      "headers": {"Authorization": "Bearer ${env:MY_SERVICE_TOKEN}"}
    }
  }
}
"""
LITELLM = """\
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: sk-xxxxxxx}
litellm_settings:
  mcp_aliases: {gh: github_mcp_server}
mcp_servers:
  zapier_mcp:
    url: "https://actions.zapier.com/mcp/sk-akxxxxx/mcp"
  github_mcp_server:
    url: "https://api.githubcopilot.com/mcp"
    auth_type: bearer_token
    auth_value: os.environ/GITHUB_TOKEN
    allowed_tools: ["list_tools"]
    extra_headers: ["custom_key"]
    timeout: 30
  basic_example:
    url: "https://my-mcp-server.com/mcp"
    auth_type: "basic"
    auth_value: "dXNlcjpwYXNz"
  circleci_mcp:
    transport: "stdio"
    command: "npx"
    args: ["-y", "@circleci/mcp-server-circleci"]
    env:
      CIRCLECI_TOKEN: "your-circleci-token"
      CIRCLECI_BASE_URL: "https://circleci.com"
  petstore:
    url: "https://petstore.example.com"
    spec_path: "/path/to/spec.json"
  signed_in:
    url: "https://signed.example.com/mcp"
    auth_type: oauth2
    client_id: os.environ/CLIENT
"""
BIFROST = """\
{
  "mcp": {
    "client_configs": [
      {
        "name": "filesystem",
        "connection_type": "stdio",
        "is_ping_available": true,
        "stdio_config": {
          "command": "npx",
          "args": ["-y", "@anthropic/mcp-filesystem"],
          "envs": ["HOME", "PATH", "FS_TOKEN"]
        },
        "tools_to_execute": ["*"]
      },
      {
        "name": "web_search",
        "connection_type": "http",
        "connection_string": "env.WEB_SEARCH_MCP_URL",
        "is_ping_available": false,
        "tools_to_execute": ["search", "fetch_url"]
      },
      {
        "name": "headers",
        "connection_type": "http",
        "connection_string": {"value": "", "env_var": "env.HEADERS_URL", "from_env": true},
        "auth_type": "headers",
        "headers": {"Authorization": "Bearer your-api-key", "X-Custom-Header": "value"},
        "allowed_extra_headers": ["x-user-token"]
      },
      {"name": "odd", "connection_type": "inprocess"}
    ]
  }
}
"""


def taken(text: str, name: str = "mcp.json", form: Format | None = None) -> Imported:
    return import_servers(text, Path("/home/ada/project") / name, form)


def entries(imported: Imported) -> dict[str, Any]:
    return {server.name: dict(server.entry) for server in imported.servers}


def test_what_vs_code_asks_its_user_for_becomes_a_variable():
    imported = taken(VS_CODE_INPUTS, ".vscode/mcp.json")
    assert imported.format == "vscode"
    assert entries(imported)["perplexity"]["env"] == {"PERPLEXITY_API_KEY": "${PERPLEXITY_KEY}"}
    (variable,) = imported.variables
    assert (variable.name, variable.description, variable.is_secret) == (
        "PERPLEXITY_KEY",
        "Perplexity API Key",
        True,
    )


def test_rules_of_vs_codes_sandbox_are_not_carried_over_and_that_is_said_with_its_line():
    imported = taken(VS_CODE_SANDBOX, ".vscode/mcp.json")
    assert entries(imported)["myServer"] == {
        "type": "stdio",
        "command": "npx",
        "args": ["-y", "@example/mcp-server"],
    }
    (note,) = imported.notes
    assert (note.line, note.field) == (8, "servers.myServer.sandbox")
    assert "network: open" in note.message


def test_vs_codes_settings_hold_servers_too_and_inputs_may_have_defaults():
    inputs = [
        {"type": "pickString", "id": "zone", "options": ["eu", "us"], "default": "eu"},
        {"type": "command", "id": "2fa", "command": "x.y"},
        {"type": "promptString"},
    ]
    server = {"url": "https://${input:zone}.example/mcp", "headers": {"X-Code": "${input:2fa}${input:other}"}}
    imported = taken(json.dumps({"mcp": {"inputs": inputs, "servers": {"a": server}}}), "settings.json")
    assert entries(imported)["a"] == {
        "url": "https://${ZONE:-eu}.example/mcp",
        "headers": {"X-Code": "${INPUT_2FA}${INPUT_OTHER}"},
    }
    assert [(one.name, "eu, us" in one.description) for one in imported.variables] == [
        ("ZONE", True),
        ("INPUT_2FA", False),
        ("INPUT_OTHER", False),
    ]
    assert [note.field for note in imported.notes] == ["mcp.inputs[1]", "mcp.inputs[2]"]


def test_cursors_variables_are_filled_in_and_its_paths_begin_at_the_project(tmp_path: Path):
    path = tmp_path / ".cursor/mcp.json"
    path.parent.mkdir()
    path.write_text(CURSOR)
    env_file = tmp_path / ".env.mcp"
    env_file.touch(mode=0o600)
    imported = read_file(path, None)
    assert imported.format == "cursor"
    local = entries(imported)["local-server"]
    assert local["args"] == [f"{tmp_path}/tools/mcp_server.py"]
    assert local["envFile"] == str(env_file)
    assert [one.name for one in imported.variables] == ["API_KEY", "MY_SERVICE_TOKEN"]


def test_claudes_settings_that_mean_nothing_here_are_told_of_and_projects_are_left_alone():
    text = """{"mcpServers": {
      "my server": {"command": "npx", "args": ["x"], "alwaysAllow": ["a"], "icon": "i", "hologram": 1},
      "my-server": {"command": "npx"},
      "not": 1},
    "projects": {"/home/ada/other": {"mcpServers": {"b": {"command": "y"}}}}}"""
    imported = taken(text, ".claude.json")
    assert list(entries(imported)) == ["my-server"]
    assert [(one.name, one.line) for one in imported.left_out] == [("not", 4), ("my-server", 3)]
    told = {note.field: note.message for note in imported.notes}
    assert "policy" in told['mcpServers."my server".alwaysAllow']
    assert "no such setting" in told['mcpServers."my server".hologram']
    assert "is called my-server here" in told['mcpServers."my server"']
    assert any("this project alone" in message for message in told.values())


def test_litellms_servers_are_taken_over_with_their_credentials_apart():
    imported = taken(LITELLM, "config.yaml")
    assert entries(imported) == {
        "zapier_mcp": {"url": "https://actions.zapier.com/mcp/${MCP_ZAPIER_MCP_URL_TOKEN}/mcp"},
        "gh": {
            "url": "https://api.githubcopilot.com/mcp",
            "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"},
            "timeout": 30000,
        },
        "basic_example": {
            "url": "https://my-mcp-server.com/mcp",
            "headers": {"Authorization": "Basic ${MCP_BASIC_EXAMPLE_AUTHORIZATION}"},
        },
        "circleci_mcp": {
            "command": "npx",
            "args": ["-y", "@circleci/mcp-server-circleci"],
            "env": {"CIRCLECI_TOKEN": "${CIRCLECI_TOKEN}", "CIRCLECI_BASE_URL": "https://circleci.com"},
        },
        "signed_in": {"url": "https://signed.example.com/mcp"},
    }
    assert [(one.name, one.line) for one in imported.left_out] == [("petstore", 27)]
    told = {note.field.removeprefix("mcp_servers."): (note.line, note.message) for note in imported.notes}
    assert told["github_mcp_server.allowed_tools"] == (13, "choose tools in a policy: allow: [gh/list_tools]")
    assert told["github_mcp_server.extra_headers"][0] == 14
    assert "oauth2" in told["signed_in.auth_type"][1]
    assert "signed_in.client_id" in told


def test_bifrosts_servers_are_taken_over():
    imported = taken(BIFROST, "config.json")
    assert entries(imported) == {
        "filesystem": {
            "command": "npx",
            "args": ["-y", "@anthropic/mcp-filesystem"],
            "env": {"FS_TOKEN": "${FS_TOKEN}"},
        },
        "web_search": {"url": "${WEB_SEARCH_MCP_URL}"},
        "headers": {
            "url": "${HEADERS_URL}",
            "headers": {"Authorization": "Bearer ${MCP_HEADERS_AUTHORIZATION}", "X-Custom-Header": "value"},
        },
    }
    assert [(one.name, one.line) for one in imported.left_out] == [("odd", 30)]
    allowed = [note.message for note in imported.notes if note.field.endswith("tools_to_execute")]
    assert allowed[1] == 'choose tools in a policy: allow: ["web_search/search", "web_search/fetch_url"]'


@pytest.mark.parametrize(
    ("name", "text", "line", "message"),
    [
        ("a.json", "{", 1, "double quotes"),
        ("a.json", "[]", 1, "must hold a mapping"),
        ("a.yaml", "a: [", 2, "not valid YAML"),
        ("a.json", "{}", None, "no MCP servers are to be seen"),
        ("a.json", '{\n"mcpServers": []}', 2, "must be a mapping"),
        ("a.json", '{"servers": {}, "mcp": {\n"servers": 1}}', 2, "must be a mapping"),
        ("a.yaml", "x: 1\nmcp_servers: 3\n", 2, "must be a mapping"),
        ("a.json", '{"mcp": {\n\n"client_configs": {}}}', 3, "must be a list"),
        ("a.json", '{"name": "io.x/y", "packages": [\n{"registryType": 3}]}', 2, "must be a string"),
        ("a.json", '{"name": "no-slash", "description": "d", "packages": []}', 1, "reverse-DNS"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(name: str, text: str, line: int | None, message: str):
    with pytest.raises(ConfigError) as raised:
        taken(text, name)
    assert any(one.line == line and message in one.message for one in raised.value.problems), raised.value.problems
    assert all(one.file.endswith(name) for one in raised.value.problems)


def test_the_format_can_be_given_where_it_is_not_seen():
    with pytest.raises(ConfigError) as raised:
        taken('{"mcpServers": {}}', form="bifrost")
    assert raised.value.problems[0].field == "mcp"
    with pytest.raises(ConfigError, match="no such file"):
        read_file(Path("/nonexistent/x.json"), None)


def test_text_that_looks_like_a_variable_of_ours_stays_text_where_the_format_has_none():
    config = {"mcp_servers": {"a": {"command": "npx", "args": ["x", "${HOME}"]}}}
    assert entries(taken(yaml.safe_dump(config), "c.yaml"))["a"]["args"] == ["x", "$${HOME}"]


SECRETS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=40)
PLACES: list[tuple[str, Any]] = [
    ("claude", lambda secret: {"mcpServers": {"a": {"command": "x", "env": {"API_KEY": secret}}}}),
    ("claude", lambda secret: {"mcpServers": {"a": {"command": "x", "args": ["--token", secret]}}}),
    ("claude", lambda secret: {"mcpServers": {"a": {"command": "x", "args": [f"postgres://u:{secret}@h/d"]}}}),
    ("claude", lambda secret: {"mcpServers": {"a": {"url": f"https://h/mcp?api_key={secret}"}}}),
    ("claude", lambda secret: {"mcpServers": {"a": {"command": "x", "env": {"DATABASE": f"db://u:{secret}@h"}}}}),
    ("vscode", lambda secret: {"servers": {"a": {"url": "https://h/", "headers": {"Authorization": secret}}}}),
    (
        "litellm",
        lambda secret: {"mcp_servers": {"a": {"url": "https://h/", "auth_type": "api_key", "auth_value": secret}}},
    ),
    (
        "bifrost",
        lambda secret: {
            "mcp": {
                "client_configs": [
                    {
                        "name": "a",
                        "connection_type": "http",
                        "connection_string": "https://h/",
                        "headers": {"x-api-key": f"Bearer {secret}"},
                    }
                ]
            }
        },
    ),
]


@given(secret=SECRETS)
def test_a_secret_never_leaves_the_importer(secret: str):
    for form, place in PLACES:
        imported = taken(json.dumps(place(secret)), "x.json", form)
        assert len(imported.variables) == len(imported.servers) == 1
        assert secret not in repr(imported)
        assert secret not in json.dumps(entries(imported))


def test_numbers_in_an_environment_are_texts_and_null_is_nothing():
    config = {"mcp_servers": {"a": {"command": "npx", "env": {"PORT": 8080, "DEBUG": True, "NONE": None}}}}
    assert entries(taken(yaml.safe_dump(config), "c.yaml"))["a"]["env"] == {"PORT": "8080", "DEBUG": "true"}


def test_the_secret_of_a_client_of_oauth_leaves_by_a_variable_or_not_at_all():
    secret = "hush-0123456789"
    for auth in (
        {"CLIENT_ID": "id", "CLIENT_SECRET": secret},
        {"type": "client_credentials", "client_secret": secret},
    ):
        imported = taken(json.dumps({"mcpServers": {"a": {"url": "https://h.example/mcp", "auth": auth}}}))
        assert secret not in repr(imported)


def test_a_file_in_which_a_client_keeps_much_else_is_read():
    history = {"history": ["x" * 1000] * 3000, "mcpServers": {"a": {"command": "npx"}}}
    assert list(entries(taken(json.dumps(history), ".claude.json"))) == ["a"]
