"""Credentials that were given to us: sealed, under a key of their own that lies in the state folder.

Unlike payloads they are never removed to make room. Each is bound to its place: moved to another row, it does not
open.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select

from gateway.store.database import Database
from gateway.store.key_file import read_or_make_key
from gateway.store.sealing import Sealer
from gateway.store.tables import credentials

_log = logging.getLogger(__name__)

_KEY_FILE = "credentials.key"
_SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Place:
    """Where a credential is kept: what it is, for which server of ours, and whose."""

    kind: str
    server: str
    subject: str


class SealedCredentials:
    """See the module. `clock` gives seconds since the epoch. Every method raises StoreError."""

    def __init__(self, database: Database, key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self.sealer = Sealer(key)
        """For what leaves this process and comes back."""

    @classmethod
    async def open(cls, database: Database, state_dir: Path) -> SealedCredentials:
        """With the key in `state_dir`, which is made the first time."""
        return cls(database, await anyio.to_thread.run_sync(read_or_make_key, state_dir / _KEY_FILE))

    async def put(self, place: Place, secret: bytes, *, expires: int | None = None) -> None:
        """Keep a secret, in the place of the one before; until `expires`, in seconds since the epoch, if given."""
        row = {
            "kind": place.kind,
            "server": place.server,
            "subject": place.subject,
            "at": int(self._clock() * _SECOND),
            "expires": expires,
            "sealed": self.sealer.seal(secret, _bound_to(place)),
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(credentials).where(*_at(place)))
            connection.execute(insert(credentials), [row])

        await self._database.write(work)

    async def get(self, place: Place) -> bytes | None:
        """The secret; what is out of date or does not open counts as absent."""
        query = select(credentials.c.sealed).where(*_at(place), self._is_current())
        found = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return None if found is None else self._open(found, place)

    async def take(self, place: Place) -> bytes | None:
        """The same, and it is there for nobody after that."""
        query = select(credentials.c.sealed).where(*_at(place), self._is_current())

        def work(connection: Connection) -> bytes | None:
            # Of two that take at once, the one whose deletion counts has it.
            found = connection.execute(query).scalar_one_or_none()
            removed = connection.execute(delete(credentials).where(*_at(place))).rowcount
            return found if removed else None

        found = await self._database.write(work)
        return None if found is None else self._open(found, place)

    async def remove(self, place: Place) -> None:
        """Forget one."""
        query = delete(credentials).where(*_at(place))
        await self._database.write(lambda connection: connection.execute(query).rowcount)

    async def subjects(self, kind: str, server: str, *, most: int) -> list[str]:
        """Whose credentials of a kind there are for a server, those that were put last first."""
        columns = credentials.c
        query = (
            select(columns.subject)
            .where(columns.kind == kind, columns.server == server, self._is_current())
            .order_by(columns.at.desc(), columns.subject)
            .limit(most)
        )
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))

    async def purge(self) -> None:
        """Forget what is out of date."""
        query = delete(credentials).where(credentials.c.expires <= int(self._clock()))
        await self._database.write(lambda connection: connection.execute(query).rowcount)

    def _is_current(self) -> ColumnElement[bool]:
        return or_(credentials.c.expires.is_(None), credentials.c.expires > int(self._clock()))

    def _open(self, sealed: bytes, place: Place) -> bytes | None:
        secret = self.sealer.open(sealed, _bound_to(place))
        if secret is None:
            _log.error(
                "a %s for %s cannot be opened: another key sealed it, or it moved", place.kind, place.server
            )
        return secret


def _at(place: Place) -> tuple[ColumnElement[bool], ...]:
    columns = credentials.c
    return columns.kind == place.kind, columns.server == place.server, columns.subject == place.subject


def _bound_to(place: Place) -> bytes:
    """No two places are written alike."""
    return json.dumps([place.kind, place.server, place.subject]).encode()
