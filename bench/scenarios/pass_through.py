"""A chat completion of about 1 kB each way, not streamed, with nothing to add: the gateway's least."""

from __future__ import annotations

from bench import wire
from bench.scenario import Scenario

SCENARIOS = (
    Scenario("pass-c1", "pass-through, one request at a time", wire.CHAT, concurrency=1, count=6000, seconds=5),
    Scenario("pass-c32", "pass-through, 32 in flight", wire.CHAT, concurrency=32, count=20_000, seconds=6),
)
