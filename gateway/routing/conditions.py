"""How deployments are doing: what was learnt from calls, and outlives both the calls and the configuration.

Above: routing looks at it before a call and notes what came of it. Refuses to know: routes, requests, HTTP.

Kept in this process's memory. `Conditions` is the seam: a store that several gateways share would take its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.routing.breakers import Breaker
from gateway.routing.gates import Gate
from gateway.routing.latencies import LatencyWindow

_MOST = 4096
"""Deployments that are remembered; patterns let clients make up names of models."""


@dataclass(slots=True)
class DeploymentCondition:
    """One deployment's: its breaker, how quickly it began its answers (streamed ones and whole ones are not
    alike), and how many are under way. `rests` says until when each of its provider's keys is to be left alone.
    """

    breaker: Breaker = field(default_factory=Breaker)
    streamed: LatencyWindow = field(default_factory=LatencyWindow)
    whole: LatencyWindow = field(default_factory=LatencyWindow)
    active: int = 0
    rests: dict[int, float] = field(default_factory=dict[int, float])

    def rest(self, key: int, until: float) -> None:
        """Leave this key alone until then."""
        self.rests[key] = max(until, self.rests.get(key, 0.0))

    def keys(self, count: int, now: float) -> list[int]:
        """The keys that may be used, by number: those that have rested, or else the one that will the soonest."""
        if not self.rests:
            return list(range(count))
        self.rests = {key: until for key, until in self.rests.items() if until > now and key < count}
        rested = [key for key in range(count) if key not in self.rests]
        return rested or [min(self.rests, key=self.rests.__getitem__)]

    def rested_in(self, count: int, now: float) -> float:
        """Seconds until one of its keys is rested; 0 when one is."""
        if len(self.rests) < count:
            return 0.0
        return max(0.0, min(self.rests.get(key, 0.0) for key in range(count)) - now)


class Conditions:
    """All deployments' and providers', by name. Their breakers have the bounds of the latest configuration."""

    def __init__(self) -> None:
        self.breaker_failures = 5
        self.breaker_seconds = 10.0
        self._deployments: dict[tuple[str, str], DeploymentCondition] = {}
        self._gates: dict[str, Gate] = {}

    def of(self, provider: str, model: str) -> DeploymentCondition:
        """That of a model at a provider: the same one for as long as both keep their names."""
        found = self._deployments.get((provider, model))
        if found is None:
            if len(self._deployments) >= _MOST:
                self._forget()
            found = self._deployments[provider, model] = DeploymentCondition()
        found.breaker.most, found.breaker.seconds = self.breaker_failures, self.breaker_seconds
        return found

    def gate(self, provider: str, limit: int, most_waiting: int, patience: float) -> Gate:
        """The gate of a provider, with the bounds of the latest configuration."""
        gate = self._gates.setdefault(provider, Gate(limit, most_waiting, patience))
        gate.limit, gate.most_waiting, gate.patience = limit, most_waiting, patience
        gate.admit()
        return gate

    def _forget(self) -> None:
        """Of those that nobody uses, the older half."""
        idle = [key for key, condition in self._deployments.items() if not condition.active]
        for key in idle[: _MOST // 2]:
            del self._deployments[key]
