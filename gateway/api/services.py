"""What the HTTP surface uses of a running gateway.

Above: `gateway.building.services` fills it in, once for each configuration. A request holds on to the `Services`
that it began with, so a reload in the middle of it changes nothing for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import anyio

from gateway.api.hosts import HostGuard
from gateway.api.protected_resource import ProtectedResource
from gateway.api.stored_responses import StoredResponses
from gateway.audit import AuditTrail
from gateway.auth import Callers, KeyId
from gateway.exposure import Exposer
from gateway.hub import Connecting, Hub
from gateway.routing import Router
from gateway.store import ProviderObjects, SealedStates
from gateway.telemetry import Metrics
from gateway.tool_calls import ToolCaller
from gateway.tool_loop import Attempts, LoopLimits, Memory
from tool_policies import Policy


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds of the HTTP surface. `body_bytes` holds for one request, `upload_bytes` for one that sends files; a
    stream is never silent for longer than `heartbeat_seconds`.
    """

    body_bytes: int = 16 * 1024 * 1024
    heartbeat_seconds: float = 15.0
    upload_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Services:
    """One configuration at work. `policies` has one compiled policy for each key.

    `provider_tools` are tools of ours, as `server/tool`, by the types of those in whose place they run.
    `passthrough_provider` is where files are. `public_host` is where clients elsewhere find us. `ending` is set
    when another configuration has taken its place, or the gateway is about to stop: what would go on for ever ends
    then. `clean` takes the secrets of the configuration out of a text.
    """

    callers: Callers
    policies: Mapping[KeyId, Policy]
    router: Router
    hub: Hub
    exposer: Exposer[Policy]
    tool_caller: ToolCaller
    memory: Memory
    stored: StoredResponses
    objects: ProviderObjects
    connecting: Connecting
    attempts: Attempts
    audit: AuditTrail
    metrics: Metrics
    loop_limits: LoopLimits
    http_limits: HttpLimits
    operator_token_digest: bytes | None = None
    provider_tools: Mapping[str, str] = field(default_factory=dict[str, str])
    passthrough_provider: str = ""
    sealed_states: SealedStates = field(default_factory=lambda: SealedStates(os.urandom(32)))
    protected_resource: ProtectedResource = field(default_factory=ProtectedResource)
    public_host: str = ""
    host_guard: HostGuard = field(default_factory=HostGuard)
    clean: Callable[[str], str] = str
    ending: anyio.Event = field(default_factory=anyio.Event)


Admit = Callable[[], AbstractContextManager[Services]]
"""Takes one request in: gives the services for it, and counts it until it is done.

Raises `gateway.errors.Overloaded` when the gateway is full or about to stop. Probes and operators are admitted
without being counted: a gateway at its limit is alive, and somebody will want to see why.
"""
