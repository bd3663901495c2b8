"""`mcpServers` as Claude Desktop, Claude Code, Cursor and many others write it, and `servers` of VS Code.

Their form is ours, so what is left is what stands around it: editors' variables, inputs that an editor asks its
user for, and settings that mean something to the client alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from gateway.config.client_fields import foreign_fields
from gateway.config.config import Steps
from gateway.config.importers.editor_variables import fill_editor_variables, with_absolute_paths
from gateway.config.importers.imported import Gathering, each_server, mapping_at, texts_in
from gateway.config.mcp_documents import ServerDocument

_KNOWN = frozenset(field.alias or name for name, field in ServerDocument.model_fields.items())
_INPUT = re.compile(r"\$\{input:([^{}]+)\}")


def read_clients(tree: Mapping[str, Any], gathering: Gathering) -> None:
    """The servers of a file with `mcpServers`."""
    _read(mapping_at(tree, ("mcpServers",), gathering), ("mcpServers",), gathering, {})
    projects = tree.get("projects")
    if isinstance(projects, dict):
        for folder, project in cast("dict[str, Any]", projects).items():
            if isinstance(project, dict) and cast("dict[str, Any]", project).get("mcpServers"):
                path = ("projects", folder, "mcpServers")
                gathering.note(None, path, "the servers of this project alone are not taken over")


def read_vscode(tree: Mapping[str, Any], gathering: Gathering) -> None:
    """The servers of `.vscode/mcp.json`, or of the `mcp` section of VS Code's settings."""
    above: Steps = ("mcp",) if "mcp" in tree else ()
    root = mapping_at(tree, above, gathering) if above else tree
    inputs = _inputs(root.get("inputs"), (*above, "inputs"), gathering)
    path = (*above, "servers")
    _read(mapping_at(tree, path, gathering), path, gathering, inputs)


def _read(servers: Mapping[str, Any], path: Steps, gathering: Gathering, inputs: Mapping[str, str]) -> None:
    def read(name: str, server: dict[str, Any], here: Steps) -> None:
        for field, meaning in foreign_fields(server):
            if meaning is not None:
                gathering.note(name, (*here, field), "; ".join(meaning))
        for field in [field for field in server if field not in _KNOWN]:
            del server[field]
            gathering.note(name, (*here, field), "there is no such setting here")
        entry = fill_editor_variables(_answered(server, inputs, gathering), gathering.base, gathering.home)
        gathering.take(name, with_absolute_paths(entry, gathering.base), here)

    each_server(servers, path, gathering, read)


def _inputs(written: Any, path: Steps, gathering: Gathering) -> dict[str, str]:
    """What stands in the place of each `${input:id}`."""
    answers: dict[str, str] = {}
    for index, one in enumerate(cast("list[Any]", written) if isinstance(written, list) else []):
        asked = cast("dict[str, Any]", one) if isinstance(one, dict) else {}
        ident = asked.get("id")
        if not isinstance(ident, str):
            gathering.note(None, (*path, index), "an input without an id cannot be asked for")
            continue
        default = asked.get("default")
        is_secret = asked.get("password") is True
        variable = _variable_for(ident, gathering)
        answers[ident] = gathering.ask(variable, _description(ident, asked), is_secret=is_secret)
        if isinstance(default, str) and default and not is_secret and not set(default) & set("{}$"):
            answers[ident] = f"${{{variable}:-{default}}}"
        if asked.get("type") == "command":
            gathering.note(None, (*path, index), "the editor's command is not run: set the variable yourself")
    return answers


def _description(ident: str, asked: Mapping[str, Any]) -> str:
    words = asked.get("description")
    options = texts_in(asked.get("options"))
    text = words if isinstance(words, str) and words else f"what the editor asks for as {ident}"
    return f"{text}: one of {', '.join(options)}" if options else text


def _variable_for(ident: str, gathering: Gathering) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", ident).upper().strip("_") or "INPUT"
    name = plain if not plain[0].isdigit() else f"INPUT_{plain}"
    candidates = (name, *(f"{name}_{number}" for number in range(2, 1000)))
    return next(candidate for candidate in candidates if candidate not in gathering.asked)


def _answered(value: Any, inputs: Mapping[str, str], gathering: Gathering) -> Any:
    if isinstance(value, str):
        return _INPUT.sub(lambda found: inputs.get(found[1]) or _unknown_input(found[1], gathering), value)
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value).items()
        return {name: _answered(inner, inputs, gathering) for name, inner in entries}
    if isinstance(value, list):
        return [_answered(inner, inputs, gathering) for inner in cast("list[Any]", value)]
    return value


def _unknown_input(ident: str, gathering: Gathering) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", ident).upper().strip("_") or "INPUT"
    return gathering.ask(f"INPUT_{plain}", f"the editor's input {ident}, which the file does not describe")
