"""Shows a comparison: tables for people, one JSON document for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from bench.comparison import DIRECT, Comparison, ScenarioResult
from bench.goals import GOALS

_NOT_MEASURED = "-"
_HEAD = ("server", "CPU µs", "x nginx", "p50 µs", "p99 µs", "+p50", "+p99", "per s", "RSS MB")


def as_text(comparison: Comparison) -> str:
    """All tables, and the goals."""
    parts = [_scenario_text(result) for result in comparison.results]
    parts += [_idle_text(comparison), _goals_text(comparison)]
    parts += [f"LEFT OUT {name}: {reason}" for name, reason in comparison.missing.items()]
    return "\n\n".join(part for part in parts if part)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """CPU and latencies in microseconds, memory in bytes, times in seconds."""
    return {
        "scenarios": [
            {
                "name": result.scenario.name,
                "title": result.scenario.title,
                "unit": result.scenario.unit,
                "chunks": result.scenario.chunks,
                "servers": {name: asdict(sample) for name, sample in result.samples.items()},
                "failures": result.failures,
            }
            for result in comparison.results
        ],
        "idle": {name: asdict(idle) for name, idle in comparison.idle.items()},
        "goals": [
            {"title": goal.title, "unit": goal.unit, "at_most": goal.bound, "figure": figure, "is_met": is_met}
            for goal in GOALS
            for figure, is_met in [goal.verdict(comparison)]
        ],
        "missing": comparison.missing,
    }


def _scenario_text(result: ScenarioResult) -> str:
    scenario = result.scenario
    title = f"{scenario.name}: {scenario.title} (CPU per {scenario.unit})"
    head = (*_HEAD, "CPU/chunk") if scenario.chunks else _HEAD
    lines = [title, *table(head, [_row(result, name) for name in result.samples])]
    lines += [f"  FAILED {name}: {reason}" for name, reason in result.failures.items()]
    return "\n".join(lines)


def _row(result: ScenarioResult, name: str) -> list[str]:
    sample, direct, nginx = result.samples[name], result.samples.get(DIRECT), result.samples.get("nginx")
    is_server = name != DIRECT
    row = [
        name,
        f"{sample.cpu:,.1f}" if is_server else _NOT_MEASURED,
        f"{sample.cpu / nginx.cpu:.2f}" if is_server and nginx and nginx.cpu else _NOT_MEASURED,
        f"{sample.p50:,.0f}",
        f"{sample.p99:,.0f}",
        f"{sample.p50 - direct.p50:,.0f}" if is_server and direct else _NOT_MEASURED,
        f"{sample.p99 - direct.p99:,.0f}" if is_server and direct else _NOT_MEASURED,
        f"{sample.per_second:,.0f}",
        f"{sample.resident / 1e6:.0f}" if is_server else _NOT_MEASURED,
    ]
    if result.scenario.chunks:
        row.append(f"{sample.cpu / result.scenario.chunks:.1f}" if is_server else _NOT_MEASURED)
    return row


def _idle_text(comparison: Comparison) -> str:
    rows = [
        [name, f"{idle.started_in:.2f}", f"{idle.resident / 1e6:.0f}"] for name, idle in comparison.idle.items()
    ]
    return "\n".join(["after the start", *table(("server", "seconds to first answer", "RSS MB"), rows)])


def _goals_text(comparison: Comparison) -> str:
    rows: list[list[str]] = []
    for goal in GOALS:
        figure, is_met = goal.verdict(comparison)
        shown = _NOT_MEASURED if figure is None else f"{figure:,.4g} {goal.unit}"
        rows.append([goal.title, shown, f"{goal.bound:,.4g} {goal.unit}", _said(is_met)])
    return "\n".join(["goals", *table(("figure", "measured", "at most", ""), rows)])


def _said(is_met: bool | None) -> str:
    return "not measured" if is_met is None else "met" if is_met else "MISSED"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines with the first column to the left and the others to the right."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
