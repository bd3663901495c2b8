"""Streamed completions of 100 chunks: at a model's pace, where system calls decide, and all at once."""

from __future__ import annotations

from bench import wire
from bench.scenario import Scenario

SCENARIOS = (
    Scenario(
        "stream-c64",
        "stream of 100 chunks in a second, 64 in flight",
        wire.PACED,
        concurrency=64,
        count=256,
        seconds=8,
        unit="stream",
        is_streamed=True,
        chunks=wire.CHUNKS,
    ),
    Scenario(
        "burst-c8",
        "stream of 100 chunks at once, 8 in flight",
        wire.BURST,
        concurrency=8,
        count=2000,
        seconds=6,
        unit="stream",
        is_streamed=True,
        chunks=wire.CHUNKS,
    ),
)
