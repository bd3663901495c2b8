"""What each tool server offered when it was first seen: where there is no lock file, it is held to that.

Above: the composition root hands it to the hub's verifier. One row for each server; of two gateways that see a
tool for the first time, the one that writes first decides for both.
"""

from __future__ import annotations

import time
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
    return LockedServer.of(source, {**seen.tools, **before.tools}.values(), before.instructions)


def _write(server: LockedServer) -> str:
    source = asdict(server.source) if server.source else None
    definitions = [dict(tool.definition) for tool in server.tools.values()]
    return orjson.dumps({"source": source, "tools": definitions, "instructions": server.instructions}).decode()


def _read(text: str) -> LockedServer:
    said: dict[str, Any] = orjson.loads(text)
    source = _read_source(said["source"]) if said["source"] else None
    definitions = cast("list[dict[str, Any]]", said["tools"])
    return LockedServer.of(
        source, [LockedTool.of(definition) for definition in definitions], said.get("instructions")
    )


def _read_source(said: dict[str, Any]) -> Source:
    source = Source(**said)
    return replace(source, packages=None if source.packages is None else tuple(source.packages))
