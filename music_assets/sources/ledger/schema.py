"""The ledger's tables, and how a file of an earlier version becomes one of this version.

A ledger of version 1 (responses alone) and 2 (as commit b89238b wrote it) are SQLite files; PostgreSQL
came with version 3. Tables are renamed in place, so that a migration takes no time and no space.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    inspect,
)

VERSION = 3
TABLES = MetaData()

RESPONSES = Table(
    "responses",
    TABLES,
    Column("source", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("entity", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("query", Text),
    Column("attempts", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("fetched_at", Double, nullable=False),  # seconds since 1970
    Column("body", LargeBinary),  # `records.pack`
    Index("responses_by_age", "source", "purpose", "fetched_at"),
)
# By the hour, though days are what is counted today: a rolling window needs no migration.
REQUESTS = Table(
    "request_counts",
    TABLES,
    Column("source", Text, primary_key=True),
    Column("hour", Text, primary_key=True),  # UTC, as `2026-11-01T23`
    Column("kind", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)
STATE = Table(
    "state",
    TABLES,
    Column("source", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    sqlite_with_rowid=False,
)

HOLDER = "request lock"  # the name of the state that says who holds it, or died with it

_FROM_VERSION_2 = (
    # Its index (`answers_by_age`) goes with the table and serves as well as the new one.
    "ALTER TABLE answers RENAME TO responses",
    "ALTER TABLE responses RENAME COLUMN question TO query",
    "ALTER TABLE responses RENAME COLUMN asked TO attempts",
)
_FROM_COUNTS = (
    # A day's requests count as those of its last hour: too long in a rolling window rather than too short.
    "INSERT INTO request_counts SELECT source, day || 'T23', kind, count FROM spent",
    "DROP TABLE spent",
)


def migrate(connection: Connection) -> None:
    """Turn a SQLite file of any earlier version, or an empty one, into one of this version.

    Within the caller's transaction: a kill leaves the file as it was.
    """
    there = set(inspect(connection).get_table_names())
    statements = [*(_FROM_VERSION_2 if "answers" in there else ())]
    if "facts" in there:
        statements.append("ALTER TABLE facts RENAME TO state")
    for statement in statements:
        connection.exec_driver_sql(statement)
    TABLES.create_all(connection)
    for statement in _FROM_COUNTS if "spent" in there else ():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
