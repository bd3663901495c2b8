"""The search finds what is meant among real tools, and more of it than simpler rankings do."""

from __future__ import annotations

import pytest

from bench.selection.__main__ import main, recall
from bench.selection.catalogue import read_queries, read_tools
from bench.selection.rankings import by_keywords, by_plain_bm25
from gateway.exposure.selection import ToolIndex


def test_it_finds_more_than_simpler_rankings_on_held_out_queries():
    tools, held_out = read_tools(), read_queries()[1::2]
    index, visible = ToolIndex(tool.read for tool in tools), frozenset(tool.read.qualified for tool in tools)

    def ours(query: str) -> list[str]:
        return [found.tool.qualified for found in index.rank(query, visible)]

    assert len(tools) > 1000
    assert recall(ours, held_out, 5) > max(
        recall(by_plain_bm25(tools), held_out, 5), recall(by_keywords(tools), held_out, 5)
    )
    assert recall(ours, held_out, 10) > 0.9


def test_every_query_means_tools_that_are_there():
    names = {tool.read.qualified for tool in read_tools()}
    queries = read_queries()
    assert len(queries) >= 150
    assert all(query.meant and query.meant <= names for query in queries)


def test_the_command_prints_both_halves_and_what_is_saved(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert printed.count("tuning") == printed.count("held out") == 3
    assert "Tokens of definitions" in printed
