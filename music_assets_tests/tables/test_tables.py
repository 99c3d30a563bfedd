"""The declared tables hold together: everything else is made from them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import sqlglot
from duckdb_engine import Dialect as DuckDBDialect
from sqlalchemy.schema import CreateTable
from sqlalchemy_redshift.dialect import RedshiftDialect_redshift_connector

from music_assets.tables import METADATA, OURS, PUBLISHED, SCHEMAS, STAGED, key_columns
from music_assets.tables.terms import TERMS
from music_assets.warehouse.published import query, reads

CONTRACT = {
    "msd.songs": ["track_id"],
    "msd.artists": ["artist_id"],
    "mapped.songs": ["track_id", "spotify_track_id"],
    "mapped.artists": ["artist_id", "spotify_artist_id"],
    "mapped.recordings": ["track_id", "recording_mbid"],
    "acousticbrainz.audio_features": ["recording_mbid"],
    "listenbrainz.popularity_history": ["entity", "mbid", "date"],
    "spotify.tracks": ["spotify_track_id"],
    "spotify.artists": ["spotify_artist_id"],
    "spotify.audio_features": ["spotify_track_id", "source"],
    "spotify.popularity_history": ["entity", "id", "date"],
    "spotify.artist_releases": ["spotify_artist_id", "spotify_album_id"],
    "companion.songs": ["track_id"],
    "analytics.songs": ["track_id"],
    "analytics.artists": ["artist_id"],
}


def test_published_tables_and_their_keys_are_those_of_the_contract() -> None:
    assert {name: key_columns(table) for name, table in PUBLISHED.items()} == CONTRACT


def test_every_table_column_and_staged_kind_says_what_it_is() -> None:
    silent = [
        f"{table.fullname}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.columns
        if not column.comment or len(column.comment) < 8
    ]
    assert silent == []
    assert all(table.comment for table in METADATA.tables.values())


def test_the_comment_of_a_value_with_a_unit_says_it() -> None:
    """It is what people see of a column in the database."""
    of_units = [column for table in METADATA.tables.values() for column in table.c if column.info["unit"]]
    assert len(of_units) > 20
    assert [column for column in of_units if f" In {column.info['unit']}." not in column.comment] == []


@pytest.mark.parametrize("name", ["listen_count", "listener_count"])
def test_counts_are_null_of_what_has_no_recording(name: str) -> None:
    """Both at once: also the one that has a reason of its own where there is a response."""
    assert "no recording was found" in PUBLISHED["analytics.songs"].c[name].info["null"]
    assert "no MusicBrainz id" in PUBLISHED["analytics.artists"].c[name].info["null"]


def test_every_column_says_whose_it_is() -> None:
    sources = {column.info["source"] for table in METADATA.tables.values() for column in table.columns}
    assert sources <= set(TERMS)


def test_spotify_values_always_stand_beside_their_source() -> None:
    for name, table in {**STAGED, **PUBLISHED}.items():
        if any(column.info["source"] == "Spotify" for column in table.columns):
            assert "source" in table.c, name


@pytest.mark.parametrize("table", METADATA.tables.values(), ids=lambda table: table.fullname)
def test_tables_compile_for_redshift_with_their_keys(table) -> None:
    ddl = str(CreateTable(table).compile(dialect=RedshiftDialect_redshift_connector()))
    assert "DISTKEY" in ddl or (table.schema == "meta" and "DISTSTYLE ALL" in ddl)
    assert "SORTKEY" in ddl
    assert "PRIMARY KEY" not in ddl  # Redshift would believe it without checking


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_published_table_is_filled_by_a_select_of_its_columns(name: str) -> None:
    columns = [column.name for column in PUBLISHED[name].columns]
    for dialect, read in ((RedshiftDialect_redshift_connector(), "redshift"), (DuckDBDialect(), "duckdb")):
        sql = str(query(name).compile(dialect=dialect))
        assert sqlglot.parse_one(sql, dialect=read).named_selects == columns


def test_each_published_table_has_its_query_which_says_what_one_row_is() -> None:
    folder = files("music_assets.warehouse").joinpath("sql")
    queries = {f"{one.parent.name}.{one.stem}": one for one in Path(str(folder)).glob("*/*.sql")}
    assert set(queries) == set(PUBLISHED)
    for name, path in queries.items():
        assert path.read_text(encoding="utf-8").startswith("-- One row per "), name


def test_what_a_table_reads_is_found_in_its_query() -> None:
    assert [table.fullname for table in reads("spotify.tracks")] == [
        "staging.mapped_songs",
        "staging.spotify_tracks",
        "staging.spotify_tracks_refresh",
    ]
    folder = files("music_assets.warehouse").joinpath("sql")
    for name in PUBLISHED:
        schema, table = name.split(".")
        parsed = sqlglot.parse_one(folder.joinpath(schema, f"{table}.sql").read_text(), dialect="duckdb")
        named = {f"{one.db}.{one.name}" for one in parsed.find_all(sqlglot.exp.Table) if one.db}
        assert {read.fullname for read in reads(name)} == named, name


def test_published_tables_read_staging_or_tables_filled_before_them() -> None:
    filled: set[str] = set()
    for name in PUBLISHED:
        for read in reads(name):
            assert read.schema == "staging" or read.fullname in filled, f"{name} reads {read.fullname}"
        filled.add(name)


def test_all_tables_lie_in_declared_schemas() -> None:
    assert {table.schema for table in METADATA.tables.values()} == set(SCHEMAS)


def test_what_this_project_computes_or_chooses_is_nothing_that_spotify_does_not_give() -> None:
    """Why a column is NULL: an id that was chosen, a score or a time is ours to have."""
    chosen = {
        "analytics.songs": {"spotify_track_id"},
        "analytics.artists": {"spotify_artist_id"},
    }
    for table in PUBLISHED.values():
        for column in table.c:
            if column.info["source"] == OURS or column.name in chosen.get(table.fullname, ()):
                assert "Spotify does not" not in column.info["null"], f"{table.fullname}.{column.name}"
