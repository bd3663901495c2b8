"""What clients' documentation shows is taken as it stands, in the gateway's own file and as a file of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.config import Config, HttpServerConfig, StdioServerConfig, load_config
from gateway.errors import ConfigError
from tests.unit.config.folders import ENVIRON, SECRET, Folder

# The servers of a sample; then what is warned about, by field.
SAMPLES: Mapping[str, tuple[dict[str, Any], list[str]]] = {
    "Claude Desktop, local servers": (
        {
            "filesystem": {
                "command": "npx",
                "args": [
                    "-y",
                    "@modelcontextprotocol/server-filesystem",
                    "/home/ada/Desktop",
                    "/home/ada/Downloads",
                ],
            }
        },
        [],
    ),
    "Claude Code, a project's servers": (
        {"shared-server": {"type": "http", "url": "https://example.com/mcp"}},
        [],
    ),
    "Claude Code, variables with defaults": (
        {
            "api-server": {
                "type": "http",
                "url": "${API_BASE_URL:-https://api.example.com}/mcp",
                "headers": {"Authorization": "Bearer ${OPENAI_API_KEY}"},
            }
        },
        [],
    ),
    "Claude Code, a command that makes headers": (
        {
            "internal-api": {
                "type": "http",
                "url": "https://mcp.internal.example.com",
                "headersHelper": "/opt/bin/get-mcp-auth-headers.sh",
            }
        },
        ["internal-api.headersHelper"],
    ),
    "Cursor, a command": (
        {"server-name": {"command": "npx", "args": ["-y", "mcp-server"], "env": {"API_KEY": "value"}}},
        [],
    ),
    "Cursor, variables": (
        {
            "remote-server": {
                "url": "https://api.example.com/mcp",
                "headers": {"Authorization": "Bearer ${env:REMOTE_TOKEN}"},
            }
        },
        [],
    ),
    "VS Code, rules for its sandbox": (
        {
            "myServer": {
                "type": "stdio",
                "command": "npx",
                "args": ["-y", "@example/mcp-server"],
                "sandboxEnabled": True,
                "sandbox": {
                    "filesystem": {"allowWrite": ["/tmp"]},
                    "network": {"allowedDomains": ["api.example.com", "*.cdn.example.com"]},
                },
            }
        },
        ["myServer.sandbox"],
    ),
    "Windsurf": (
        {
            "remote-http-mcp": {
                "serverUrl": "https://example.com/mcp",
                "headers": {"API_KEY": "Bearer ${env:REMOTE_TOKEN}"},
                "disabledTools": ["x"],
            }
        },
        ["remote-http-mcp.disabledTools"],
    ),
    "Cline": (
        {
            "local-server": {
                "command": "node",
                "args": ["/path/to/server.js"],
                "env": {"API_KEY": "your_api_key"},
                "alwaysAllow": ["tool1", "tool2"],
                "disabled": False,
                "timeout": 60,
            }
        },
        ["local-server.alwaysAllow", "local-server.timeout"],
    ),
    "Roo Code": (
        {
            "modern-server": {
                "type": "streamable-http",
                "url": "https://your-modern-server.com/api/mcp-endpoint",
                "headers": {"X-API-Key": "your-secure-api-key"},
                "alwaysAllow": ["newToolA"],
                "disabled": True,
            }
        },
        ["modern-server.alwaysAllow"],
    ),
    "Gemini CLI": (
        {
            "httpServerWithAuth": {
                "httpUrl": "http://localhost:3000/mcp",
                "headers": {"Content-Type": "application/json"},
                "timeout": 5000,
                "trust": False,
            }
        },
        ["httpServerWithAuth.trust"],
    ),
    "LM Studio": (
        {
            "hf-mcp-server": {
                "url": "https://huggingface.co/mcp",
                "headers": {"Authorization": "Bearer <YOUR_HF_TOKEN>"},
            }
        },
        [],
    ),
    "Copilot CLI": (
        {
            "playwright": {
                "type": "local",
                "command": "npx",
                "args": ["@playwright/mcp@latest"],
                "env": {},
                "tools": ["*"],
            }
        },
        ["playwright.tools"],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_taken_in_the_gateways_own_file(folder: Folder, name: str):
    servers, warned = SAMPLES[name]
    document = {"version": 1, "keys": {"a": {"secret": SECRET}}, "mcpServers": servers}
    _check(folder.load(json.dumps(document)), servers, warned)


@pytest.mark.parametrize("key", ["mcpServers", "servers"])
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_taken_as_a_file_of_its_own(folder: Folder, name: str, key: str):
    servers, warned = SAMPLES[name]
    path = folder.write("mcp.json", json.dumps({key: servers}))
    _check(load_config(None, mcp_configs=[path], environ=ENVIRON), servers, warned)


def _check(config: Config, servers: Mapping[str, Any], warned: list[str]) -> None:
    (server,) = config.servers
    assert [server.name] == list(servers)
    assert isinstance(server, StdioServerConfig if "command" in servers[server.name] else HttpServerConfig)
    assert [str(one.field).partition(".")[2] for one in config.warnings] == warned
    assert all(one.line is not None for one in config.warnings)


@pytest.mark.parametrize("kind", ["ws", "websocket"])
def test_web_sockets_are_refused_in_words(folder: Folder, kind: str):
    path = folder.write("mcp.json", json.dumps({"mcpServers": {"a": {"type": kind, "url": "https://h/mcp"}}}))
    with pytest.raises(ConfigError, match="WebSocket are not supported"):
        load_config(None, mcp_configs=[path], environ=ENVIRON)
