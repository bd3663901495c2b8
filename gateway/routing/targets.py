"""Where a request for a model may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.providers.provider import Provider
from gateway.routing.conditions import DeploymentCondition
from gateway.routing.gates import Gate
from gateway.routing.prices import Price
from gateway.routing.rules import Rule

Capability = Literal["tools", "vision", "audio", "documents", "structured_output", "streaming"]
"""What a request may need of a model; see `gateway.routing.needs`."""

Strategy = Literal["priority", "weighted", "least_busy", "lowest_latency", "lowest_cost"]
"""Which of several deployments is tried first; see `gateway.routing.choosing`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place in the config's `models:` map: a provider by name, and its own name for the model.

    Without `model` the name that the client asked for is sent. In a target of a pattern, a `*` in `model` stands
    for what the `*` of the pattern stood for. `price` goes before what the list of prices says. `capabilities` is
    None, and so is `context_tokens`, where nothing is known: none is passed over for what is not known of it.
    """

    provider: str
    model: str | None = None
    price: Price | None = None
    weight: float = 1.0
    tags: frozenset[str] = frozenset()
    region: str | None = None
    capabilities: frozenset[str] | None = None
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a provider; `model` is the provider's name for it.

    `label` names it in metrics: it comes from the configuration, where `model` may come from a client. `target` is
    what the configuration says of it. `condition` and `gate` change while it is used, and belong to no request.
    """

    provider: Provider
    model: str
    price: Price | None = None
    label: str = ""
    target: Target = field(default=Target(""), compare=False, repr=False)
    condition: DeploymentCondition = field(default_factory=DeploymentCondition, compare=False, repr=False)
    gate: Gate | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to choose among the deployments of an alias. `fallback` names aliases whose deployments come after them;
    `hedge_after` is in seconds: see `Route`.
    """

    strategy: Strategy = "priority"
    rules: tuple[Rule, ...] = ()
    fallback: tuple[str, ...] = ()
    hedge_after: float | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """The deployments of one alias, and how to choose among them. What stands first is tried first."""

    alias: str
    deployments: tuple[Deployment, ...]
    strategy: Strategy = "priority"
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request may go. `model` is what the client asked for.

    `deployments` are all of them, in order of preference as far as the file decides it. `tiers` are those of the
    alias and then of each of its fallbacks; without any, the order of `deployments` is the order of trying. With
    `is_conditional`, they are to be narrowed to those that may serve a request: see `gateway.routing.rules`.

    After `hedge_after` seconds without an answer, another deployment is asked at the same time. `input_tokens` is
    about how long the request is, where somebody wants to know.
    """

    model: str
    deployments: tuple[Deployment, ...]
    tiers: tuple[Tier, ...] = ()
    is_conditional: bool = False
    hedge_after: float | None = None
    input_tokens: int = 0

    def speaks_only(self, dialect: str) -> bool:
        """True when bytes of this dialect can go to every deployment as they are."""
        return all(dialect in deployment.provider.dialects for deployment in self.deployments)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as clients see it in a list. `created` is in seconds since the epoch."""

    id: str
    owned_by: str
    created: int
