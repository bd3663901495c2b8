"""What each tool server offered when it was first seen: where there is no lock file, it is held to that.

Above: the composition root hands it to the hub's verifier. One row for each server; of two gateways that see a
tool for the first time, the one that writes first decides for both.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, cast

import orjson
from sqlalchemy import Connection, delete, insert, select

from gateway.store.database import Database
from gateway.store.tables import first_sights
from tool_policies.lockfile import LockedServer, LockedTool, Lockfile, Source


class FirstSightings:
    """See the module. Every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Lockfile:
        """Everything that was seen."""
        query = select(first_sights.c.server, first_sights.c.seen)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return Lockfile({row.server: _read(row.seen) for row in rows})

    async def add(self, server: str, seen: LockedServer) -> LockedServer:
        """Keep what was not seen before; what is kept of the server then. Another `asked` begins anew."""

        def work(connection: Connection) -> LockedServer:
            query = select(first_sights.c.seen).where(first_sights.c.server == server)
            row = connection.execute(query).one_or_none()
            kept = _together(_read(row.seen), seen) if row is not None else seen
            connection.execute(delete(first_sights).where(first_sights.c.server == server))
            values = {"server": server, "seen": _write(kept), "at": int(time.time() * 1_000_000)}
            connection.execute(insert(first_sights).values(values))
            return kept

        return await self._database.write(work)

    async def forget(self) -> None:
        """Everything is to be seen for the first time again."""
        await self._database.write(lambda connection: connection.execute(delete(first_sights)).rowcount)


def _together(before: LockedServer, seen: LockedServer) -> LockedServer:
    if (before.source and before.source.asked) != (seen.source and seen.source.asked):
        return seen
    source = before.source.completed(seen.source) if before.source and seen.source else before.source
    prompts = None
    if seen.prompts is not None or before.prompts is not None:
        prompts = {**(seen.prompts or {}), **(before.prompts or {})}.values()
    return LockedServer.of(source, {**seen.tools, **before.tools}.values(), before.instructions, prompts)


def _write(server: LockedServer) -> str:
    source = asdict(server.source) if server.source else None
    said = {
        "source": source,
        "tools": _definitions(server.tools),
        "instructions": server.instructions,
        "prompts": None if server.prompts is None else _definitions(server.prompts),
    }
    return orjson.dumps(said).decode()


def _definitions(entries: Mapping[str, LockedTool]) -> list[dict[str, Any]]:
    return [dict(one.definition) for one in entries.values()]


def _read(text: str) -> LockedServer:
    said: dict[str, Any] = orjson.loads(text)
    source = _read_source(said["source"]) if said["source"] else None
    tools, prompts = (cast("list[dict[str, Any]] | None", said.get(name)) for name in ("tools", "prompts"))
    return LockedServer.of(
        source,
        [LockedTool.of(definition) for definition in tools or ()],
        said.get("instructions"),
        None if prompts is None else [LockedTool.of(definition) for definition in prompts],
    )


def _read_source(said: dict[str, Any]) -> Source:
    source = Source(**said)
    return replace(source, packages=None if source.packages is None else tuple(source.packages))
