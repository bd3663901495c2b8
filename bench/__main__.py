"""`python -m bench`: measure, and print a table or JSON."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import uvloop

from bench.comparison import compare
from bench.peers import PEERS
from bench.report import as_json, as_text
from bench.scenario import Scenario
from bench.scenarios import SCENARIOS

_QUICK = 20  # times fewer requests


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments ask for; 1 when a server that was asked for has no figures."""
    options = _parser().parse_args(arguments)
    peers = [peer for peer in PEERS if peer.name in options.servers]
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in options.scenarios]
    if options.quick:
        scenarios = [_quicker(scenario) for scenario in scenarios]
    with tempfile.TemporaryDirectory(prefix="toolgate-bench-") as folder:
        comparison = uvloop.run(
            compare(peers, scenarios, repetitions=options.repetitions, folder=Path(folder), tell=_tell)
        )
    if options.json:
        print(orjson.dumps(as_json(comparison), option=orjson.OPT_INDENT_2).decode())
    else:
        print(as_text(comparison))
    return 1 if comparison.missing or any(result.failures for result in comparison.results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What toolgate costs, beside its peers.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--quick", action="store_true", help="a few requests each: a trial of the bench, not a result"
    )
    parser.add_argument(
        "--repetitions", type=int, default=3, metavar="N", help="take the median of N (default: 3)"
    )
    names = [peer.name for peer in PEERS]
    parser.add_argument(
        "--servers", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument(
        "--scenarios", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    return parser


def _quicker(scenario: Scenario) -> Scenario:
    return replace(scenario, count=max(scenario.count // _QUICK, scenario.concurrency), seconds=2.0)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
