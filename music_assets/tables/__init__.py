"""The tables, declared once: columns, types, keys, ranges, comments, and whose terms apply.

DDL for both engines, validation of staged files, asset checks, Dagster's column schemas and
`docs/data_dictionary.md` all come from here. One module per schema beside this one; `columns` has what they
are declared with. How published tables are filled is SQL in `music_assets.warehouse`, as are engines, loading
and migrations.

Every staged kind has one table in `staging`, as landed, with the slice (a partition key, or the day of a
refresh) each row came in with. Readers use the other schemas.
"""

from __future__ import annotations

from sqlalchemy import Table

from music_assets.tables import acousticbrainz, analytics, companion, listenbrainz, mapped, msd, spotify
from music_assets.tables.columns import BY_HAND, CC0, METADATA, MSD, OURS, SANDBOX, SPOTIFY, Super
from music_assets.tables.meta import CHANGES, FILLED, LOADS

__all__ = [
    "BY_HAND",
    "CC0",
    "CHANGES",
    "FILE_ONLY",
    "FILLED",
    "LOADS",
    "METADATA",
    "MSD",
    "OURS",
    "PUBLISHED",
    "READERS_SCHEMAS",
    "SANDBOX",
    "SCHEMAS",
    "SPOTIFY",
    "STAGED",
    "STAGED_BY_DAY",
    "Super",
    "key_columns",
    "row_columns",
]

# Each staged kind, by the name of the asset that makes it.
STAGED: dict[str, Table] = {
    table.name: table
    for table in (
        msd.STAGED_SONGS,
        msd.STAGED_ARTISTS,
        companion.STAGED_SONGS,
        mapped.STAGED_RECORDINGS,
        listenbrainz.STAGED_POPULARITY,
        acousticbrainz.STAGED_FEATURES,
        spotify.STAGED_SEARCH,
        spotify.STAGED_TRACKS,
        mapped.STAGED_SONGS,
        mapped.STAGED_VOTES,
        spotify.STAGED_ARTISTS,
        spotify.STAGED_FEATURES,
    )
}

# What the daily refresh stages, each slice named by its date: 2026-11-26.
STAGED_BY_DAY: dict[str, Table] = {
    table.name: table
    for table in (spotify.STAGED_TRACKS_REFRESH, spotify.STAGED_ARTISTS_REFRESH, spotify.STAGED_RELEASES)
}

# Fields a staged file may have for the assets downstream that no table has.
FILE_ONLY: dict[str, frozenset[str]] = {"spotify_search": frozenset({"tracks", "renamings"})}

# The tables readers use, in the order they are filled.
PUBLISHED: dict[str, Table] = {
    table.fullname: table
    for table in (
        msd.SONGS,
        msd.ARTISTS,
        mapped.RECORDINGS,
        listenbrainz.POPULARITY_HISTORY,
        acousticbrainz.FEATURES,
        spotify.TRACKS,
        spotify.ARTISTS,
        spotify.FEATURES,
        spotify.POPULARITY_HISTORY,
        spotify.RELEASES,
        mapped.SONGS,
        mapped.ARTISTS,
        companion.SONGS,
        analytics.SONGS,
        analytics.ARTISTS,
    )
}

READERS_SCHEMAS = ("msd", "spotify", "mapped", "listenbrainz", "acousticbrainz", "companion", "analytics")
SCHEMAS = ("staging", "meta", *READERS_SCHEMAS)


def row_columns(table: Table) -> list[str]:
    """The columns of a row as a source makes it: all but `slice`."""
    return [str(column.name) for column in table.columns if column.name != "slice"]


def key_columns(table: Table) -> list[str]:
    """The columns that identify a row."""
    return [str(column.name) for column in table.columns if column.info.get("key")]
