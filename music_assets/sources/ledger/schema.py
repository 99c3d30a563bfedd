"""The ledger's tables, and how a file of version 2 (as commit b89238b wrote it) becomes one of version 3."""

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
# By the minute, for rolling windows; up to 571ee3e by the hour, which is what the column is still called.
REQUESTS = sa.Table(
    "request_counts",
    TABLES,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("hour", sa.Text, key="minute", primary_key=True),  # UTC, as `2026-11-01T23:05`
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

# In place, which takes no time and no space. Indexes go with their tables, and serve as well as the new ones.
FROM_VERSION_2 = (
    "ALTER TABLE answers RENAME TO responses",
    "ALTER TABLE responses RENAME COLUMN question TO query",
    "ALTER TABLE responses RENAME COLUMN asked TO attempts",
    "ALTER TABLE facts RENAME TO state",
    "ALTER TABLE spent RENAME TO request_counts",
    "ALTER TABLE request_counts RENAME COLUMN day TO hour",
    # A day's requests count as those of its last hour: too long in a rolling window rather than too short.
    "UPDATE request_counts SET hour = hour || 'T23'",
)
