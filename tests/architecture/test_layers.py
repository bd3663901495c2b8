"""Who may import whom: the contracts in pyproject.toml, held by import-linter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib

from .sources import PACKAGES, ROOT, modules, name_of, nodes


def test_the_contracts_on_imports_are_kept():
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", script, "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_package_of_the_gateway_has_a_place_in_the_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {name.strip(" ()") for layer in layers for name in re.split("[|:]", layer)}
    found = {
        path.stem
        for path in (ROOT / "gateway").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} <= placed


def test_nothing_but_the_hub_itself_reaches_into_it():
    for path in modules("gateway"):
        if path.is_relative_to(ROOT / "gateway" / "hub"):
            continue
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.startswith("gateway.hub."), name_of(path)


def test_the_product_does_not_import_its_tests():
    for path in modules(*PACKAGES):
        for node in nodes(path):
            imported = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] in ("tests", "bench", "pytest") for name in imported), name_of(path)
