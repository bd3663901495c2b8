"""From whatever tables a database has to those of this version, forwards only.

Above: `database` runs it in one transaction, so that of two gateways that start at once one does the work. A
database without any tables gets them as they are now; an older one is led through the steps in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, MetaData, insert, inspect, select, update

from gateway.errors import StoreError
from gateway.store.tables import (
    credentials,
    first_sights,
    metadata,
    provider_objects,
    schema_version,
    tool_changes,
)

Step = Callable[[Connection], None]
"""Changes the tables of one version to those of the next, and what is in them."""


def _add_provider_objects(connection: Connection) -> None:
    provider_objects.create(connection)


def _add_credentials(connection: Connection) -> None:
    credentials.create(connection)


def _add_what_servers_offered(connection: Connection) -> None:
    tool_changes.create(connection)
    first_sights.create(connection)


STEPS: tuple[Step, ...] = (_add_provider_objects, _add_credentials, _add_what_servers_offered)
"""The first leads from version 1 to version 2. A step that was released is never changed again."""

NEWEST = len(STEPS) + 1
"""The version of the tables as `gateway.store.tables` has them."""


def migrate(
    connection: Connection, where: str, *, tables: MetaData = metadata, steps: Sequence[Step] = STEPS
) -> None:
    """Bring the database to the newest version. `where` names it in errors. Raises StoreError."""
    newest = len(steps) + 1
    found = find_version(connection, where, newest=newest)
    if found is None:
        tables.create_all(connection)
        connection.execute(insert(schema_version).values(version=newest))
    elif found < newest:
        for step in steps[found - 1 :]:
            step(connection)
        connection.execute(update(schema_version).values(version=newest))


def find_version(connection: Connection, where: str, *, newest: int = NEWEST) -> int | None:
    """The version of the tables, None when there are none at all.

    Raises StoreError for tables that are not ours, or of a later version than `newest`.
    """
    names = inspect(connection).get_table_names()
    if not names:
        return None
    if schema_version.name not in names:
        raise StoreError(
            f"{where} belongs to another program",
            hint="name another database, which may be new, in storage.database",
        )
    found = connection.execute(select(schema_version.c.version)).scalar_one()
    if not 1 <= found <= newest:
        raise StoreError(
            f"{where} was written by a newer toolgate: its tables are of version {found}, this one knows {newest}",
            hint="run that version or a later one, or name another database in storage.database",
        )
    return found
