"""The way from a model's name to an answer. One router for one configuration; it holds nothing that must be kept.

Above: the API resolves a request's model once, then calls the route. Below: `gateway.providers`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import astuple
from types import MappingProxyType
from typing import Any

from gateway.providers.answers import ProviderAnswer
from gateway.providers.caller import ProviderCaller
from gateway.providers.clients import HttpClients
from gateway.providers.endpoints import ENDPOINTS
from gateway.providers.provider import Provider
from gateway.routing.breakers import BreakerState
from gateway.routing.calling import Calls
from gateway.routing.conditions import Conditions
from gateway.routing.fallback import Form, Forwarding, RoutedModel
from gateway.routing.listing import ProviderModels
from gateway.routing.patterns import filling, matches, matches_any
from gateway.routing.price_book import PriceBook
from gateway.routing.resolution import Resolver
from gateway.routing.settings import Bounds
from gateway.routing.targets import ModelInfo, Plan, Route, Target

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Router:
    """See the module. `models` is the config's map, in the file's order; without entries every provider's models
    answer to `provider/model`.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        models: Mapping[str, Sequence[Target]],
        clients: HttpClients,
        *,
        plans: Mapping[str, Plan] | None = None,
        calls: Calls | None = None,
        conditions: Conditions | None = None,
        bounds: Mapping[str, Bounds] | None = None,
    ) -> None:
        """`plans` say how to choose among the targets of entries of the map, and `bounds` what providers may have
        under way. `conditions` outlive this router. Raises ValueError for a map that cannot be served, and for a
        dialect that nobody knows.
        """
        for provider in providers:
            for dialect in provider.dialects:
                if dialect not in ENDPOINTS:
                    known = ", ".join(ENDPOINTS)
                    raise ValueError(f"the provider {provider.name} speaks {dialect!r}; known are: {known}")
        self._calls = calls or Calls()
        conditions = conditions or Conditions()
        conditions.breaker_failures = self._calls.settings.breaker_failures
        conditions.breaker_seconds = self._calls.settings.breaker_seconds
        gates = {name: conditions.gate(name, *astuple(bound)) for name, bound in (bounds or {}).items()}
        by_name = {provider.name: provider for provider in providers}
        self._resolver = Resolver(by_name, models, plans or {}, conditions, gates)
        self._caller = ProviderCaller(clients)
        self._provider_models = ProviderModels(self._caller)
        self._created = int(time.time())

    def resolve(self, model: str, allowed: Sequence[str]) -> Route:
        """The route for a model, which must fit one of the patterns in `allowed`. Raises ModelNotFound."""
        return self._resolver.resolve(model, allowed)

    @property
    def prices(self) -> PriceBook:
        """What the calls cost."""
        return self._calls.prices

    def caller(self, route: Route) -> RoutedModel:
        """The route as a model to call, in any dialect."""
        return RoutedModel(self._caller, route, self._calls)

    def breaker_states(self) -> dict[tuple[str, str], BreakerState]:
        """The state of each deployment that the map names, by provider and model."""
        now = self._calls.clock()
        return {
            (deployment.provider.name, deployment.label): deployment.condition.breaker.state(now)
            for route in self._resolver.aliases.values()
            for deployment in route.deployments
        }

    def forward(
        self,
        route: Route,
        dialect: str,
        body: bytes | Form,
        parsed: Mapping[str, Any],
        headers: Mapping[str, str],
        path: str | None = None,
    ) -> Forwarding:
        """Pass a request's bytes on, with only the model's name changed, and get the answer's bytes, out of which
        `Forwarding.usage_asking`, if there is one, has to take what the client did not ask for.

        `parsed` is what `body` says. Every deployment must speak its `dialect`: see `Route.speaks_only`. Raises
        UpstreamError on entering: UpstreamRefused for every status from 400 on. `path` is another one than where
        the dialect calls models.
        """
        endpoint = ENDPOINTS[dialect]
        return Forwarding(self._caller, route, self._calls, endpoint, body, parsed, headers, path=path)

    def count_tokens(
        self, route: Route, dialect: str, body: bytes, parsed: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[ProviderAnswer] | None:
        """The same, to where the provider counts a request's tokens; None where one of them does not."""
        endpoint = ENDPOINTS[dialect]
        if endpoint.count_path is None or not route.speaks_only(dialect):
            return None
        return Forwarding(self._caller, route, self._calls, endpoint, body, parsed, headers, counts=True)

    def ask(
        self,
        provider: str,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "application/json",
        *,
        dialect: str = "",
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> AbstractAsyncContextManager[ProviderAnswer]:
        """Ask a provider for what is no model's, where it speaks OpenAI's formats, or this `dialect`. `headers`
        are those of the client's that change what it asks. Raises UpstreamError on entering.
        """
        asked = self._resolver.providers[provider]
        return self._caller.ask(asked, method, path, body, content_type, dialect=dialect, headers=headers)

    def speaks(self, provider: str, dialect: str) -> bool:
        """Whether there is such a provider, and it can be asked in this dialect."""
        found = self._resolver.providers.get(provider)
        return found is not None and dialect in found.dialects

    def describe(self, route: Route) -> ModelInfo:
        """A route's model, as it would be listed."""
        return ModelInfo(route.model, route.deployments[0].provider.name, self._created)

    async def list_models(self, allowed: Sequence[str]) -> list[ModelInfo]:
        """The models that fit one of the patterns in `allowed`: names of the map in its order, then those that
        its patterns, or the lack of a map, take from the providers. Never takes longer than `listing.DEADLINE`.
        """
        owners: dict[str, str] = {}
        for name, route in self._resolver.aliases.items():
            owners.setdefault(name, route.deployments[0].provider.name)
        for name, owner in await self._offered():
            owners.setdefault(name, owner)
        patterns = tuple(allowed)
        return [
            ModelInfo(name, owner, self._created) for name, owner in owners.items() if matches_any(patterns, name)
        ]

    async def _offered(self) -> list[tuple[str, str]]:
        """Names that are not in the map, and who has them."""
        resolver = self._resolver
        if resolver.names_providers:
            models = await self._provider_models.of(resolver.providers.values())
            return [(f"{owner}/{own}", owner) for owner, names in models.items() for own in names]
        firsts = {pattern: targets[0] for pattern, targets in resolver.patterns}
        models = await self._provider_models.of(resolver.providers[target.provider] for target in firsts.values())
        return [
            (name, target.provider)
            for pattern, target in firsts.items()
            for name in _names_for(pattern, target, models[target.provider])
        ]


def _names_for(pattern: str, target: Target, own_names: Sequence[str]) -> Iterator[str]:
    """The names by which a pattern serves a provider's models."""
    for own in own_names:
        if target.model is None:
            if matches(pattern, own):
                yield own
        elif (filled := filling(target.model, own)) is not None:
            yield pattern.replace("*", filled)
