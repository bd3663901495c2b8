"""`python -m bench.selection`: recall, the prompt that is saved, and what a search costs, as tables."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from bench.selection.catalogue import Query, Tool, read_queries, read_tools
from bench.selection.rankings import Ranking, by_keywords, by_plain_bm25
from gateway.exposure.selection import ToolIndex

_DEPTHS = (1, 5, 10)
_CHARACTERS_A_TOKEN = 4
_TIMES = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.selection", description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="the tuning half alone, with what was not found")
    options = parser.parse_args(arguments)
    tools, queries = read_tools(), read_queries()
    tuning, held_out = queries[::2], queries[1::2]
    index = ToolIndex(tool.read for tool in tools)
    rankings = {
        "toolgate": _ours(index, tools),
        "plain BM25": by_plain_bm25(tools),
        "keywords": by_keywords(tools),
    }
    halves = {"tuning": tuning} if options.tuning else {"tuning": tuning, "held out": held_out}
    print(f"{len(tools)} tools of {len({tool.read.server for tool in tools})} servers, {len(queries)} queries\n")
    print(f"| {'ranking':<10} | {'queries':<14} |" + "".join(f" recall at {depth:>2} |" for depth in _DEPTHS))
    print("|---|---|" + "---|" * len(_DEPTHS))
    for name, ranking in rankings.items():
        for half, asked in halves.items():
            cells = "".join(f" {recall(ranking, asked, depth):>12.3f} |" for depth in _DEPTHS)
            print(f"| {name:<10} | {half:<8} ({len(asked):>3}) |{cells}")
    if options.tuning:
        _print_misses(rankings["toolgate"], tuning)
        return 0
    _print_savings(tools, rankings["toolgate"], queries)
    _print_costs(tools, queries)
    return 0


def recall(ranking: Ranking, queries: Sequence[Query], depth: int) -> float:
    """The share of queries of which a tool that is meant is among the first `depth`."""
    return statistics.mean(any(name in query.meant for name in ranking(query.text)[:depth]) for query in queries)


def _ours(index: ToolIndex, tools: Sequence[Tool]) -> Ranking:
    visible = frozenset(tool.read.qualified for tool in tools)
    return lambda query: [found.tool.qualified for found in index.rank(query, visible)]


def _print_misses(ranking: Ranking, queries: Sequence[Query]) -> None:
    print()
    for query in queries:
        first = ranking(query.text)[:5]
        if not query.meant.intersection(first):
            print(f"{query.text!r} means {sorted(query.meant)}, found {first}")


def _print_savings(tools: Sequence[Tool], ranking: Ranking, queries: Sequence[Query]) -> None:
    """A token is taken for four characters of the definition's JSON: a count of no model's in particular."""
    sizes = {tool.read.qualified: tool.characters / _CHARACTERS_A_TOKEN for tool in tools}
    found = statistics.mean(sum(sizes[name] for name in ranking(query.text)[:5]) for query in queries)
    whole = sum(sizes.values())
    print(f"\nTokens of definitions ({_CHARACTERS_A_TOKEN} characters each): all tools {whole:,.0f};")
    print(f"after one search for 5 tools {found:,.0f} on average, {1 - found / whole:.1%} less.")


def _print_costs(tools: Sequence[Tool], queries: Sequence[Query]) -> None:
    visible = frozenset(tool.read.qualified for tool in tools)
    built = _best(lambda: ToolIndex(tool.read for tool in tools))
    index = ToolIndex(tool.read for tool in tools)
    asked = _best(lambda: [index.rank(query.text, visible) for query in queries]) / len(queries)
    print(f"Building the index {built * 1000:,.0f} ms, once for a catalogue; a query {asked * 1000:.2f} ms.")


def _best(work: Callable[[], object]) -> float:
    """Seconds that it takes undisturbed."""
    taken: list[float] = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


if __name__ == "__main__":
    sys.exit(main())
