"""Writes `docs/clients.md`: which client, provider and feature each test covers, from the tests' own marks.

A test says what it proves by `@covers(client, provider, *features)`, of `tests.support.covering`. Each is a name,
several names, or a mapping from a value of one of the test's parameters to a name: a parametrized test then covers
what its parameters say. `python -m tests.support.coverage_table` writes the page.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.covering import CLIENTS, FEATURES, PROVIDERS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "clients.md"
WHERE = ("tests/contract", "tests/clients", "tests/integration/engine")
BEGIN = "<!-- what follows is written by `python -m tests.support.coverage_table` -->\n"


@dataclass(frozen=True, order=True)
class Cell:
    """A client, a provider's dialect (or engine), and a feature that a test proves for the two."""

    client: str
    provider: str
    feature: str


def covered(item: pytest.Item) -> Iterator[Cell]:
    """What one test covers. Raises ValueError for a name that no table has."""
    values = _values(item)
    for mark in item.iter_markers("covers"):
        axes = (("client", CLIENTS), ("provider", PROVIDERS), ("feature", FEATURES))
        clients, providers, features = (
            list(_names(mark.kwargs[axis], values, allowed, item.nodeid)) for axis, allowed in axes
        )
        for client in clients:
            for provider in providers:
                yield from (Cell(client, provider, feature) for feature in features)


def _values(item: pytest.Item) -> set[str]:
    spec: Any = getattr(item, "callspec", None)
    return {getattr(value, "__name__", str(value)) for value in spec.params.values()} if spec else set()


def _names(said: Any, values: Collection[str], allowed: Sequence[str], test: str) -> Iterable[str]:
    if isinstance(said, str):
        names: list[str] = [said]
    elif isinstance(said, Mapping):
        names = []
        for value in set(said) & set(values):
            names += [said[value]] if isinstance(said[value], str) else list(said[value])
        if not names:
            raise ValueError(f"{test} covers {dict(said)}, and none of that is among its parameters {values}")
    else:
        names = [name for one in said for name in _names(one, values, allowed, test)]
    for name in names:
        if name not in allowed:
            raise ValueError(f"{test} covers {name!r}, which is none of {', '.join(allowed)}")
    return names


class _Collector:
    """What pytest found."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def collect() -> dict[Cell, set[str]]:
    """All that tests cover, by what they cover; nothing is run."""
    collector, said = _Collector(), io.StringIO()
    files = [file for place in WHERE for file in sorted((ROOT / place).rglob("test_*.py"))]
    # Most of the time goes into collecting the others.
    places = [str(file) for file in files if "covering import" in file.read_text()]
    arguments = ["--collect-only", "-q", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *places]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(arguments, plugins=[collector])
    if code != pytest.ExitCode.OK:
        raise ValueError(said.getvalue()[-4000:])
    tests: dict[Cell, set[str]] = {}
    for item in collector.items:
        for cell in covered(item):
            tests.setdefault(cell, set()).add(item.nodeid.partition("[")[0])
    return tests


def short(test: str) -> str:
    """A short id of a test, which changes with its name only."""
    return hashlib.sha256(test.encode()).hexdigest()[:4]


def render(tests: Mapping[Cell, Collection[str]]) -> str:
    """The tables, one for each client, and the list of tests that they point to."""
    named = sorted({test for found in tests.values() for test in found})
    if len({short(test) for test in named}) != len(named):
        raise ValueError("two tests have the same short id: make ids longer")
    tables = [_table(client, tests) for client in CLIENTS if any(cell.client == client for cell in tests)]
    listed = "".join(f'- <a id="{short(test)}"></a>`{short(test)}` `{test}`\n' for test in named)
    return "\n".join([*tables, f"## The tests\n\n{listed}"])


def _table(client: str, tests: Mapping[Cell, Collection[str]]) -> str:
    columns = [name for name in PROVIDERS if any((cell.client, cell.provider) == (client, name) for cell in tests)]
    lines = [f"| | {' | '.join(f'`{column}`' for column in columns)} |", "|---" * (len(columns) + 1) + "|"]
    for feature in FEATURES:
        cells = (
            " ".join(
                sorted(f"[{short(one)}](#{short(one)})" for one in tests.get(Cell(client, column, feature), ()))
            )
            for column in columns
        )
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    return f"## {client}\n\n" + "\n".join(lines) + "\n"


def written(page: str, tables: str) -> str:
    """The page with these tables in the place of those that it has."""
    before, mark, _ = page.partition(BEGIN)
    return before + (mark or BEGIN) + "\n" + tables


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), render(collect())))
