"""The price of each deployment: the operator's own, else the one in the list.

Above: `fallback` puts the cost beside the tokens of each call. Below: `prices`.

A model whose price is unknown has an unknown cost, which is never taken for nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from gateway.conversation import Usage
from gateway.routing.prices import Price, listed_price
from gateway.routing.targets import Deployment, Route

_log = logging.getLogger(__name__)

_MOST_TOLD = 4096  # models that are told of in the log
_MOST_KNOWN = 4096  # prices that are remembered for a day


class PriceBook:
    """The prices of deployments. `today` tells which of a model's dated prices holds."""

    def __init__(self, today: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._today = today
        self._told: set[tuple[str, str]] = set()
        self._day = 0
        self._known: dict[tuple[str, str], Price | None] = {}
        """What the list says on that day, by base URL and model."""

    def of(self, deployment: Deployment) -> Price | None:
        """The price of a deployment, None where nobody knows it."""
        if deployment.price is not None:
            return deployment.price
        now = self._today()
        if now.toordinal() != self._day or len(self._known) >= _MOST_KNOWN:
            self._day, self._known = now.toordinal(), {}
        place = deployment.provider.base_url, deployment.model
        if place not in self._known:
            day = now.replace(hour=0, minute=0, second=0, microsecond=0)
            self._known[place] = listed_price(place[1], day, address=place[0])
        return self._known[place]

    def priced(self, usage: Usage, deployment: Deployment) -> Usage:
        """The same tokens with what they cost; a price that is missing is logged once for each model."""
        price = self.of(deployment)
        if price is not None:
            return replace(usage, cost_usd=price.cost(usage))
        self._tell(deployment)
        return usage

    def _tell(self, deployment: Deployment) -> None:
        place = deployment.provider.name, deployment.model
        if place in self._told or len(self._told) >= _MOST_TOLD:
            return
        self._told.add(place)
        _log.warning(
            "no price is known for the model %r of the provider %s: its cost is unknown; set `price` for it",
            deployment.model,
            deployment.provider.name,
        )

    def unpriced(self, route: Route) -> Deployment | None:
        """The first deployment of a route whose price nobody knows."""
        return next((place for place in route.deployments if self.of(place) is None), None)
