"""From a configuration to the way to its models: providers, their keys, and how to choose among deployments.

Above: `runtime`, and commands that serve nobody. Below: `gateway.routing` and `gateway.providers`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from gateway.config import (
    AwsAuth,
    Config,
    GoogleAuth,
    ModelTarget,
    PlanConfig,
    ProviderAuth,
    ProviderConfig,
    RoutingConfig,
    RuleConfig,
)
from gateway.errors import ConfigError, Problem
from gateway.providers import (
    Authorizer,
    Bridge,
    HttpClient,
    HttpClients,
    Network,
    Provider,
    Timeouts,
    litellm_is_installed,
    make_provider,
)
from gateway.providers.auth import (
    GOOGLE_SCOPE,
    AwsKeys,
    BearerAuthorizer,
    ClientCredentials,
    SigningAuthorizer,
    aws_keys,
    aws_scope,
    google_tokens,
)
from gateway.providers.caller import openais_dialect
from gateway.providers.endpoints import ENDPOINTS
from gateway.providers.provider import checked_quirks
from gateway.routing import (
    Bounds,
    Calls,
    Conditions,
    Pick,
    Plan,
    Price,
    Rate,
    Router,
    RoutingSettings,
    Rule,
    Target,
    listed_price,
)
from gateway.telemetry import Metrics


def make_authorizer(auth: ProviderAuth, client: HttpClient, base_url: str | None) -> Authorizer:
    """Credentials that are not a key, as a configuration describes them. Raises ValueError."""
    if isinstance(auth, AwsAuth):
        return _signing(auth, base_url)
    if isinstance(auth, GoogleAuth):
        return BearerAuthorizer(google_tokens(client, auth.credentials_file, scope=auth.scope or GOOGLE_SCOPE))
    return BearerAuthorizer(
        ClientCredentials(client, auth.token_url, auth.client_id, auth.client_secret, auth.scope)
    )


def _signing(auth: AwsAuth, base_url: str | None) -> Authorizer:
    given = None
    if auth.access_key_id is not None and auth.secret_access_key is not None:
        given = AwsKeys(auth.access_key_id, auth.secret_access_key, auth.session_token)
    return SigningAuthorizer(aws_keys(given, auth.profile), aws_scope(base_url, auth.region, auth.service))


class ProviderFault(ValueError):
    """A provider that cannot be made of what the configuration says in `field`; empty where it is the whole."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field

    def problem(self, config: Config, name: str) -> Problem:
        """The same with its place in the file."""
        return config.problem(("providers", name, *([self.field] if self.field else [])), str(self))


@contextmanager
def _about(field: str) -> Generator[None]:
    try:
        yield
    except ProviderFault:
        raise
    except ValueError as error:
        raise ProviderFault(str(error), field) from error


def build_provider(given: ProviderConfig, clients: HttpClients, *, timeouts: Timeouts | None = None) -> Provider:
    """A provider as a configuration describes it, with all its keys. Raises ProviderFault."""
    with _about("dialect"):
        _check_dialects(given.dialects)
    patience = given.timeouts
    with _about("kind" if given.kind else ""):
        network = _network(given)
    with _about("ca_certificates"):
        client = clients.of(network)

    with _about("auth"):
        authorizer = None if given.auth is None else make_authorizer(given.auth, client, given.base_url)

    def with_key(api_key: str | None) -> Provider:
        provider = make_provider(
            given.name,
            api_key=api_key,
            base_url=given.base_url,
            dialects=given.dialects,
            headers=given.headers,
            timeouts=timeouts or Timeouts(patience.connect, patience.first_byte, patience.idle),
            kind=given.kind,
            network=network,
            authorizer=authorizer,
        )
        with _about("quirks"):
            return provider if given.quirks is None else replace(provider, quirks=checked_quirks(given.quirks))

    first, *others = given.api_keys or (given.api_key,)
    with _about("kind" if given.kind else ""):
        return replace(with_key(first), others=tuple(with_key(key) for key in others))


def _check_dialects(names: Sequence[str]) -> None:
    for name in names:
        if name not in ENDPOINTS:
            raise ValueError(f"no dialect is called {name[:64]!r}; there are {', '.join(ENDPOINTS)}")


def _network(given: ProviderConfig) -> Network | Bridge:
    if "litellm" not in (given.kind, given.name):
        return Network(given.ca_certificates, given.proxy)
    if not litellm_is_installed():
        raise ValueError("LiteLLM is not installed: it comes with toolgate[litellm]; see requirements/litellm.txt")
    return Bridge(tuple(given.env.items()))


