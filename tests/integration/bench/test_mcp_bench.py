"""The bench of tool calls works: tiny counts, real processes, no judgement on speed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.mcp.__main__ import HUBS
from bench.mcp.hub import Hub, Place
from bench.mcp.measuring import Cell, Extent, measure
from bench.mcp.peers import contextforge, sdk_proxy, toolgate
from bench.servers import Launch, PeerMissing

TINY = Extent(concurrencies=(2,), count=4, seconds=20, repetitions=1)


async def test_toolgate_and_the_sdk_s_proxy_answer_rightly_over_both_transports(tmp_path: Path):
    figures = await measure((toolgate.HUB, sdk_proxy.HUB), ("http", "stdio"), TINY, tmp_path, lambda _line: None)
    assert figures.failures == {}
    assert figures.taken.keys() == {
        Cell(way, 2, hub, surface)
        for way in ("http", "stdio")
        for hub, surface in (("toolgate", "/mcp"), ("toolgate", "loop"), ("SDK proxy", "/mcp"))
    }
    assert all(sample.completed == 4 for sample in figures.taken.values())


async def test_a_hub_that_cannot_be_had_is_a_failure_with_its_reason(tmp_path: Path):
    def launch(_place: Place) -> Launch:
        raise PeerMissing("the index is closed")

    missing: Hub = replace(sdk_proxy.HUB, launch=launch)
    figures = await measure((missing,), ("stdio",), TINY, tmp_path, lambda _line: None)
    assert figures.failures == {"SDK proxy over stdio": "the index is closed"}


def test_contextforge_stays_on_this_machine(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = tmp_path / "toolgate-bench" / f"mcp-contextforge-gateway-{contextforge.VERSION}" / "installed"
    done.parent.mkdir(parents=True)
    done.touch()
    made = contextforge.launch(Place(tmp_path, port=8, way="http", tool_server=9))
    assert "127.0.0.1" in made.command
    assert made.environment["DATABASE_URL"].startswith(f"sqlite:///{tmp_path}")
    assert contextforge.HUB in HUBS
