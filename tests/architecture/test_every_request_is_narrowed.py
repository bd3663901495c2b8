"""Where a key's data may be holds on every path: who looks for a model's deployments narrows them, too."""

from __future__ import annotations

import ast

from .sources import modules, name_of, nodes


def test_whoever_resolves_a_model_for_a_client_narrows_its_route():
    resolving = 0
    for path in modules("gateway/api"):
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for node in nodes(path)
            if isinstance(node, ast.Call)
        }
        if "resolve" in called and path.name != "models.py":  # which sends nothing to anybody
            resolving += 1
            assert "narrow_route" in called, f"{name_of(path)} resolves a model and does not narrow its route"
    assert resolving >= 2
