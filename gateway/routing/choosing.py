"""Which of several deployments is tried first.

Pure: time, chance and prices come from the caller. Every strategy gives all the deployments that it is given:
those that are not its first choice are tried when that fails. Where two are alike, the file's order holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.conversation import Usage
from gateway.routing.prices import Price
from gateway.routing.targets import Deployment, Strategy

_TYPICAL_OUTPUT = 500  # tokens; how long an answer gets, nobody knows before


@dataclass(frozen=True, slots=True)
class Moment:
    """What the choice depends on besides the configuration. `chance` gives numbers from 0 up to 1; `now` is in
    seconds, as in the deployments' conditions; `percentile` is that of their latencies which counts.
    """

    now: float
    chance: Callable[[], float]
    price_of: Callable[[Deployment], Price | None]
    percentile: float = 0.9
    is_stream: bool = False
    input_tokens: int = 0


def in_order(strategy: Strategy, deployments: Sequence[Deployment], moment: Moment) -> list[Deployment]:
    """All the deployments, the one to try first in front."""
    if strategy == "priority" or len(deployments) < 2:
        return list(deployments)
    score = _SCORES[strategy]
    return sorted(deployments, key=lambda deployment: score(deployment, moment))


def rested_first(deployments: Sequence[Deployment], now: float) -> list[Deployment]:
    """Those that asked to be left alone for a while go last, and those that will have rested the soonest first."""
    return sorted(deployments, key=lambda deployment: rest_of(deployment, now))


def rest_of(deployment: Deployment, now: float) -> float:
    """Seconds for which it wants to be left alone; 0 for nearly all."""
    rests = deployment.condition.rests
    return deployment.condition.rested_in(deployment.provider.key_count, now) if rests else 0.0


def _by_chance(deployment: Deployment, moment: Moment) -> float:
    """Each comes first as often as its share of the weights says (Efraimidis and Spirakis, 2006); 0 comes last."""
    weight = deployment.target.weight
    if weight <= 0:
        return math.inf
    return -math.log(1.0 - moment.chance()) / weight


def _by_business(deployment: Deployment, moment: Moment) -> float:
    weight = deployment.target.weight
    return (deployment.condition.active + 1) / weight if weight > 0 else math.inf


def _by_latency(deployment: Deployment, moment: Moment) -> float:
    """One of which nothing is known comes first: otherwise nothing would ever be known."""
    condition = deployment.condition
    window = condition.streamed if moment.is_stream else condition.whole
    known = window.percentile(moment.now, moment.percentile)
    return -1.0 if known is None else known


def _by_cost(deployment: Deployment, moment: Moment) -> float:
    """One whose price nobody knows comes last."""
    price = moment.price_of(deployment)
    return math.inf if price is None else price.cost(Usage(moment.input_tokens, _TYPICAL_OUTPUT))


_SCORES: dict[Strategy, Callable[[Deployment, Moment], float]] = {
    "weighted": _by_chance,
    "least_busy": _by_business,
    "lowest_latency": _by_latency,
    "lowest_cost": _by_cost,
}
