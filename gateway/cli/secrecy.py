"""Which values of a configuration must never be seen in a log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gateway.config import Config, HttpServerConfig

_SOUNDS_SECRET = re.compile(r"key|token|secret|pass|auth|cred|cookie|session|dsn|url", re.IGNORECASE)


def known_secrets(config: Config) -> list[str]:
    """Every credential of a configuration; of a server's `env`, the values whose names sound like one."""
    return [secret for secret in _candidates(config) if secret]


def _candidates(config: Config) -> Iterator[str | None]:
    yield config.operator_token
    for key in config.keys:
        yield key.secret
    for provider in config.providers.values():
        yield provider.api_key
        yield from _sounding_secret(provider.headers)
    for server in config.servers:
        yield from _sounding_secret(server.headers if isinstance(server, HttpServerConfig) else server.server.env)


def _sounding_secret(values: Mapping[str, str]) -> Iterator[str]:
    for name, value in values.items():
        if _SOUNDS_SECRET.search(name):
            yield value
            yield value.rpartition(" ")[2]  # a header's scheme stands before the credential itself
