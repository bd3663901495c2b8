"""Narrows a route to the deployments that a request may go to.

Pure. Above: the API, once for each request whose model has conditions. Below: `rules`. Refuses to know: HTTP, wire
formats, and how one of the deployments that are left is chosen.

Only what the configuration says of a deployment counts. One whose region is not known is in no region; one whose
capabilities are not known has them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.errors import InvalidRequest
from gateway.routing.rules import Asking
from gateway.routing.targets import Deployment, Route, Tier

BYTES_PER_TOKEN = 4
"""Roughly, in English text and in JSON."""


def looks_at_requests(tiers: Iterable[Tier]) -> bool:
    """Whether it matters to any of these who asks, and for what."""
    return any(
        tier.rules
        or tier.strategy == "lowest_cost"
        or any(
            deployment.target.capabilities is not None or deployment.target.context_tokens is not None
            for deployment in tier.deployments
        )
        for tier in tiers
    )


def narrowed(route: Route, asking: Asking) -> Route:
    """The route with the deployments that this request may go to. Raises InvalidRequest when there are none."""
    tiers: list[Tier] = []
    refusals: list[str] = []
    for tier in route.tiers or (Tier(route.model, route.deployments),):
        kept, refusal = _narrow(tier, asking)
        if kept:
            tiers.append(replace(tier, deployments=tuple(kept)))
        refusals.append(refusal)
    if not tiers:
        message = f"model: no deployment of {route.model[:80]!r} may serve this request: {refusals[0]}"
        raise InvalidRequest(message, code="no_deployment", param="model")
    deployments = tuple(deployment for tier in tiers for deployment in tier.deployments)
    tokens = asking.body_bytes // BYTES_PER_TOKEN
    return replace(route, deployments=deployments, tiers=tuple(tiers), input_tokens=tokens)


def _narrow(tier: Tier, asking: Asking) -> tuple[list[Deployment], str]:
    """What is left of a tier; and, where nothing is, what left none."""
    left = list(tier.deployments)
    rule = next((rule for rule in tier.rules if rule.holds_for(asking)), None)
    before = ""
    if rule is not None:
        left = [
            deployment
            for deployment in left
            if rule.use.takes(deployment.provider.name, deployment.target.region, deployment.target.tags)
        ]
        if not left:
            return left, f"the rule {rule.name!r} leaves none"
        before = f"of those that the rule {rule.name!r} leaves, "
    if asking.regions:
        left = [deployment for deployment in left if deployment.target.region in asking.regions]
        if not left:
            return left, f"{before}none is in a region that this key is bound to ({_listed(asking.regions)})"
    able = [deployment for deployment in left if asking.needs <= _capabilities(deployment, asking)]
    if not able:
        lacking = frozenset[str]().union(*(asking.needs - _capabilities(place, asking) for place in left))
        return able, f"{before}none has what the request needs ({_listed(lacking)})"
    return _long_enough(able, asking.body_bytes // BYTES_PER_TOKEN), ""


def _capabilities(deployment: Deployment, asking: Asking) -> frozenset[str]:
    known = deployment.target.capabilities
    return asking.needs if known is None else known


def _long_enough(deployments: list[Deployment], tokens: int) -> list[Deployment]:
    """Those whose context takes the request; all of them when none does, for the length is only guessed, and a
    provider's own words on it are worth more to a client than ours.
    """
    fitting = [
        deployment
        for deployment in deployments
        if deployment.target.context_tokens is None or deployment.target.context_tokens >= tokens
    ]
    return fitting or deployments


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
