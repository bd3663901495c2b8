"""From a configuration to what recognises callers: keys, and issuers whose users stand behind them.

Above: `runtime`. Below: `auth`, and the HTTP client that is there for providers. Refuses to know: requests.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.auth import Callers, KeyId, Keyring, Principal
from gateway.auth.identity import (
    Fetch,
    FetchedKeys,
    FetchFailed,
    FixedKeys,
    Issuers,
    IssuerSettings,
    KeyRule,
    KeySetFault,
    KeySource,
    read_key_set,
    secret_key,
)
from gateway.config import Config, IssuerConfig, KeyConfig
from gateway.errors import ConfigError
from gateway.providers.clients import HttpClients
from gateway.providers.http import DIRECT, HttpClient, HttpFault, Timeouts

_PATIENCE = Timeouts(connect=5.0, first_byte=10.0, idle=5.0)
_LARGEST = 256 * 1024  # bytes of a document
_HEADERS: Mapping[str, str] = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "user-agent": "toolgate",
}


def build_callers(config: Config, clients: HttpClients) -> Callers:
    """Everybody whom this configuration knows. Raises ConfigError for keys of an issuer that are none."""
    principals = {KeyId(key.name): _principal(key) for key in config.keys}
    keyring = Keyring((key.secret, principals[KeyId(key.name)]) for key in config.keys)
    fetch = fetching(clients.of(DIRECT))
    issuers = [(_settings(issuer), _source(config, issuer, fetch)) for issuer in config.issuers]
    return Callers(keyring, principals, Issuers(issuers))


def _principal(key: KeyConfig) -> Principal:
    passes_unknown = key.unknown_tools == "pass"
    return Principal(
        KeyId(key.name),
        key.models,
        key.policies,
        key.tools,
        passes_unknown,
        key.remember,
        key.team,
        key.tags,
        key.regions,
        key.passthrough,
        selection=key.selection,
        pins=key.pins,
    )


def _settings(issuer: IssuerConfig) -> IssuerSettings:
    return IssuerSettings(
        issuer.issuer,
        issuer.audiences,
        issuer.algorithms,
        issuer.user_claim,
        issuer.leeway,
        tuple(KeyRule(KeyId(rule.key), rule.when) for rule in issuer.rules),
        frozenset(issuer.scopes),
    )


def _source(config: Config, issuer: IssuerConfig, fetch: Fetch) -> KeySource:
    if issuer.secret is not None:
        return FixedKeys(secret_key(issuer.secret, issuer.algorithms))
    if issuer.jwks is None:
        return FetchedKeys(issuer.issuer, issuer.jwks_url, fetch)
    try:
        return FixedKeys(read_key_set(issuer.jwks))
    except KeySetFault as fault:
        path = ("identity", "issuers", issuer.name, "jwks_file")
        hint = 'it holds a JSON Web Key Set: {"keys": [...]}, with public keys'
        raise ConfigError([config.problem(path, f"the file is of no use: {fault}", hint)]) from fault


def fetching(client: HttpClient) -> Fetch:
    """A way to get documents, which follows no redirect: where an issuer's keys are is for nobody else to say."""

    async def fetch(url: str) -> bytes:
        try:
            async with client.request("GET", url, _HEADERS, b"", _PATIENCE) as answer:
                if answer.status != 200:
                    raise FetchFailed(f"the answer was HTTP {answer.status}")
                return await answer.read(_LARGEST)
        except (HttpFault, ValueError) as error:
            raise FetchFailed(str(error)) from error

    return fetch
