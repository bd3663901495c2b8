"""`python -m bench.mcp`: measure, and print a table or JSON."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.mcp.hub import Hub, Way
from bench.mcp.measuring import Cell, Extent, Figures, measure
from bench.mcp.peers import contextforge, sdk_proxy, toolgate
from bench.report import table

HUBS: tuple[Hub, ...] = (toolgate.HUB, sdk_proxy.HUB, contextforge.HUB)
GOAL = Cell("http", 32, toolgate.HUB.name, "/mcp")
GOAL_CPU = 500.0  # microseconds

_WAYS: tuple[Way, ...] = ("http", "stdio")
_HEAD = ("hub", "surface", "tool server", "in flight", "CPU µs", "x SDK", "p50 µs", "p99 µs", "per s", "RSS MB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when something has no figures."""
    usual = Extent()
    parser = argparse.ArgumentParser(prog="python -m bench.mcp", description="What a tool call costs in a hub.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--count", type=int, default=usual.count, metavar="N", help="calls a figure, at most")
    parser.add_argument(
        "--seconds", type=float, default=usual.seconds, metavar="S", help="seconds a figure, at most"
    )
    parser.add_argument(
        "--repetitions", type=int, default=usual.repetitions, metavar="N", help="the median counts"
    )
    parser.add_argument("--in-flight", type=int, nargs="+", default=usual.concurrencies, metavar="N")
    names = [hub.name for hub in HUBS]
    parser.add_argument("--hubs", nargs="+", choices=names, default=names, metavar="HUB", help="default: all")
    options = parser.parse_args(arguments)
    extent = Extent(options.in_flight, options.count, options.seconds, options.repetitions)
    hubs = [hub for hub in HUBS if hub.name in options.hubs]
    with tempfile.TemporaryDirectory(prefix="toolgate-bench-") as folder:
        figures = uvloop.run(measure(hubs, _WAYS, extent, Path(folder), _tell))
    if options.json:
        print(orjson.dumps(_as_json(figures), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join([*table(_HEAD, _rows(figures)), "", _goal(figures)]))
        print("\n".join(f"FAILED {where}: {reason}" for where, reason in figures.failures.items()))
    return 1 if figures.failures else 0


def _rows(figures: Figures) -> list[list[str]]:
    rows: list[list[str]] = []
    for cell, figure in figures.taken.items():
        peer = figures.taken.get(cell._replace(hub=sdk_proxy.HUB.name, surface="/mcp"))
        rows.append(
            [
                *(cell.hub, cell.surface, cell.way, str(cell.concurrency), f"{figure.cpu:,.0f}"),
                f"{figure.cpu / peer.cpu:.2f}" if peer and cell.surface == "/mcp" else "-",
                *(f"{figure.p50:,.0f}", f"{figure.p99:,.0f}", f"{figure.per_second:,.0f}"),
                f"{figure.resident / 1e6:.0f}",
            ]
        )
    return rows


def _goal(figures: Figures) -> str:
    figure = figures.taken.get(GOAL)
    said = "not measured" if figure is None else f"{figure.cpu:,.0f} µs: {_verdict(figure.cpu)}"
    title = "CPU of a call through /mcp to a server over HTTP, 32 in flight"
    return f"goal: {title}, under {GOAL_CPU:,.0f} µs: {said}"


def _verdict(cpu: float) -> str:
    return "met" if cpu < GOAL_CPU else "MISSED"


def _as_json(figures: Figures) -> dict[str, Any]:
    """CPU and latencies in microseconds, memory in bytes."""
    taken = [{**cell._asdict(), **asdict(figure)} for cell, figure in figures.taken.items()]
    return {"figures": taken, "failures": figures.failures}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
