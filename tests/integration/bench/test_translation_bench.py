"""The bench of translations works: tiny counts, real processes, no judgement on speed."""

from __future__ import annotations

from pathlib import Path

from bench.translation.measuring import measure
from bench.translation.wire import CLIENTS, PROVIDERS


async def test_every_pair_of_dialects_and_the_openai_sdk_are_measured(tmp_path: Path):
    told: list[str] = []
    figures = await measure(tmp_path, count=2, sdk_count=2, sdks=["openai"], tell=told.append)
    assert figures.failures == {}
    pairs = {("toolgate", client, provider) for client in CLIENTS for provider in PROVIDERS}
    assert figures.taken.keys() == pairs | {("openai", "openai_chat", "openai_chat")}
    assert len(told) == len(figures.taken)
