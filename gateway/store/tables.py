"""The tables. Columns are what is searched for; the rest of a record is in its JSON."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

VERSION = 1
"""Grows with every change of a table; `migrations` in `gateway.store.database` lead from each to the next."""

metadata = MetaData()

_Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up a column of just this type

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("run_id", String, nullable=False, index=True),
    Column("key_id", String, nullable=False),
    Column("record", LargeBinary, nullable=False, comment="JSON"),
    Index("runs_by_time", "at"),
)

tool_calls = Table(
    "tool_calls",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="microseconds since the epoch"),
    Column("run_id", String, nullable=False, index=True),
    Column("key_id", String, nullable=False),
    Column("record", LargeBinary, nullable=False, comment="JSON"),
    Index("tool_calls_by_time", "at"),
)

payloads = Table(
    "payloads",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True, comment="seconds since the epoch"),
    Column("sealed", LargeBinary, nullable=False),
)
