"""From the name of a model to its deployments, by the config's `models:` map."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gateway.errors import ModelNotFound
from gateway.providers.provider import Provider
from gateway.routing.conditions import Conditions
from gateway.routing.gates import Gate
from gateway.routing.narrowing import looks_at_requests
from gateway.routing.patterns import filling, literal_prefix, matches, matches_any
from gateway.routing.targets import Deployment, Plan, Route, Target, Tier

_LONGEST_NAME = 256  # characters
_NO_PLANS: Mapping[str, Plan] = {}
_NO_GATES: Mapping[str, Gate] = {}


class Resolver:
    """An immutable map of models. Without one, every provider's models answer to `provider/model`."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        models: Mapping[str, Sequence[Target]],
        plans: Mapping[str, Plan] = _NO_PLANS,
        conditions: Conditions | None = None,
        gates: Mapping[str, Gate] = _NO_GATES,
    ) -> None:
        """`plans` are by name in the map, `gates` by provider. Raises ValueError for a target at a provider that
        is not there, an alias without targets, and a fallback that is no alias, or the alias itself.
        """
        _check(providers, models)
        check_fallbacks(models, plans)
        self.providers = providers
        self._models = models
        self._plans = plans
        self._conditions = conditions or Conditions()
        self._gates = gates
        self.aliases = {name: self._route(name, name) for name in models if "*" not in name}
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
        message = f"model: {model[:_LONGEST_NAME]!r} does not exist, or this key may not use it; "
        message += "GET /v1/models lists those that it may"
        raise ModelNotFound(message, param="model")

    @property
    def names_providers(self) -> bool:
        """True when there is no map, and models are named `provider/model`."""
        return not self.aliases and not self.patterns

    def _by_pattern(self, model: str) -> Route | None:
        for pattern, _ in self.patterns:
            if matches(pattern, model):
                return self._route(model, pattern, filling(pattern, model))
        return None

    def _by_provider(self, model: str) -> Route | None:
        name, slash, own = model.partition("/")
        if not self.names_providers or not slash or not own or name not in self.providers:
            return None
        return Route(model, (self._placed(Target(name), own, "*"),))

    def _route(self, model: str, entry: str, filled: str | None = None) -> Route:
        """The way to `model` by an entry of the map, and by those that it falls back to."""
        plan = self._plans.get(entry, Plan())
        tiers = [self._tier(model, entry, filled)]
        tiers += [self._tier(name, name, None) for name in fallbacks(entry, self._plans)]
        deployments = tuple(deployment for tier in tiers for deployment in tier.deployments)
        is_conditional = looks_at_requests(tiers)
        is_plain = not is_conditional and all(tier.strategy == "priority" for tier in tiers)
        return Route(model, deployments, () if is_plain else tuple(tiers), is_conditional, plan.hedge_after)

    def _tier(self, model: str, entry: str, filled: str | None) -> Tier:
        plan = self._plans.get(entry, Plan())
        deployments = tuple(self._deployment(model, entry, target, filled) for target in self._models[entry])
        return Tier(model, deployments, plan.strategy, plan.rules)

    def _deployment(self, model: str, entry: str, target: Target, filled: str | None) -> Deployment:
        own = model if target.model is None else target.model
        if target.model is not None and filled is not None:
            own = target.model.replace("*", filled)
        return self._placed(target, own, entry if "*" in entry else own)

    def _placed(self, target: Target, model: str, label: str) -> Deployment:
        return Deployment(
            self.providers[target.provider],
            model,
            target.price,
            label,
            target,
            self._conditions.of(target.provider, model),
            self._gates.get(target.provider),
        )


def fallbacks(entry: str, plans: Mapping[str, Plan]) -> list[str]:
    """The aliases that an entry of the map falls back to, and those that these fall back to, each once."""
    found: list[str] = []
    due = list(plans[entry].fallback) if entry in plans else []
    while due:
        name = due.pop(0)
        if name not in found and name != entry:
            found.append(name)
            due = [*(plans[name].fallback if name in plans else ()), *due]
    return found


def check_fallbacks(models: Collection[str], plans: Mapping[str, Plan]) -> None:
    """Raises ValueError for a fallback that is no alias, or is the alias itself."""
    for entry, plan in plans.items():
        for name in plan.fallback:
            if name not in models or "*" in name:
                raise ValueError(f"the model {entry!r} falls back to {name!r}, which is no alias")
            if name == entry:
                raise ValueError(f"the model {entry!r} falls back to itself")


def _check(providers: Mapping[str, Provider], models: Mapping[str, Sequence[Target]]) -> None:
    for name, targets in models.items():
        if not targets:
            raise ValueError(f"the model {name!r} has no targets")
        for target in targets:
            if target.provider not in providers:
                raise ValueError(f"the model {name!r} is at the provider {target.provider!r}, which is not there")
            if target.model is not None and "*" in target.model and name.count("*") != 1:
                raise ValueError(f"the model {name!r}: a target with * needs a name with exactly one *")
