"""Rules on the sources that no linter holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .sources import ROOT, kept_files, modules, name_of, nodes, tree_of

_VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"}
_LONGEST = 400  # lines

# In pieces, so that this file does not hold what it forbids.
_INDEX_HOSTS = [
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("npmmirror", "com"),
        ("yarnpkg", "com"),
        ("debian", "org"),
        ("ubuntu", "com"),
        ("alpinelinux", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
    )
]
_HOSTS = re.compile("|".join(re.escape(host) for host in _INDEX_HOSTS), re.IGNORECASE)
_MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:root/\.|Users/\w+/|" + "wo" + r"rk/)[\w.]*")


def ids(paths: list[Path]) -> list[str]:
    return [name_of(path) for path in paths]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_is_short_documented_and_without_global_state(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < _LONGEST, "it is usually two things: find the seam"
    assert ast.get_docstring(tree_of(path)), "a module says what it is for"
    assert not [node for node in nodes(path) if isinstance(node, ast.Global)], "no `global`"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_public_classes_and_functions_are_documented(path: Path):
    if path.is_relative_to(ROOT / "mcp_servers"):
        return  # what a tool says of itself is for models, and stands in its definition
    for node in tree_of(path).body:
        is_named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if is_named and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name_of(path)}:{node.lineno} {node.name}"


def test_no_module_has_a_name_that_says_nothing():
    vague = [path for path in kept_files() if path.suffix == ".py" and {path.stem, *path.parts} & _VAGUE]
    assert ids(vague) == []


def test_no_file_names_a_host_of_a_package_index():
    """Where packages come from is for whoever installs them to say."""
    assert _matches(_HOSTS) == []


def test_no_file_names_a_place_on_a_developers_machine():
    assert _matches(_MACHINE_PATHS) == []


def _matches(pattern: re.Pattern[str]) -> list[str]:
    found: list[str] = []
    for path in kept_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name_of(path)}: {match[0]}" for match in pattern.finditer(text)]
    return found


def test_the_patterns_would_notice():
    assert _HOSTS.search("https://files." + _INDEX_HOSTS[1] + "/packages")
    assert _MACHINE_PATHS.search("see /" + "root/.pyenv/versions")
    assert not _MACHINE_PATHS.search("/workspace/a and /proc/self/" + "root/etc")
