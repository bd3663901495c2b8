"""One chokepoint: whatever calls a tool goes through `gateway.tool_calls`, where policy and audit are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .sources import ROOT, modules, name_of, nodes

_HUB = ROOT / "gateway" / "hub"
_PIPELINE = ROOT / "gateway" / "tool_calls"
_LOOKED_AT = {"catalogue", "change", "states", "statuses", "settled"}


def outside(*folders: Path) -> list[Path]:
    return [path for path in modules("gateway") if not any(path.is_relative_to(folder) for folder in folders)]


def last_name(expression: ast.expr) -> str:
    """`services.hub` and `hub` are both called `hub`."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    if isinstance(expression, ast.Call):
        return last_name(expression.func)
    return expression.id if isinstance(expression, ast.Name) else ""


def calls_of_call(path: Path) -> Iterator[str]:
    """What `.call` is called on, or taken from, in a module."""
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and node.attr == "call":
            yield last_name(node.value)


@pytest.mark.parametrize("path", outside(_HUB, _PIPELINE), ids=name_of)
def test_a_call_of_anything_outside_the_pipeline_is_a_call_of_the_pipeline(path: Path):
    for receiver in calls_of_call(path):
        assert receiver.endswith("caller"), (
            f"{name_of(path)} calls {receiver}.call: only tool_calls may reach a server"
        )


def test_within_the_pipeline_one_place_reaches_the_servers():
    places = [name_of(path) for path in modules("gateway/tool_calls") for _ in calls_of_call(path)]
    assert places == ["gateway/tool_calls/pipeline.py"]


@pytest.mark.parametrize("path", outside(_HUB), ids=name_of)
def test_of_a_hub_nothing_is_used_but_what_can_be_looked_at(path: Path):
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and last_name(node.value) == "hub" and isinstance(node.value, ast.expr):
            is_module = isinstance(node.value, ast.Attribute) and last_name(node.value.value) == "gateway"
            assert is_module or node.attr in _LOOKED_AT, f"{name_of(path)}:{node.lineno} uses hub.{node.attr}"


def test_the_composition_root_hands_the_hub_to_the_pipeline_and_to_those_who_look_at_it():
    takers: set[str] = set()
    for path in outside(_HUB):
        for node in nodes(path):
            if isinstance(node, ast.Call):
                given = [*node.args, *(keyword.value for keyword in node.keywords)]
                takers |= {last_name(node.func) for value in given if last_name(value) == "hub"}
    assert takers <= {"ToolCaller", "Services", "build_services"}
    assert "ToolCaller" in takers


def test_the_check_would_notice(tmp_path: Path):
    module = tmp_path / "bad.py"
    module.write_text("async def run(services):\n    await services.hub.call('s', 't', {})\n")
    tree = ast.parse(module.read_text())
    receivers = [
        last_name(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "call"
    ]
    assert receivers == ["hub"]
