"""The published tables: what readers see, by the query in `sql/<schema>/<table>.sql`.

They are in DuckDB's dialect; `translate` has Redshift's. Each gives its table's columns, in order.
Results depend on the rows alone, never on the order they were loaded in: where several slices saw one thing,
the newest answer wins, and ties go to the smallest slice. What a table has of one key (`key_of`) depends on
rows of that key alone, but for those in `_WHOLE`: so it is updated where something has changed (`changes`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Table, TextualSelect, column

from music_assets.tables import METADATA, PUBLISHED
from music_assets.warehouse.translate import DuckDBQuery, translate, with_tables

# Tables that are added to: what was staged yesterday and is not today is part of them.
APPENDED = frozenset({"spotify.popularity_history", "listenbrainz.popularity_history"})


@dataclass(frozen=True)
class Source:
    """How rows that a query reads lead to the key of its own rows: by a column that has it.

    With a `link`, a table and its column, the key is that of the link's rows in which this column has the
    value of `column`; the query reads the link too, and changes of it lead to the key by themselves.
    """

    column: str
    link: tuple[str, str] | None = None


# Where the key is in a column of another name, or in another table.
_OF_TRACK, _OF_ARTIST = Source("spotify_track_id"), Source("spotify_artist_id")
_BY_MATCH = Source("spotify_track_id", ("mapped.songs", "spotify_track_id"))
_SOURCES: dict[str, dict[str, Source]] = {
    "spotify.popularity_history": {
        "staging.spotify_tracks": _OF_TRACK,
        "staging.spotify_tracks_refresh": _OF_TRACK,
        "staging.spotify_artists": _OF_ARTIST,
        "staging.spotify_artists_refresh": _OF_ARTIST,
    },
    "analytics.songs": {
        "spotify.tracks": _BY_MATCH,
        "spotify.audio_features": _BY_MATCH,
        "listenbrainz.popularity_history": Source("mbid", ("mapped.recordings", "recording_mbid")),
        "acousticbrainz.audio_features": Source("recording_mbid", ("mapped.recordings", "recording_mbid")),
        "spotify.artists": Source("spotify_artist_id", ("spotify.tracks", "spotify_artist_id")),
    },
    "analytics.artists": {
        "listenbrainz.popularity_history": Source("mbid", ("msd.artists", "artist_mbid")),
        "spotify.artists": Source("spotify_artist_id", ("mapped.artists", "spotify_artist_id")),
    },
}


# Tables in which the rows of one key depend on those of others: filled as a whole where anything has changed.
_WHOLE = frozenset({"companion.songs"})


def key_of(table: Table) -> str:
    """The column by which a published table is updated: each of its values is computed apart from others."""
    return str(table.dialect_options["redshift"]["distkey"])


def sources(name: str) -> dict[str, Source]:
    """How the tables that a published table's query reads lead to its key, by their full names.

    None for a table that cannot be updated by keys.
    """
    if name in _WHOLE:
        return {}
    key = key_of(PUBLISHED[name])
    by_name = {table.fullname: Source(key) for table in reads(name) if key in table.c}
    return {**by_name, **_SOURCES.get(name, {})}


def query(name: str, *, changed: bool = False) -> TextualSelect:
    """The rows of the published table `name` (`<schema>.<table>`), for either engine.

    Of all keys, or of those that `meta.changes` has for it.
    """
    columns = (column(one.name, one.type) for one in PUBLISHED[name].columns)
    return DuckDBQuery(_of_changed(name) if changed else sql(name)).columns(*columns)


@cache
def _of_changed(name: str) -> str:
    """The query, with the rows of changed keys alone in place of each table it reads."""
    found = sources(name)

    def only(full: str) -> str:
        these = f"SELECT key FROM meta.changes WHERE \"table\" = '{name}'"
        if (link := found[full].link) is not None:
            these = f"SELECT {link[1]} FROM {link[0]} WHERE {only(link[0])}"
        return f"{found[full].column} IN ({these})"

    return with_tables(sql(name), {full: f"SELECT * FROM {full} WHERE {only(full)}" for full in found})


def reads(name: str) -> list[Table]:
    """The tables that a published table is made from, by name: what Dagster shows as its inputs.

    By their names in the query: parsing it would make loading the definitions half a second slower.
    """
    text = re.sub("--.*", "", sql(name))
    return [
        table for full, table in sorted(METADATA.tables.items()) if re.search(rf"\b{re.escape(full)}\b", text)
    ]


def column_sources(name: str) -> dict[str, list[tuple[str, str]]]:
    """For each column of a published table the columns (table, column) that its values come from, by the
    query; none where it is counted or constant. What rows are joined or left out by does not count."""
    from sqlglot import exp
    from sqlglot.lineage import lineage

    whole = translate(sql(name), "duckdb")  # every column with its table
    return {
        column: sorted(
            {
                (f"{leaf.expression.db}.{leaf.expression.name}", exp.to_column(leaf.name).name)
                for leaf in node.walk()
                if isinstance(leaf.expression, exp.Table)
            }
        )
        for column, node in lineage(None, whole, {}, dialect="duckdb", trim_selects=False).items()
    }


@cache
def sql(name: str) -> str:
    """The query of a published table, as it is written."""
    return sql_file(name).read_text(encoding="utf-8")


def sql_file(name: str) -> Path:
    """The file of a published table's query."""
    schema, table = name.split(".")
    return Path(__file__).parent / "sql" / schema / f"{table}.sql"
