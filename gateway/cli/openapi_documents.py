"""What `toolgate check` finds in the OpenAPI documents of servers, which the loader leaves to the hub."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.building.server_locks import server_spec
from gateway.config import Config, OpenApiServerConfig
from gateway.config.addresses import travels_in_clear
from gateway.errors import ConfigError, Problem
from gateway.hub import DocumentFault, OpenApiServerSpec


def judge_documents(config: Config) -> tuple[Problem, ...]:
    """Warnings about operations that are left out. Raises ConfigError for documents that cannot be used.

    Blocking: documents may be large.
    """
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for server in config.servers:
        if isinstance(server, OpenApiServerConfig) and not server.disabled:
            try:
                warnings += _judge(config, server)
            except DocumentFault as fault:
                errors.append(fault.problem)
    if errors:
        raise ConfigError(errors)
    return tuple(warnings)


def _judge(config: Config, server: OpenApiServerConfig) -> Iterator[Problem]:
    spec = server_spec(server)
    assert isinstance(spec, OpenApiServerSpec)  # noqa: S101 - one kind of configuration, one kind of spec
    api = spec.read()
    for one in api.left_out:
        yield one.fault.problem
    path = ("mcpServers", server.name)
    for pattern in api.unused:
        message = f"the pattern {pattern} fits no operation of the document"
        yield config.problem((*path, "operations"), message, "patterns are for names, or for `GET /paths/*`")
    for name in api.unknown:
        message = f"the document has no security scheme {name}"
        yield config.problem((*path, "credentials"), message, "they stand in components, securitySchemes")
    has_credentials = bool(server.headers or server.credentials)
    if server.url is None and has_credentials and travels_in_clear(api.base.prefix):
        host = urlsplit(api.base.prefix).hostname
        message = f"the credentials for this server travel unencrypted, to {host}"
        field = "headers" if server.headers else "credentials"
        yield config.problem((*path, field), message, "give it a url with https")
