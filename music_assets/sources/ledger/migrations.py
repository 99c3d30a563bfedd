"""How the tables of earlier versions become those of `schema`: version 2 is of commit b89238b, 3 of 571ee3e.

In place, which takes no time and no space: statements that SQLite and PostgreSQL both take, and a look at
what was taken for a miss.
"""

from __future__ import annotations

import sqlalchemy as sa

from music_assets.sources.ledger.records import unpack
from music_assets.sources.ledger.schema import RESPONSES

# Indexes go with their tables, and serve as well as the new ones.
_FROM_VERSION_2 = (
    "ALTER TABLE answers RENAME TO responses",
    "ALTER TABLE responses RENAME COLUMN question TO query",
    "ALTER TABLE responses RENAME COLUMN asked TO attempts",
    "ALTER TABLE facts RENAME TO state",
    "ALTER TABLE spent RENAME TO request_counts",
    "ALTER TABLE request_counts RENAME COLUMN day TO hour",
    # A day's requests count as those of its last hour: too long in a rolling window rather than too short.
    "UPDATE request_counts SET hour = hour || 'T23'",
)
# An error was final: a search's 404, a list's 400 for a parameter of ours, a 403 of a single request.
_FROM_VERSION_3 = (
    "ALTER TABLE responses ADD COLUMN checks INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE responses ADD COLUMN retry BOOLEAN NOT NULL DEFAULT FALSE",
    "DELETE FROM responses WHERE status = 'refused'",
    "DELETE FROM responses WHERE status = 'not_found' AND purpose = 'artist_albums'",
    "DELETE FROM responses WHERE status = 'denied' AND id IN ('tracks', 'albums', 'artists')",
)


def migrate(connection: sa.Connection, version: int) -> None:
    """Bring the tables of that version to the present one, in the caller's transaction."""
    for statement in (*(_FROM_VERSION_2 if version == 2 else ()), *_FROM_VERSION_3):
        connection.exec_driver_sql(statement)
    key = RESPONSES.primary_key.columns
    searches = RESPONSES.c.purpose.in_(["search", "tracks"])
    misses = sa.select(*key, RESPONSES.c.body).where(RESPONSES.c.status == "not_found", searches)
    for *of, body in connection.execute(misses).all():
        if _names_a_total(body):
            which = sa.and_(*(column == value for column, value in zip(key, of, strict=True)))
            connection.execute(sa.update(RESPONSES).where(which).values(retry=True))


def _names_a_total(body: bytes | None) -> bool:
    """Whether a search without hits said that there are some: no miss, but no answer."""
    try:
        return bool(unpack(body)["tracks"]["total"])
    except (ValueError, TypeError, KeyError):
        return False
