"""From the name of a model to its deployments, by the config's `models:` map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import ModelNotFound
from gateway.providers.provider import Provider
from gateway.routing.patterns import filling, literal_prefix, matches, matches_any
from gateway.routing.targets import Deployment, Route, Target

_LONGEST_NAME = 256  # characters


class Resolver:
    """An immutable map of models. Without one, every provider's models answer to `provider/model`."""

    def __init__(self, providers: Mapping[str, Provider], models: Mapping[str, Sequence[Target]]) -> None:
        """Raises ValueError for a target at a provider that is not there, or an alias without targets."""
        _check(providers, models)
        self.providers = providers
        self.aliases = {name: self._route(name, targets) for name, targets in models.items() if "*" not in name}
        patterns = [(name, tuple(targets)) for name, targets in models.items() if "*" in name]
        # The sort is stable: of two prefixes of one length, the first in the file wins.
        self.patterns = sorted(patterns, key=lambda entry: -len(literal_prefix(entry[0])))

    def resolve(self, model: str, allowed: Sequence[str]) -> Route:
        """The route for a model that fits one of the patterns in `allowed`. Raises ModelNotFound."""
        if len(model) <= _LONGEST_NAME and matches_any(tuple(allowed), model):
            route = self.aliases.get(model) or self._by_pattern(model) or self._by_provider(model)
            if route is not None:
                return route
        # One text for both: whoever may not use a model does not learn that it exists.
        message = f"model: {model[:_LONGEST_NAME]!r} does not exist, or this key may not use it"
        raise ModelNotFound(message, param="model")

    @property
    def names_providers(self) -> bool:
        """True when there is no map, and models are named `provider/model`."""
        return not self.aliases and not self.patterns

    def _by_pattern(self, model: str) -> Route | None:
        for pattern, targets in self.patterns:
            if matches(pattern, model):
                return self._route(model, targets, filling(pattern, model))
        return None

    def _by_provider(self, model: str) -> Route | None:
        name, slash, own = model.partition("/")
        if not self.names_providers or not slash or not own or name not in self.providers:
            return None
        return Route(model, (Deployment(self.providers[name], own),))

    def _route(self, model: str, targets: Sequence[Target], filled: str | None = None) -> Route:
        return Route(model, tuple(self._deployment(model, target, filled) for target in targets))

    def _deployment(self, model: str, target: Target, filled: str | None) -> Deployment:
        own = model if target.model is None else target.model
        if target.model is not None and filled is not None:
            own = target.model.replace("*", filled)
        return Deployment(self.providers[target.provider], own, target.price)


def _check(providers: Mapping[str, Provider], models: Mapping[str, Sequence[Target]]) -> None:
    for name, targets in models.items():
        if not targets:
            raise ValueError(f"the model {name!r} has no targets")
        for target in targets:
            if target.provider not in providers:
                raise ValueError(f"the model {name!r} is at the provider {target.provider!r}, which is not there")
            if target.model is not None and "*" in target.model and name.count("*") != 1:
                raise ValueError(f"the model {name!r}: a target with * needs a name with exactly one *")
