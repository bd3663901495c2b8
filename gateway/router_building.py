"""From a configuration to the way to its models: providers, their keys, and how to choose among deployments.

Above: `runtime`, and commands that serve nobody. Below: `gateway.routing` and `gateway.providers`.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def build_provider(given: ProviderConfig, clients: HttpClients, *, timeouts: Timeouts | None = None) -> Provider:
    """A provider as a configuration describes it, with all its keys. Raises ValueError."""
    _check_dialects(given.dialects)
    patience = given.timeouts
    network = _network(given)
    client = clients.of(network)

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
            authorizer=None if given.auth is None else make_authorizer(given.auth, client, given.base_url),
        )
        return provider if given.quirks is None else replace(provider, quirks=checked_quirks(given.quirks))

    first, *others = given.api_keys or (given.api_key,)
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
        except ValueError as error:
            problems.append(config.problem(("providers", name), str(error)))
    if problems:
        raise ConfigError(problems)
    models = {
        alias: [_target(config, alias, target) for target in targets] for alias, targets in config.models.items()
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


def _target(config: Config, alias: str, target: ModelTarget) -> Target:
    return Target(
        target.provider,
        target.model,
        _price(config, alias, target),
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


def _price(config: Config, alias: str, target: ModelTarget) -> Price | None:
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
            raise ConfigError([config.problem(("models", alias), f"no price is known for {given[:80]!r}", hint)])
        return listed
    cached, write = given.cached_input, given.cache_write
    return Price(
        input=Rate(given.input),
        output=Rate(given.output),
        cached_input=None if cached is None else Rate(cached),
        cache_write=None if write is None else Rate(write),
    )
