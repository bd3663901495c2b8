"""How stubborn and how careful the gateway is with providers that fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoutingSettings:
    """What the config's `routing:` says.

    After every deployment has failed, those that may do better are tried again, up to `retries` times, and only
    while no more than `retry_within` seconds have passed. A deployment that failed `breaker_failures` times in a
    row is left alone for `breaker_seconds`; with 0 failures, none ever is. `latency_percentile` is from 0 to 1.
    """

    retries: int = 2
    retry_within: float = 30.0
    breaker_failures: int = 5
    breaker_seconds: float = 10.0
    latency_percentile: float = 0.9


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one provider may have under way: `calls` at once, and so many `waiting`, each for at most `patience`
    seconds.
    """

    calls: int
    waiting: int
    patience: float
