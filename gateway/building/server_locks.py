"""What the configuration's servers are held to: the lock file, or else what was first seen of them.

Above: the composition root and `toolgate doctor`. Below: the hub's verifiers, the database and the audit trail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.audit import AuditTrail, ToolChangeRecord, now
from gateway.config import Config, HttpServerConfig, OpenApiServerConfig, ServerConfig
from gateway.hub import (
    Drift,
    FirstUseVerifier,
    HttpServerSpec,
    InProcessServerSpec,
    LockVerifier,
    OnChange,
    OpenApiServerSpec,
    Report,
    Reporter,
    ServerSpec,
    StdioServerSpec,
    Verifier,
)
from gateway.store import FirstSightings
from gateway.telemetry import Metrics
from sandbox.spec import Origin
from tool_policies.lockfile import Lockfile


@dataclass(frozen=True, slots=True)
class ServerLocks:
    """What is known of the servers beforehand, and who holds them to it."""

    known: Lockfile
    verifier: Verifier

    def spec(self, server: ServerConfig) -> ServerSpec:
        """What the hub is told of a server: with a package or image that is known, that one and no other."""
        return server_spec(server, self.known)

    def issuers(self, config: Config) -> Mapping[str, str]:
        """The only issuers of tokens that will do, by server."""
        strict = {server.name for server in config.servers if server.on_change != "accept"}
        sources = {name: locked.source for name, locked in self.known.servers.items() if name in strict}
        return {name: source.issuer for name, source in sources.items() if source and source.issuer}


async def open_locks(
    config: Config,
    sightings: FirstSightings,
    metrics: Metrics,
    audit: AuditTrail,
    registered: Sequence[InProcessServerSpec] = (),
) -> ServerLocks:
    """The locks of one configuration, and of the servers that the program has registered.

    With a lock file, what was first seen is forgotten. Raises StoreError.
    """
    reporter = Reporter(reporting_to(metrics, audit))
    if config.lock.lockfile is not None:
        await sightings.forget()
        return locks_of_file(config, config.lock.lockfile, reporter, registered)
    known = await sightings.load()
    return ServerLocks(known, FirstUseVerifier(known, sightings, _on_change(config, registered), reporter))


def locks_of_file(
    config: Config,
    lockfile: Lockfile,
    reporter: Reporter | None = None,
    registered: Sequence[InProcessServerSpec] = (),
) -> ServerLocks:
    """The locks of a file."""
    verifier = LockVerifier(lockfile, _on_change(config, registered), reporter or Reporter())
    return ServerLocks(lockfile, verifier)


def reporting_to(metrics: Metrics, audit: AuditTrail) -> Report:
    """Counts what has changed, and keeps it in the trail."""

    async def report(server: str, drift: Drift) -> None:
        metrics.tool_change(server, drift.kind, drift.action)
        record = ToolChangeRecord(
            now(), server, drift.tool, drift.kind, drift.action, drift.reason, drift.found_sha256
        )
        await audit.record(record)

    return report


def server_spec(server: ServerConfig, known: Lockfile | None = None) -> ServerSpec:
    """What the hub is told of a server; of packages and images that are `known`, which."""
    if isinstance(server, HttpServerConfig):
        timeout, disabled = server.timeout_seconds, server.disabled
        return HttpServerSpec(
            server.name, server.url, server.headers, timeout, disabled, server.transport, server.auth
        )
    if isinstance(server, OpenApiServerConfig):
        return OpenApiServerSpec(
            server.name,
            server.document,
            server.url,
            server.headers,
            server.include,
            server.exclude,
            server.timeout_seconds,
            server.disabled,
            server.auth,
            server.credentials,
        )
    process = replace(server.server, pin=_pin(server.name, known))
    return StdioServerSpec(server.name, process, server.timeout_seconds, server.disabled)


def _pin(name: str, known: Lockfile | None) -> Origin | None:
    locked = known.servers.get(name) if known is not None else None
    source = locked.source if locked is not None else None
    if source is None or source.kind == "url" or not (source.version or source.integrity):
        return None
    return Origin(source.kind, source.asked, source.version, source.integrity, source.packages)


def _on_change(config: Config, registered: Sequence[InProcessServerSpec]) -> dict[str, OnChange]:
    return {server.name: server.on_change for server in (*config.servers, *registered)}
