"""A `server.json` of the MCP registry becomes an entry of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.config.importers import Imported, import_servers
from gateway.errors import ConfigError

BRAVE: dict[str, Any] = {
    "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    "name": "io.modelcontextprotocol/brave-search",
    "description": "MCP server for Brave Search API integration",
    "version": "1.0.2",
    "packages": [
        {
            "registryType": "npm",
            "identifier": "@modelcontextprotocol/server-brave-search",
            "version": "1.0.2",
            "runtimeHint": "npx",
            "runtimeArguments": [{"type": "named", "name": "-y"}],
            "transport": {"type": "stdio"},
            "environmentVariables": [
                {
                    "name": "BRAVE_API_KEY",
                    "description": "Brave Search API Key",
                    "isRequired": True,
                    "isSecret": True,
                },
                {"name": "LOG_LEVEL", "default": "info"},
                {"name": "PROXY", "description": "A proxy"},
            ],
        }
    ],
}
OLD_FORM = {
    "name": "io.github.example/weather-mcp",
    "description": "Python MCP server for weather data access",
    "version_detail": {"version": "0.5.0"},
    "packages": [
        {
            "registry_type": "pypi",
            "identifier": "weather-mcp-server",
            "version": "0.5.0",
            "runtime_hint": "uvx",
            "package_arguments": [
                {"type": "positional", "value_hint": "city", "description": "Where", "is_required": True},
                {"type": "named", "name": "--units", "default": "celsius"},
            ],
            "environment_variables": [{"name": "WEATHER_API_KEY", "is_required": True, "is_secret": True}],
        }
    ],
}
IMAGE = {
    "name": "io.github.example/database-manager",
    "description": "Several kinds of databases",
    "version": "3.1.0",
    "packages": [
        {"registryType": "mcpb", "identifier": "https://x.example/y.mcpb", "transport": {"type": "stdio"}},
        {
            "registryType": "oci",
            "identifier": "docker.io/example/database-manager-mcp:3.1.0",
            "runtimeHint": "docker",
            "transport": {"type": "stdio"},
            "runtimeArguments": [
                {
                    "type": "named",
                    "name": "--mount",
                    "value": "type=bind,src={source_path},dst=/project",
                    "variables": {"source_path": {"description": "On the host", "format": "filepath"}},
                }
            ],
            "packageArguments": [
                {"type": "named", "name": "--host", "description": "Host", "default": "localhost"}
            ],
            "environmentVariables": [{"name": "DB_PASSWORD", "isSecret": True}],
        },
    ],
}
REMOTE = {
    "name": "com.example/acme-analytics",
    "description": "Real-time business intelligence",
    "version": "2.0.0",
    "remotes": [
        {"type": "sse", "url": "https://analytics.example.com/sse"},
        {
            "type": "streamable-http",
            "url": "https://{tenant}.example.com/mcp",
            "variables": {"tenant": {"description": "Your tenant", "isRequired": True}},
            "headers": [
                {"name": "X-API-Key", "description": "Its key", "isRequired": True, "isSecret": True},
                {"name": "X-Region", "default": "us-east-1"},
                {"name": "X-Trace", "description": "Optional"},
            ],
        },
    ],
}


def taken(document: dict[str, Any]) -> Imported:
    return import_servers(json.dumps(document, indent=1), Path("server.json"))


def only(imported: Imported) -> dict[str, Any]:
    (server,) = imported.servers
    return dict(server.entry)


def test_an_npm_package_runs_by_npx_at_its_version():
    imported = taken(BRAVE)
    assert imported.format == "server-json"
    assert imported.servers[0].name == "brave-search"
    assert only(imported) == {
        "command": "npx",
        "args": ["-y", "@modelcontextprotocol/server-brave-search@1.0.2"],
        "env": {"BRAVE_API_KEY": "${BRAVE_API_KEY}", "LOG_LEVEL": "info"},
    }
    assert [(one.name, one.description) for one in imported.variables] == [
        ("BRAVE_API_KEY", "Brave Search API Key")
    ]
    assert [note.message for note in imported.notes] == ["may be set, too: PROXY"]


def test_the_form_of_before_september_2025_is_read_as_well():
    imported = taken(OLD_FORM)
    assert only(imported) == {
        "command": "uvx",
        "args": ["weather-mcp-server==0.5.0", "${WEATHER_MCP_CITY}", "--units=celsius"],
        "env": {"WEATHER_API_KEY": "${WEATHER_API_KEY}"},
    }
    assert [one.is_secret for one in imported.variables] == [False, True]


def test_what_cannot_be_run_is_passed_over_and_named():
    imported = taken(IMAGE)
    entry = only(imported)
    assert entry["command"] == "docker"
    assert entry["args"][:5] == ["run", "-i", "--rm", "-e", "DB_PASSWORD"]
    assert entry["args"][-2:] == ["docker.io/example/database-manager-mcp:3.1.0", "--host=localhost"]
    assert entry["env"] == {"DB_PASSWORD": "${DB_PASSWORD:-}"}
    assert any("not taken: the mcpb package" in note.message for note in imported.notes)


def test_a_remote_server_gets_its_url_and_headers_by_variables():
    imported = taken(REMOTE)
    assert only(imported) == {
        "type": "http",
        "url": "https://${ACME_ANALYTICS_TENANT}.example.com/mcp",
        "headers": {"X-API-Key": "${ACME_ANALYTICS_X_API_KEY}", "X-Region": "us-east-1"},
    }
    assert any("https://analytics.example.com/sse (sse)" in note.message for note in imported.notes)


def test_an_answer_of_the_registrys_api_holds_the_document_inside():
    assert only(taken({"server": BRAVE, "_meta": {}})) == only(taken(BRAVE))


def test_a_server_of_which_nothing_runs_here_is_left_out_with_what_it_has():
    document = {**BRAVE, "packages": [{"registryType": "nuget", "identifier": "A.B", "version": "1.0.0"}]}
    (one,) = taken(document).left_out
    assert "the nuget package A.B" in one.reason


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"name": "no-slash"}, "name", "reverse-DNS"),
        ({"description": "x" * 101}, "description", "too long"),
        ({"version": "latest"}, "version", "one exact version"),
        ({"version": "^1.2.3"}, "version", "one exact version"),
        ({"packages": [{**BRAVE["packages"][0], "version": "1.*"}]}, "packages[0].version", "one exact version"),
        ({"packages": [{"identifier": "x"}]}, "packages[0].registryType", "is missing"),
        ({"remotes": [{"type": "carrier-pigeon", "url": "x"}]}, "remotes[0].type", "must be 'stdio'"),
    ],
)
def test_a_mistake_in_it_is_refused_with_its_place(changed: dict[str, Any], field: str, message: str):
    with pytest.raises(ConfigError) as raised:
        taken({**BRAVE, **changed})
    (problem,) = raised.value.problems
    assert problem.field == field
    assert message in problem.message
    assert problem.line is not None
