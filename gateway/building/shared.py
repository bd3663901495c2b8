"""What all generations of a gateway have in common: the database, the trail, metrics, pools of connections.

Above: `runtime`, and commands that serve nobody. Below: the packages that it opens.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio
from sqlalchemy.exc import SQLAlchemyError

from gateway.audit import AuditTrail, open_trail
from gateway.config import Config, StdioServerConfig
from gateway.errors import StoreError
from gateway.hub import UpstreamPool
from gateway.providers import HttpClients
from gateway.routing import Conditions
from gateway.store import FirstSightings, ProviderObjects, SealedCredentials, SealedPayloads, open_database
from gateway.telemetry import Metrics
from gateway.tool_loop import Attempts
from sandbox import open_sandbox

_log = logging.getLogger(__name__)

_HOUSEKEEPING = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Shared:
    """What all generations have in common."""

    pool: UpstreamPool
    clients: HttpClients
    audit: AuditTrail
    payloads: SealedPayloads
    objects: ProviderObjects
    sightings: FirstSightings
    credentials: SealedCredentials
    metrics: Metrics
    attempts: Attempts = field(default_factory=Attempts)
    conditions: Conditions = field(default_factory=Conditions)


@asynccontextmanager
async def open_shared(config: Config) -> AsyncGenerator[Shared]:
    """What a gateway with this configuration stands on. Raises StoreError.

    A later configuration keeps it: where things are stored, only a restart can change.
    """
    storage = config.storage
    metrics = Metrics()
    clients = HttpClients()
    sandbox = open_sandbox(state_dir=storage.state_dir, cache_dir=storage.cache_dir)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(clients.aclose)
        database = await stack.enter_async_context(open_database(storage.database))
        payloads = await SealedPayloads.open(database, storage.state_dir, most_bytes=storage.memory_bytes)
        objects = ProviderObjects(database)
        credentials = await SealedCredentials.open(database, storage.state_dir)
        trail = await stack.enter_async_context(open_trail(database, metrics, storage.audit_jsonl))
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        tasks.start_soon(_keep_house, trail, payloads, objects, credentials, storage.retention_days)
        if any(isinstance(server, StdioServerConfig) for server in config.servers):
            await sandbox.sweep()  # who runs nothing in boxes need not look for the engine
        sightings = FirstSightings(database)
        pool = await stack.enter_async_context(UpstreamPool(sandbox))
        yield Shared(pool, clients, trail, payloads, objects, sightings, credentials, metrics)


async def _keep_house(
    trail: AuditTrail,
    payloads: SealedPayloads,
    objects: ProviderObjects,
    credentials: SealedCredentials,
    retention_days: int,
) -> None:
    """Forget what is out of date, now and then."""
    while True:
        try:
            await trail.purge(older_than_days=retention_days)
            await payloads.purge()
            await objects.purge(older_than_days=retention_days)
            await credentials.purge()
        except (StoreError, SQLAlchemyError) as error:
            _log.warning("what is out of date could not be removed: %s", error)
        await anyio.sleep(_HOUSEKEEPING)
