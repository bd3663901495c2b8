"""`python -m bench.translation`: measure, and print a table or JSON."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.report import table
from bench.translation.measuring import SDKS, Figures, measure
from bench.wire import CHUNKS

_HEAD = ("who", "client", "provider", "CPU µs", "streamed µs", "per chunk", "x LiteLLM")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when something has no figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.translation", description="What a translation costs.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--count", type=int, default=2000, metavar="N", help="requests a figure (default: 2000)")
    parser.add_argument(
        "--sdk-count", type=int, default=200, metavar="N", help="the same for the SDKs (default: 200)"
    )
    parser.add_argument("--sdks", nargs="*", choices=list(SDKS), default=list(SDKS), help="the peers")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="toolgate-bench-") as folder:
        figures = uvloop.run(
            measure(Path(folder), count=options.count, sdk_count=options.sdk_count, sdks=options.sdks, tell=_tell)
        )
    if options.json:
        print(orjson.dumps(_as_json(figures), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(table(_HEAD, _rows(figures))))
        print("\n".join(f"FAILED {' '.join(place)}: {reason}" for place, reason in figures.failures.items()))
    return 1 if figures.failures else 0


def _rows(figures: Figures) -> list[list[str]]:
    rows: list[list[str]] = []
    for (who, client, provider), figure in figures.taken.items():
        peer = figures.taken.get(("litellm", client, provider))
        rows.append(
            [
                *(who, client, provider),
                f"{figure.whole:,.0f}",
                f"{figure.streamed:,.0f}",
                f"{figure.streamed / CHUNKS:.1f}",
                f"{figure.whole / peer.whole:.3f}" if peer and who == "toolgate" else "-",
            ]
        )
    return rows


def _as_json(figures: Figures) -> dict[str, Any]:
    """CPU in microseconds of one answer."""
    taken = [
        {"who": who, "client": client, "provider": provider, "whole": figure.whole, "streamed": figure.streamed}
        for (who, client, provider), figure in figures.taken.items()
    ]
    failed = [
        {"who": who, "client": client, "provider": provider, "reason": reason}
        for (who, client, provider), reason in figures.failures.items()
    ]
    return {"figures": taken, "failures": failed, "chunks": CHUNKS}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
