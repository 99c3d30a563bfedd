"""The ledger's tables; how those of earlier versions become these is in `migrations`."""

from __future__ import annotations

import sqlalchemy as sa

VERSION = 4
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
    sa.Column("checks", sa.Integer, nullable=False),  # how often in a row it had this status
    sa.Column("retry", sa.Boolean, nullable=False),  # whether a person wants it requested again
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


# How often in a row a response had its status, once replaced; a further query is part of the same check.
CHECKS: sa.ColumnElement[int] = sa.literal_column(
    "CASE WHEN responses.status <> excluded.status OR excluded.status = 'answered' THEN 1 "
    "WHEN excluded.attempts > responses.attempts THEN responses.checks ELSE responses.checks + 1 END"
)
