"""The tables. Columns are what is searched for; the rest of a record is in its JSON."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

_Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up a column of just this type
_AT = "microseconds since the epoch"

schema_version = Table(
    "toolgate_schema",
    metadata,
    Column("version", Integer, nullable=False, comment="see gateway.store.migrations"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False, comment=_AT),
    Column("run_id", String, nullable=False, index=True),
    Column("key_id", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON"),
    Index("runs_by_time", "at"),
    Index("runs_by_key", "key_id", "id"),
    sqlite_autoincrement=True,  # a number is never used twice, not even after the newest rows were removed
)

tool_calls = Table(
    "tool_calls",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False, comment=_AT),
    Column("run_id", String, nullable=False, index=True),
    Column("key_id", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON"),
    Index("tool_calls_by_time", "at"),
    sqlite_autoincrement=True,  # a number is never used twice, not even after the newest rows were removed
)

payloads = Table(
    "payloads",
    metadata,
    Column("key_id", String, primary_key=True),  # or KEY/USER: see gateway.auth.Owner
    Column("fingerprint", String, primary_key=True),
    Column("expires", BigInteger, nullable=False, comment="seconds since the epoch"),
    Column("size", BigInteger, nullable=False, comment="bytes of `sealed`"),
    Column("sealed", LargeBinary, nullable=False),
    Index("payloads_by_time", "expires", "size"),  # answers how much there is without touching a payload
)

tool_changes = Table(
    "tool_changes",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False, comment=_AT),
    Column("server", String, nullable=False),
    Column("record", Text, nullable=False, comment="JSON"),
    Index("tool_changes_by_time", "at"),
    sqlite_autoincrement=True,
)

first_sights = Table(
    "first_sights",
    metadata,
    Column("server", String, primary_key=True),
    Column("seen", Text, nullable=False, comment="JSON, see gateway.store.first_sights"),
    Column("at", BigInteger, nullable=False, comment=_AT),
)

provider_objects = Table(
    "provider_objects",
    metadata,
    Column("key_id", String, primary_key=True),  # or KEY/USER, in the same way
    Column("provider", String, primary_key=True),
    Column("object_id", String, primary_key=True, comment="as the provider has it"),
    Column("kind", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("shown", Text, nullable=False, comment="JSON, as the provider told it"),
    Column("at", BigInteger, nullable=False, comment=_AT),
    Index("provider_objects_by_time", "at"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("kind", String, primary_key=True),
    Column("server", String, primary_key=True),
    Column("subject", String, primary_key=True, comment="whose: depends on the kind"),
    Column("at", BigInteger, nullable=False, comment=_AT),
    Column("expires", BigInteger, comment="seconds since the epoch; null for what is kept until it is removed"),
    Column("sealed", LargeBinary, nullable=False),
    Index("credentials_by_subject", "kind", "subject"),
)
