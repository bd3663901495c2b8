"""Tables of an older version."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, create_engine, inspect, select, text

from gateway.errors import StoreError
from gateway.store.migrations import migrate
from gateway.store.tables import metadata, runs, schema_version


def later_tables() -> MetaData:
    """Those of a version 3 to come: runs have a price, and there are notes."""
    later = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(later)
    later.tables["runs"].append_column(Column("price", Integer))
    Table("notes", later, Column("id", Integer, primary_key=True))
    return later


STEPS = (
    lambda connection: connection.execute(text("alter table runs add column price integer")),
    lambda connection: connection.execute(text("create table notes (id integer not null primary key)")),
)


@contextmanager
def in_memory() -> Generator[Engine]:
    engine = create_engine("sqlite://")
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def engine() -> Generator[Engine]:
    with in_memory() as made:
        yield made


def shape(connection: Connection) -> dict[str, list[str]]:
    found = inspect(connection)
    return {name: [column["name"] for column in found.get_columns(name)] for name in found.get_table_names()}


def version(connection: Connection) -> int:
    return connection.execute(select(schema_version.c.version)).scalar_one()


def test_old_tables_led_forwards_have_the_shape_of_new_ones_and_keep_their_rows(engine: Engine):
    with engine.begin() as connection:
        migrate(connection, "it", steps=())
        assert version(connection) == 1
        connection.execute(runs.insert().values(at=1, run_id="run_1", key_id="k", record="{}"))
        migrate(connection, "it", tables=later_tables(), steps=STEPS)
        assert version(connection) == 3
        assert connection.execute(text("select run_id, price from runs")).all() == [("run_1", None)]
        led = shape(connection)
    with in_memory() as fresh, fresh.begin() as connection:
        migrate(connection, "it", tables=later_tables(), steps=STEPS)
        assert version(connection) == 3
        assert shape(connection) == led


def test_only_the_steps_that_are_missing_are_taken(engine: Engine):
    with engine.begin() as connection:
        migrate(connection, "it", steps=())
        migrate(connection, "it", steps=STEPS[:1])
        migrate(connection, "it", steps=STEPS)
        migrate(connection, "it", steps=STEPS)
        assert version(connection) == 3
        assert "notes" in shape(connection)


def test_tables_of_a_later_version_are_refused_unchanged(engine: Engine):
    with engine.begin() as connection:
        migrate(connection, "it", tables=later_tables(), steps=STEPS)
        before = shape(connection)
        with pytest.raises(StoreError, match="it was written by a newer toolgate"):
            migrate(connection, "it", steps=())
        assert (shape(connection), version(connection)) == (before, 3)