def build_router(
    config: Config, clients: HttpClients, *, metrics: Metrics | None = None, conditions: Conditions | None = None
) -> Router:
    """The way to every model of a configuration. `conditions` are what earlier ones have learnt. Raises
    ConfigError for providers that cannot be used.
    """
    providers: list[Provider] = []
    problems: list[Problem] = []
    for name, given in config.providers.items():
        try:
            providers.append(build_provider(given, clients))
        except ProviderFault as fault:
            problems.append(fault.problem(config, name))
    if problems:
        raise ConfigError(problems)
    models = {
        alias: [_target(config, place_of(config, alias, index), target) for index, target in enumerate(targets)]
        for alias, targets in config.models.items()
    }
    place = config.passthrough_provider
    if place and not any(openais_dialect(provider) for provider in providers if provider.name == place):
        message = "the provider speaks none of OpenAI's formats, in which files are sent"
        raise ConfigError([config.problem(("passthrough", "provider"), message, "name another one")])
    try:
        return Router(
            providers,
            models,
            clients,
            plans={alias: _plan(plan) for alias, plan in config.routing.plans.items()},
            calls=Calls(_settings(config.routing), metrics or Metrics()),
            conditions=conditions,
            bounds={
                name: Bounds(given.concurrency.calls, given.concurrency.waiting, given.concurrency.patience)
                for name, given in config.providers.items()
                if given.concurrency is not None
            },
        )
    except ValueError as error:
        raise ConfigError([config.problem(("models",), str(error))]) from error


def _settings(given: RoutingConfig) -> RoutingSettings:
    return RoutingSettings(
        given.retries,
        given.retry_within,
        given.breaker_failures,
        given.breaker_seconds,
        given.latency_percentile,
    )


def place_of(config: Config, alias: str, index: int) -> tuple[str | int, ...]:
    """Where the file has a target of a model's."""
    if len(config.models[alias]) == 1:
        return ("models", alias)
    return ("models", alias, *(["deployments"] if alias in config.routing.plans else []), index)


def _target(config: Config, place: tuple[str | int, ...], target: ModelTarget) -> Target:
    return Target(
        target.provider,
        target.model,
        _price(config, place, target),
        target.weight,
        target.tags,
        target.region,
        target.capabilities,
        target.context_tokens,
    )


def _plan(given: PlanConfig) -> Plan:
    rules = tuple(_rule(rule) for rule in given.rules)
    return Plan(given.strategy, rules, given.fallback, given.hedge_after)


def _rule(given: RuleConfig) -> Rule:
    return Rule(
        name=given.name,
        use=Pick(given.use_providers, given.use_regions, given.use_tags),
        keys=given.keys,
        teams=given.teams,
        tags=given.tags,
        needs=given.needs,
        at_least=given.at_least,
        below=given.below,
    )


def _price(config: Config, place: tuple[str | int, ...], target: ModelTarget) -> Price | None:
    """Raises ConfigError for the price of a model that the list does not have."""
    given = target.price
    if given is None:
        return None
    if isinstance(given, str):
        provider, _, model = given.partition("/")
        listed = listed_price(model, datetime.now(UTC), provider=provider) if model else None
        if listed is None:
            hint = (
                "write provider/model as genai-prices has them, such as openai/gpt-5, or {input: ..., output: ...}"
            )
            raise ConfigError([config.problem((*place, "price"), f"no price is known for {given[:80]!r}", hint)])
        return listed
    cached, write = given.cached_input, given.cache_write
    return Price(
        input=Rate(given.input),
        output=Rate(given.output),
        cached_input=None if cached is None else Rate(cached),
        cache_write=None if write is None else Rate(write),
    )


def unpriced(config: Config, router: Router) -> Iterator[Problem]:
    """What `limits.usd` keeps from being used: deployments of aliases whose price nobody knows."""
    if config.limits.usd is None:
        return
    for alias, targets in config.models.items():
        own = router.resolve(alias, ["*"]).deployments[: len(targets)] if "*" not in alias else ()
        for index, deployment in enumerate(own):
            if router.prices.of(deployment) is None:
                message = (
                    f"no price is known for {deployment.model[:80]!r}, so that limits.usd keeps it from being used"
                )
                yield config.problem(place_of(config, alias, index), message, "set `price`")
