"""What a configuration says of the ways to models: immutable values without behaviour.

Above: the composition root makes a router of them. Refuses to know: files' syntax, pydantic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

StrategyName = Literal["priority", "weighted", "least_busy", "lowest_latency", "lowest_cost"]


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """A rule on requests, and the deployments that it picks (`use_*`): see `gateway.routing.rules`."""

    name: str
    keys: tuple[str, ...] = ()
    teams: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    at_least: int = 0
    below: int | None = None
    use_providers: frozenset[str] = frozenset()
    use_regions: frozenset[str] = frozenset()
    use_tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlanConfig:
    """How to choose among the targets of a model. `hedge_after` is in seconds."""

    strategy: StrategyName = "priority"
    rules: tuple[RuleConfig, ...] = ()
    fallback: tuple[str, ...] = ()
    hedge_after: float | None = None


@dataclass(frozen=True, slots=True)
class ConcurrencyConfig:
    """How many calls a provider may have at once, how many may wait, and for how many seconds."""

    calls: int
    waiting: int
    patience: float


@dataclass(frozen=True, slots=True)
class RoutingConfig:
    """What is done about providers that fail, in seconds where that applies. `plans` are those of models, by name,
    that have more than a list of targets.
    """

    retries: int = 2
    retry_within: float = 30.0
    breaker_failures: int = 5
    breaker_seconds: float = 10.0
    latency_percentile: float = 0.9
    plans: Mapping[str, PlanConfig] = field(default_factory=dict[str, PlanConfig])
