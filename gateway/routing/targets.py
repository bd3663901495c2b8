"""Where a request for a model may go."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.providers.provider import Provider
from gateway.routing.prices import Price


@dataclass(frozen=True, slots=True)
class Target:
    """One place in the config's `models:` map: a provider by name, and its own name for the model.

    Without `model` the name that the client asked for is sent. In a target of a pattern, a `*` in `model` stands
    for what the `*` of the pattern stood for. `price` goes before what the list of prices says.
    """

    provider: str
    model: str | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model at a provider; `model` is the provider's name for it."""

    provider: Provider
    model: str
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request may go, in order of preference. `model` is what the client asked for."""

    model: str
    deployments: tuple[Deployment, ...]

    def speaks_only(self, dialect: str) -> bool:
        """True when bytes of this dialect can go to every deployment as they are."""
        return all(dialect in deployment.provider.dialects for deployment in self.deployments)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as clients see it in a list. `created` is in seconds since the epoch."""

    id: str
    owned_by: str
    created: int
