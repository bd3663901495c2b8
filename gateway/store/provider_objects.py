"""Which key made what at a provider: files that it sent there, batches and what came of them, by their ids.

Above: the API, for all keys share the account in which these lie. Bounded for each key, and forgotten in time;
what is forgotten is nobody's, and can be reached by nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from gateway.store.database import Database
from gateway.store.tables import provider_objects

_AT_ONCE = 500  # ids in one statement
_DAY = 86_400
_SECOND = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class ProviderObject:
    """One: where it is, its id there, what kind of thing and of which purpose it is, and what is shown of it."""

    provider: str
    object_id: str
    kind: str
    purpose: str
    shown: str


class ProviderObjects:
    """See the module. `clock` gives seconds since the epoch."""

    def __init__(
        self, database: Database, *, most_of_a_key: int = 10_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._most = most_of_a_key
        self._clock = clock

    async def has_room(self, owner: str) -> bool:
        """Whether a key may make one more. Raises StoreError, as all that follow."""
        query = select(func.count()).select_from(provider_objects).where(provider_objects.c.key_id == owner)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one()) < self._most

    async def add(self, owner: str, made: ProviderObject) -> None:
        """Note what a key made."""
        row = {
            "key_id": owner,
            "provider": made.provider,
            "object_id": made.object_id,
            "kind": made.kind,
            "purpose": made.purpose,
            "shown": made.shown,
            "at": int(self._clock() * _SECOND),
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(provider_objects).where(*_place(owner, made.provider, [made.object_id])))
            connection.execute(insert(provider_objects), [row])

        await self._database.write(work)

    async def owned(self, owner: str, provider: str, ids: Collection[str]) -> set[str]:
        """Those of the ids that this key made."""

        def work(connection: Connection) -> set[str]:
            found: set[str] = set()
            wanted = list(ids)
            for start in range(0, len(wanted), _AT_ONCE):
                places = _place(owner, provider, wanted[start : start + _AT_ONCE])
                found |= set(connection.execute(select(provider_objects.c.object_id).where(*places)).scalars())
            return found

        return await self._database.read(work)

    async def of_key(
        self, owner: str, kinds: Collection[str], *, provider: str | None = None
    ) -> list[ProviderObject]:
        """All of these kinds that a key made, there or anywhere, the newest first."""
        return await self._found(owner, provider, provider_objects.c.kind.in_(kinds))

    async def find(
        self, owner: str, object_id: str, kinds: Collection[str], *, provider: str | None = None
    ) -> ProviderObject | None:
        """One of these kinds that a key made."""
        columns = provider_objects.c
        found = await self._found(owner, provider, columns.object_id == object_id, columns.kind.in_(kinds))
        return found[0] if found else None

    async def _found(
        self, owner: str, provider: str | None, *conditions: ColumnElement[bool]
    ) -> list[ProviderObject]:
        columns = provider_objects.c
        query = (
            select(columns.provider, columns.object_id, columns.kind, columns.purpose, columns.shown)
            .where(columns.key_id == owner, *conditions)
            .order_by(columns.at.desc(), columns.object_id)
            .limit(self._most)
        )
        if provider is not None:
            query = query.where(columns.provider == provider)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [ProviderObject(*row) for row in rows]

    async def tell(self, owner: str, made: ProviderObject) -> None:
        """Note what is shown of one by now; when it was made stays as it was."""
        place = _place(owner, made.provider, [made.object_id])
        query = update(provider_objects).where(*place).values(shown=made.shown)
        await self._database.write(lambda connection: connection.execute(query).rowcount)

    async def remove(self, owner: str, provider: str, object_id: str) -> None:
        """Forget one."""
        query = delete(provider_objects).where(*_place(owner, provider, [object_id]))
        await self._database.write(lambda connection: connection.execute(query).rowcount)

    async def purge(self, *, older_than_days: int) -> None:
        """Forget what is out of date."""
        before = int((self._clock() - older_than_days * _DAY) * _SECOND)
        query = delete(provider_objects).where(provider_objects.c.at < before)
        await self._database.write(lambda connection: connection.execute(query).rowcount)


def _place(owner: str, provider: str, ids: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    columns = provider_objects.c
    return columns.key_id == owner, columns.provider == provider, columns.object_id.in_(ids)
