"""The files of each client, and what is to stand in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

NAME = "toolgate"
"""What clients call this gateway."""
KEY_PLACEHOLDER = "PUT-THE-KEY-HERE"
_MCP_REMOTE = "mcp-remote@0.15.1"

Purpose = Literal["tools", "models"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client is to be connected to. `origin` has no path; `key_variable` holds the key."""

    origin: str
    key_variable: str
    folder: Path
    home: Path
    config_home: Path
    codex_home: Path

    @property
    def mcp(self) -> str:
        """Where the tools are."""
        return f"{self.origin}/mcp"


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, and the values that it must have; all else in it stays."""

    path: Path
    purpose: Purpose
    form: Literal["json", "toml"]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Client:
    """One client: its name for people, its files, and what to do once they are written."""

    title: str
    pieces: Callable[[Wanted], Sequence[Piece]]
    then: Callable[[Wanted], Sequence[str]]


def _remote(wanted: Wanted, reference: str, **more: str) -> dict[str, Any]:
    return {**more, "url": wanted.mcp, "headers": {"Authorization": f"Bearer {reference}"}}


def _claude_code(wanted: Wanted) -> list[Piece]:
    server = _remote(wanted, f"${{{wanted.key_variable}}}", type="http")
    settings = {
        "env": {"ANTHROPIC_BASE_URL": wanted.origin, "ENABLE_TOOL_SEARCH": "true"},
        "apiKeyHelper": f"printenv {wanted.key_variable}",
    }
    return [
        Piece(wanted.folder / ".mcp.json", "tools", "json", {"mcpServers": {NAME: server}}),
        Piece(wanted.folder / ".claude" / "settings.local.json", "models", "json", settings),
    ]


def _codex(wanted: Wanted) -> list[Piece]:
    path = wanted.codex_home / "config.toml"
    server = {"url": wanted.mcp, "bearer_token_env_var": wanted.key_variable}
    provider = {
        "name": NAME,
        "base_url": f"{wanted.origin}/v1",
        "env_key": wanted.key_variable,
        "wire_api": "responses",
    }
    models = {"model_provider": NAME, "web_search": "disabled", "model_providers": {NAME: provider}}
    return [
        Piece(path, "tools", "toml", {"mcp_servers": {NAME: server}}),
        Piece(path, "models", "toml", models),
    ]


def _cursor(wanted: Wanted) -> list[Piece]:
    server = _remote(wanted, f"${{env:{wanted.key_variable}}}")
    return [Piece(wanted.folder / ".cursor" / "mcp.json", "tools", "json", {"mcpServers": {NAME: server}})]


def _vscode(wanted: Wanted) -> list[Piece]:
    server = _remote(wanted, f"${{env:{wanted.key_variable}}}", type="http")
    return [Piece(wanted.folder / ".vscode" / "mcp.json", "tools", "json", {"servers": {NAME: server}})]


def _claude_desktop(wanted: Wanted) -> list[Piece]:
    """Its file knows commands alone, so a bridge is run; and it fills in no variables."""
    plain = ["--allow-http"] if wanted.mcp.startswith("http:") else []
    header = (
        "Authorization:${AUTH_HEADER}"  # without a space, and filled in by the bridge: arguments lose their quotes
    )
    arguments = ["-y", _MCP_REMOTE, wanted.mcp, "--header", header, *plain]
    server = {"command": "npx", "args": arguments, "env": {"AUTH_HEADER": f"Bearer {KEY_PLACEHOLDER}"}}
    mac = wanted.home / "Library" / "Application Support" / "Claude"
    folder = mac if mac.parent.is_dir() else wanted.config_home / "Claude"
    return [Piece(folder / "claude_desktop_config.json", "tools", "json", {"mcpServers": {NAME: server}})]


def _start_with_key(program: str) -> Callable[[Wanted], list[str]]:
    return lambda wanted: [f"start {program} where {wanted.key_variable} is set to a key of the gateway"]


CLIENTS: Mapping[str, Client] = {
    "claude-code": Client("Claude Code", _claude_code, _start_with_key("`claude`")),
    "codex": Client(
        "Codex",
        _codex,
        lambda wanted: [
            *_start_with_key("`codex`")(wanted),
            "its web search is the provider's, so it is off: a policy can allow provider/web_search",
        ],
    ),
    "cursor": Client("Cursor", _cursor, _start_with_key("Cursor")),
    "vscode": Client("VS Code", _vscode, _start_with_key("VS Code")),
    "claude-desktop": Client(
        "Claude Desktop",
        _claude_desktop,
        lambda wanted: [
            f"this client fills in no variables: put the key in the place of {KEY_PLACEHOLDER} yourself"
        ],
    ),
}
"""By the name on the command line."""
