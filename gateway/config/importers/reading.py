"""Which format a file has, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from gateway.config.config import Source
from gateway.config.files import FileFault, read_text
from gateway.config.importers.bifrost import read_bifrost
from gateway.config.importers.clients import read_clients, read_vscode
from gateway.config.importers.finishing import finish
from gateway.config.importers.imported import Format, Gathering, Imported
from gateway.config.importers.litellm import read_litellm
from gateway.config.importers.registry import read_registry
from gateway.config.located_json import JsonProblem, load_json
from gateway.errors import ConfigError, Problem
from tool_policies import YamlProblem, load_yaml

LARGEST = 16 * 1024 * 1024
"""Bytes that a file may have: Claude Code keeps much else in the same file."""

_Reader = Callable[[Mapping[str, Any], Gathering], None]

FORMATS: Mapping[Format, tuple[str, _Reader]] = {
    "vscode": ("VS Code", read_vscode),
    "claude": ("Claude", read_clients),
    "cursor": ("Cursor", read_clients),
    "server-json": ("the MCP registry", read_registry),
    "litellm": ("LiteLLM", read_litellm),
    "bifrost": ("Bifrost", read_bifrost),
}
"""By the name on the command line: what people call it, and its reader."""


def read_file(path: Path, form: Format | None) -> Imported:
    """The servers of a file in one of the formats, which is seen from it unless given. Blocking.

    Raises ConfigError with the line of what is wrong.
    """
    try:
        text = read_text(path, longest=LARGEST).text
    except FileFault as fault:
        raise ConfigError([Problem(str(path), fault.message, fault.line, hint=fault.hint)]) from fault
    return import_servers(text, path, form)


def import_servers(text: str, path: Path, form: Format | None = None) -> Imported:
    """The same, of a text that has been read from `path`."""
    tree, source = _parsed(text, path)
    chosen = form or _seen(tree, path)
    if chosen is None:
        message = "no MCP servers are to be seen in this file"
        hint = "say what it is: --from " + "|".join(FORMATS)
        raise ConfigError([Problem(str(path), message, hint=hint)])
    gathering = Gathering(source, _project(path), Path.home())
    FORMATS[chosen][1](tree, gathering)
    return finish(chosen, gathering)


def _parsed(text: str, path: Path) -> tuple[dict[str, Any], Source]:
    try:
        found = load_yaml(text) if path.suffix in (".yaml", ".yml") else load_json(text)
    except YamlProblem as problem:
        raise ConfigError([Problem(str(path), problem.message, problem.line, hint=problem.hint)]) from None
    except JsonProblem as problem:
        raise ConfigError([Problem(str(path), problem.message, problem.line)]) from None
    if not isinstance(found.value, dict):
        raise ConfigError([Problem(str(path), "the file must hold a mapping", found.line_of(()))])
    return cast("dict[str, Any]", found.value), Source(str(path), found.line_of)


def _seen(tree: Mapping[str, Any], path: Path) -> Format | None:
    """The format, by what only files of that format have."""
    mcp = tree.get("mcp")
    inside = cast("dict[str, Any]", mcp) if isinstance(mcp, dict) else {}
    described = tree.get("server")
    document = cast("dict[str, Any]", described) if isinstance(described, dict) else tree
    if "mcpServers" in tree:
        return "cursor" if ".cursor" in path.parts else "claude"
    if "client_configs" in inside:
        return "bifrost"
    if "mcp_servers" in tree:
        return "litellm"
    if isinstance(tree.get("servers"), dict) or "servers" in inside:
        return "vscode"
    if "name" in document and ("packages" in document or "remotes" in document or "$schema" in document):
        return "server-json"
    return None


def _project(path: Path) -> Path:
    """The folder of the project that a client's file belongs to."""
    folder = path.absolute().parent
    return folder.parent if folder.name in (".vscode", ".cursor", ".gemini") else folder
