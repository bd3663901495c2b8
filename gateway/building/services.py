"""From a configuration to what each request is served with.

Above: `runtime`. Below: the packages whose parts are put together here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from gateway.api.hosts import HostGuard
from gateway.api.protected_resource import ProtectedResource
from gateway.api.provider_tools import read_substitutes
from gateway.api.services import HttpLimits, Services
from gateway.api.stored_responses import StoredResponses
from gateway.auth import KeyId
from gateway.building.callers import build_callers
from gateway.building.router import build_router
from gateway.building.shared import Shared
from gateway.config import Config, is_loopback
from gateway.exposure import Exposer
from gateway.hub import Connecting, Hub
from gateway.telemetry.logs import Redactor
from gateway.tool_calls import ToolCaller
from gateway.tool_loop import LoopLimits, Memory


def build_services(config: Config, hub: Hub, shared: Shared, connecting: Connecting) -> Services:
    """Everything that a configuration decides. Raises ConfigError."""
    limits = config.limits
    return Services(
        callers=build_callers(config, shared.clients),
        policies={KeyId(key.name): config.policies.policy_for(key.policies) for key in config.keys},
        router=build_router(config, shared.clients, metrics=shared.metrics, conditions=shared.conditions),
        hub=hub,
        exposer=Exposer(),
        tool_caller=ToolCaller(hub, shared.audit, shared.metrics),
        memory=Memory(
            shared.payloads,
            retention_days=config.storage.memory_days,
            put_back_bytes=limits.remembered_bytes,
        ),
        stored=StoredResponses(shared.payloads, retention_days=config.storage.memory_days),
        objects=shared.objects,
        connecting=connecting,
        attempts=shared.attempts,
        audit=shared.audit,
        metrics=shared.metrics,
        loop_limits=LoopLimits(
            rounds=limits.rounds,
            calls=limits.calls,
            concurrent_calls=limits.concurrent_calls,
            wall_clock_seconds=limits.wall_clock_seconds,
            tool_call_seconds=limits.tool_call_seconds,
            result_bytes=limits.result_bytes,
            repeats=limits.repeats,
            usd=limits.usd,
        ),
        http_limits=HttpLimits(limits.body_bytes, limits.stream_heartbeat_seconds, limits.upload_bytes),
        operator_token_digest=_digest(config.operator_token),
        provider_tools=read_substitutes(config),
        passthrough_provider=config.passthrough_provider,
        sealed_states=shared.payloads.states,
        public_host=_public_host(config),
        host_guard=HostGuard(own_hosts(config), config.mcp_endpoint.allowed_origins),
        protected_resource=_protected_resource(config),
        clean=Redactor(config.secrets).clean,
    )


def _protected_resource(config: Config) -> ProtectedResource:
    signing_in = [issuer for issuer in config.issuers if issuer.mcp_sign_in]
    scopes = dict.fromkeys(scope for issuer in signing_in for scope in issuer.scopes)
    public_url = config.mcp_endpoint.public_url or ""
    return ProtectedResource(public_url, tuple(issuer.issuer for issuer in signing_in), tuple(scopes))


def own_hosts(config: Config) -> Iterator[str]:
    """The names, beside this machine's own, by which the gateway lets itself be called."""
    host = config.listen.host
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - not to listen there, but because it is no name
        yield f"[{host}]" if ":" in host else host
    yield from config.mcp_endpoint.allowed_hosts
    yield _public_host(config)


def _public_host(config: Config) -> str:
    """The host, and the port if there is one, in the address that clients elsewhere know; empty for none."""
    return urlsplit(config.mcp_endpoint.public_url or "").netloc.lower()


def public_url(config: Config) -> str:
    """Where browsers reach the gateway; on this machine alone, unless the configuration says more."""
    if config.mcp_endpoint.public_url is not None:
        return config.mcp_endpoint.public_url
    host = config.listen.host if is_loopback(config.listen.host) else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{config.listen.port}"


def _digest(token: str | None) -> bytes | None:
    return None if token is None else hashlib.sha256(token.encode()).digest()
