"""The ledger's tables, and how a file of an earlier version becomes one of this version.

A ledger of version 1 (responses alone) and 2 (as commit b89238b wrote it) are SQLite files; PostgreSQL
came with version 3. Tables are renamed in place, so that a migration takes no time and no space.
"""

from __future__ import annotations

import sqlalchemy as sa

VERSION = 3
TABLES = sa.MetaData()

RESPONSES = sa.Table(
    "responses",
    TABLES,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("query", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("fetched_at", sa.Double, nullable=False),  # seconds since 1970
    sa.Column("body", sa.LargeBinary),  # `records.pack`
    sa.Index("responses_by_age", "source", "purpose", "fetched_at"),
)
# By the hour, though days are what is counted today: a rolling window needs no migration.
REQUESTS = sa.Table(
    "request_counts",
    TABLES,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("hour", sa.Text, primary_key=True),  # UTC, as `2026-11-01T23`
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
STATE = sa.Table(
    "state",
    TABLES,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),  # JSON
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


def migrate(connection: sa.Connection) -> None:
    """Turn a SQLite file of any earlier version, or an empty one, into one of this version.

    Within the caller's transaction: a kill leaves the file as it was.
    """
    there = set(sa.inspect(connection).get_table_names())
    statements = [*(_FROM_VERSION_2 if "answers" in there else ())]
    if "facts" in there:
        statements.append("ALTER TABLE facts RENAME TO state")
    for statement in statements:
        connection.exec_driver_sql(statement)
    TABLES.create_all(connection)
    for statement in _FROM_COUNTS if "spent" in there else ():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
