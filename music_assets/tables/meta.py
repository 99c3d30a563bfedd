"""Bookkeeping: which staged file each slice was loaded from, and which published rows are out of date."""

from __future__ import annotations

from music_assets.tables.columns import OURS, bigint, table, text, timestamp

_LOAD = (
    text(64, "table", "The staging table that was filled, without its schema.", OURS, key=True),
    text(32, "slice", "The slice of it: a partition key, or the day of a refresh.", OURS, key=True),
    text(64, "checksum", "SHA-256 of the staged file it was loaded from.", OURS),
    bigint("rows", "How many rows that file had.", OURS, low=0),
    text(64, "run_id", "The Dagster run that loaded it, by its id.", OURS),
    timestamp("loaded_at", "When it was loaded (UTC).", OURS),
)

LOADS = table(
    "meta.loads",
    "Which slice of which staging table was loaded from what, by which run.",
    _LOAD,
    dist=None,
    sort="table",
)

_PUBLISHED_TABLE = text(64, "table", "The published table, by its full name.", OURS, key=True)

CHANGES = table(
    "meta.changes",
    "Keys whose rows in a published table are out of date, until it is updated; a key may stand here twice.",
    (
        _PUBLISHED_TABLE,
        text(64, "key", "A value of the table's first key, such as a track's id.", OURS, key=True),
    ),
    dist="key",
    sort="table",
)

FILLED = table(
    "meta.filled",
    "Which published tables are up to date but for `meta.changes`; others are filled as a whole.",
    (_PUBLISHED_TABLE, text(64, "version", "SHA-256 of its query.", OURS, nullable=False)),
    dist=None,
    sort="table",
)
