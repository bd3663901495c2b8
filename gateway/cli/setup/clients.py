"""Where MCP clients keep their servers, and what stands there.

Refuses to know: which of it toolgate can use (`adopting`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from gateway.config.files import FileFault, read_text
from gateway.config.located_json import JsonProblem, load_json

_LARGEST = 16 * 1024 * 1024  # bytes: Claude Code keeps much else in the same file

_PLACES: tuple[tuple[str, str, str], ...] = (
    ("Claude Code", "here", ".mcp.json"),
    ("Cursor", "here", ".cursor/mcp.json"),
    ("VS Code", "here", ".vscode/mcp.json"),
    ("Gemini CLI", "here", ".gemini/settings.json"),
    ("Claude Code", "home", ".claude.json"),
    ("Claude Desktop", "config", "Claude/claude_desktop_config.json"),
    ("Claude Desktop", "home", "Library/Application Support/Claude/claude_desktop_config.json"),
    ("Cursor", "home", ".cursor/mcp.json"),
    ("VS Code", "config", "Code/User/mcp.json"),
    ("VS Code", "home", "Library/Application Support/Code/User/mcp.json"),
    ("Windsurf", "home", ".codeium/windsurf/mcp_config.json"),
    ("Gemini CLI", "home", ".gemini/settings.json"),
    ("LM Studio", "home", ".lmstudio/mcp.json"),
    ("Copilot CLI", "home", ".copilot/mcp-config.json"),
)
"""Which client, beneath which folder, which file. What is nearest to a project comes first."""


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A client's file. Relative paths in it begin at `base`."""

    client: str
    path: Path
    base: Path


@dataclass(frozen=True, slots=True)
class ClientServers:
    """The servers in a file as the client has them, by name; `fault` says why it could not be read."""

    file: ClientFile
    servers: Mapping[str, Mapping[str, Any]]
    fault: str | None = None


def find_client_servers(folder: Path, environ: Mapping[str, str]) -> list[ClientServers]:
    """The files that there are and that hold servers, or cannot be read. Blocking."""
    found = [read_client_file(file, folder) for file in _files(folder, environ)]
    return [one for one in found if one.servers or one.fault]


def _files(folder: Path, environ: Mapping[str, str]) -> Iterator[ClientFile]:
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    configured = environ.get("XDG_CONFIG_HOME", "")
    config = Path(configured) if Path(configured).is_absolute() else home / ".config"
    folders = {"here": folder, "home": home, "config": config}
    seen: set[Path] = set()
    for client, beneath, name in _PLACES:
        path = folders[beneath] / name
        if path.is_file() and path not in seen:  # the home folder may be the present one
            seen.add(path)
            yield ClientFile(client, path, folder if beneath == "here" else home)


def read_client_file(file: ClientFile, folder: Path) -> ClientServers:
    """What stands in a file, for a project in `folder`. Blocking."""
    try:
        tree = _parse(read_text(file.path, longest=_LARGEST).text)
    except FileFault as fault:
        return ClientServers(file, {}, fault.message)
    except JsonProblem as problem:
        return ClientServers(file, {}, str(problem))
    return ClientServers(file, _servers(tree, folder))


def _parse(text: str) -> Any:
    """Raises JsonProblem. Plain JSON is read fast; what has comments is read all the same."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return load_json(text).value


def _servers(tree: Any, folder: Path) -> dict[str, Mapping[str, Any]]:
    root = _mapping(tree)
    project = _mapping(_mapping(root.get("projects")).get(str(folder)))  # Claude Code's, of one folder
    places = (project.get("mcpServers"), root.get("mcpServers"), root.get("servers"))
    found: dict[str, Mapping[str, Any]] = {}
    for place in places:
        for name, server in _mapping(place).items():
            if isinstance(server, dict):
                found.setdefault(name, cast("dict[str, Any]", server))
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
