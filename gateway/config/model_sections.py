"""What types cannot say about models and the ways to them: that names exist, and that fallbacks lead somewhere.

Above: `loading`. Below: documents of the right types.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.config.config import ModelPrice, ModelTarget, Steps
from gateway.config.documents import PriceDocument
from gateway.config.mcp_documents import ConfigDocument
from gateway.config.model_documents import ModelDocument, ModelTargetDocument, RuleDocument
from gateway.config.near import near
from gateway.config.report import Report
from gateway.config.routing import PlanConfig, RoutingConfig, RuleConfig


def build_models(document: ConfigDocument, report: Report) -> dict[str, tuple[ModelTarget, ...]]:
    """Aliases and patterns, each with its targets in order."""
    models: dict[str, tuple[ModelTarget, ...]] = {}
    for alias, model in document.models.items():
        path = ("models", alias)
        if not 0 < len(alias) <= 256 or not alias.isprintable():
            report.error(path, "a model's name has 1 to 256 printable characters", "choose another name")
        for index, target in enumerate(model.deployments):
            place = path if len(model.deployments) == 1 else (*path, *_list_in(model), index)
            _check_provider(place, target.provider, document.providers, report)
        models[alias] = tuple(_target(target) for target in model.deployments)
    return models


def _list_in(model: ModelDocument) -> Steps:
    """Where in a model's entry its targets stand: without anything else, they are the entry."""
    return () if model.model_fields_set == {"deployments"} else ("deployments",)


def _target(target: ModelTargetDocument) -> ModelTarget:
    return ModelTarget(
        provider=target.provider,
        model=target.model,
        price=_price(target.price),
        weight=target.weight,
        tags=frozenset(target.tags),
        region=target.region,
        capabilities=None if target.capabilities is None else frozenset(target.capabilities),
        context_tokens=target.context_tokens,
    )


def _price(given: PriceDocument | str | None) -> ModelPrice | str | None:
    return ModelPrice(**given.model_dump()) if isinstance(given, PriceDocument) else given


def _check_provider(path: Steps, name: str, known: Collection[str], report: Report) -> None:
    """Complain of a provider that is not there, unless it is not only because it is wrong itself."""
    if name in known or report.is_wrong(("providers", name)) or (not known and report.is_wrong(("providers",))):
        return
    provider = name.partition("/")[0]
    hint = f"write {{provider: {provider}, model: ...}}" if provider in known else near(name, known)
    report.error(path, "no provider has this name", hint)


def build_routing(document: ConfigDocument, report: Report) -> RoutingConfig:
    """What is done about failures, and the plans of models that have one."""
    routing = document.routing
    plans = {
        alias: _plan(alias, model, document, report)
        for alias, model in document.models.items()
        if model.model_fields_set != {"deployments"}
    }
    return RoutingConfig(
        retries=routing.retries,
        retry_within=routing.retry_within,
        breaker_failures=routing.breaker.failures,
        breaker_seconds=routing.breaker.seconds,
        latency_percentile=routing.latency_percentile,
        plans=plans,
    )


def _plan(alias: str, model: ModelDocument, document: ConfigDocument, report: Report) -> PlanConfig:
    path = ("models", alias)
    for index, name in enumerate(model.fallback):
        _check_fallback((*path, "fallback", index), alias, name, document, report)
    rules = tuple(
        _rule((*path, "rules", index), rule, index, model, document, report)
        for index, rule in enumerate(model.rules)
    )
    hedge_after = None if model.hedge is None else model.hedge.after
    return PlanConfig(model.strategy, rules, tuple(model.fallback), hedge_after)


def _check_fallback(path: Steps, alias: str, name: str, document: ConfigDocument, report: Report) -> None:
    if name == alias:
        report.error(path, "a model cannot fall back to itself")
    elif "*" in name:
        report.error(path, "a pattern is no model to fall back to", "name one of `models` without a *")
    elif name not in document.models and not report.is_wrong(("models", name)):
        aliases = [known for known in document.models if "*" not in known]
        report.error(path, "no entry of `models` has this name", near(name, aliases))


def _rule(
    path: Steps, rule: RuleDocument, index: int, model: ModelDocument, document: ConfigDocument, report: Report
) -> RuleConfig:
    if rule.below is not None and rule.below <= rule.at_least:
        report.error((*path, "below"), "must be more than at_least, else the rule never holds")
    for position, key in enumerate(rule.keys):
        if "*" not in key and key not in document.keys and not report.is_wrong(("keys", key)):
            report.error((*path, "keys", position), "no key has this name", near(key, document.keys))
    _check_pick(path, rule, model, report)
    return RuleConfig(
        name=rule.name or f"rule {index + 1}",
        keys=tuple(rule.keys),
        teams=frozenset(rule.teams),
        tags=frozenset(rule.tags),
        needs=frozenset(rule.needs),
        at_least=rule.at_least,
        below=rule.below,
        use_providers=frozenset(rule.use.providers),
        use_regions=frozenset(rule.use.regions),
        use_tags=frozenset(rule.use.tags),
    )


def _check_pick(path: Steps, rule: RuleDocument, model: ModelDocument, report: Report) -> None:
    """A label that no deployment has is a slip; a rule that picks none on purpose says so with two that exist."""
    known: dict[str, set[str]] = {
        "providers": {target.provider for target in model.deployments},
        "regions": {target.region for target in model.deployments if target.region},
        "tags": {tag for target in model.deployments for tag in target.tags},
    }
    wanted: dict[str, Sequence[str]] = {
        "providers": rule.use.providers,
        "regions": rule.use.regions,
        "tags": rule.use.tags,
    }
    for kind, labels in wanted.items():
        for position, label in enumerate(labels):
            if label not in known[kind]:
                place = (*path, "use", kind, position)
                report.error(place, "no deployment of this model has this label", near(label, known[kind]))
