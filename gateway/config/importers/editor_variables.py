"""What editors put into the values of a server: the folder of the project, the home of the user."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast


def fill_editor_variables(value: Any, base: Path, home: Path) -> Any:
    """A copy in which `${workspaceFolder}` and the like are the paths that they mean for a project in `base`."""
    known = {
        "workspaceFolder": str(base),
        "workspaceRoot": str(base),
        "CLAUDE_PROJECT_DIR": str(base),
        "workspaceFolderBasename": base.name,
        "userHome": str(home),
        "HOMEDIR": str(home),
        "pathSeparator": "/",
        "/": "/",
    }
    return _filled(value, {f"${{{name}}}": text for name, text in known.items()})


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, str):
        for reference, text in known.items():
            value = value.replace(reference, text)
        return value
    if isinstance(value, dict):
        return {name: _filled(inner, known) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_filled(inner, known) for inner in cast("list[Any]", value)]
    return value


def with_absolute_paths(entry: dict[str, Any], base: Path) -> dict[str, Any]:
    """The entry with paths that begin at the project's folder, wherever it is written down."""
    paths = {
        name: str(base / entry[name])
        for name in ("cwd", "envFile")
        if isinstance(entry.get(name), str) and "${" not in entry[name]
    }
    return {**entry, **paths}
