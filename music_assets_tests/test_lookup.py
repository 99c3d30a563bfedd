"""Ids in, rows out: in order, none lost, none invented."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, create_engine, insert
from sqlalchemy.schema import CreateSchema, CreateTable

from music_assets.lookup import LookupFailed, lookup
from music_assets.tables import PUBLISHED

SONGS: Table = PUBLISHED["analytics.songs"]
ONE, TWO, THREE = "TRAAAAW128F429D538", "TRAAABD128F429CF47", "TRBIJNF128F14815A7"
SHARED_SONG, ARTIST = "SOMZWCG12A8C13C480", "ARD7TVE1187B99BFB1"
SPOTIFY_TRACK, SPOTIFY_ARTIST = "4uLU6hMCjMI75M1A2tKUQC", "0gxyHStUsqpMadRV0Di1Qt"
UNKNOWN = "TRZZZZZ128F429D538"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three songs published, two of them matched to one Spotify track."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "published").mkdir()
    common = {
        "song_id": SHARED_SONG,
        "artist_id": ARTIST,
        "artist_name": "Sígur Rós",
        "match_status": "matched",
        "match_reasons": ["title equal", "artist equal"],
        "spotify_track_id": SPOTIFY_TRACK,
        "spotify_artist_id": SPOTIFY_ARTIST,
        "year": 1969,
        "duration": 218.5,
        "fetched_at": datetime(2026, 11, 22, 12, 30),
    }
    unmatched = {"artist_id": "AROTHER1187B99BFB1", "match_status": "no_candidates", "match_reasons": []}
    rows = [
        {"track_id": TWO, "title": "Two", **common},
        {"track_id": ONE, "title": "One", **common},
        {"track_id": THREE, "title": "Three", **unmatched},
    ]
    engine = create_engine(f"duckdb:///{folder / 'published' / 'music_assets.duckdb'}")
    with engine.begin() as connection:
        connection.execute(CreateSchema("analytics"))
        connection.execute(CreateTable(SONGS))
        for row in rows:
            connection.execute(insert(SONGS), row)
    engine.dispose()
    return folder


def test_a_track_is_found_with_all_columns(data: Path) -> None:
    frame = lookup(ONE, warehouse=data)
    assert list(frame.columns) == ["id", "id_kind", "found", *(column.name for column in SONGS.columns)]
    (row,) = frame.to_dict("records")
    assert (row["id"], row["id_kind"], row["found"], row["title"]) == (ONE, "track", True, "One")
    assert row["match_reasons"] == ["title equal", "artist equal"]
    assert (row["year"], row["duration"]) == (1969, 218.5)
    assert row["fetched_at"] == pd.Timestamp("2026-11-22 12:30")


def test_order_and_repetitions_are_kept_and_unknown_ids_told(data: Path) -> None:
    frame = lookup([THREE, UNKNOWN, ONE, THREE], warehouse=data)
    assert list(frame.id) == [THREE, UNKNOWN, ONE, THREE]
    assert list(frame.title.fillna("-")) == ["Three", "-", "One", "Three"]
    assert list(frame[~frame.found].id) == [UNKNOWN]
    assert frame[~frame.found].drop(columns=["id", "id_kind", "found"]).isna().all(axis=None)


@pytest.mark.parametrize(
    ("id_", "kind"),
    [
        (SHARED_SONG, "song"),
        (ARTIST, "artist"),
        (SPOTIFY_TRACK, "spotify_track"),
        (SPOTIFY_ARTIST, "spotify_artist"),
        (f"spotify:track:{SPOTIFY_TRACK}", "spotify_track"),
        (f"https://open.spotify.com/track/{SPOTIFY_TRACK}?si=abc", "spotify_track"),
        (f"https://open.spotify.com/intl-de/artist/{SPOTIFY_ARTIST}", "spotify_artist"),
        (f" {ARTIST}\n", "artist"),
    ],
)
def test_an_id_of_several_tracks_has_a_row_for_each(data: Path, id_: str, kind: str) -> None:
    frame = lookup([id_, THREE], warehouse=data)
    assert list(frame.track_id) == [ONE, TWO, THREE]
    assert list(frame.id_kind) == [kind, kind, "track"]
    assert list(frame.id) == [id_, id_, THREE]


@pytest.mark.parametrize("odd", ["hello", "", None, float("nan"), 17, "TR'; DROP TABLE x", "x" * 5000])
def test_what_is_no_id_is_unknown_and_spoils_nothing(data: Path, odd: object) -> None:
    frame = lookup([odd, ONE], warehouse=data)
    assert list(frame.found) == [False, True]
    assert frame.id_kind.isna()[0]


def test_no_ids_are_an_empty_frame_of_the_same_columns(data: Path) -> None:
    frame, full = lookup([], warehouse=data), lookup(ONE, warehouse=data)
    assert len(frame) == 0
    assert list(frame.columns) == list(full.columns)
    assert list(frame.dtypes[3:]) == list(full.dtypes[3:])


def test_types_hold_with_and_without_unknown_ids(data: Path) -> None:
    kinds = lookup([UNKNOWN], warehouse=data).dtypes
    assert dict(kinds.iloc[3:]) == dict(lookup([ONE, UNKNOWN], warehouse=data).dtypes.iloc[3:])
    assert str(kinds["year"]) == "Int64"
    assert str(kinds["popularity"]) == "Int64"


def test_columns_are_chosen_in_the_order_asked(data: Path) -> None:
    frame = lookup([ONE], warehouse=data, columns=["title", "year", "title"])
    assert list(frame.columns) == ["id", "id_kind", "found", "title", "year"]


def test_a_column_that_is_none_is_named_with_the_one_that_was_meant(data: Path) -> None:
    with pytest.raises(LookupFailed, match="no column 'artist_nmae'; did you mean 'artist_name'"):
        lookup([ONE], warehouse=data, columns=["artist_nmae"])


def test_thousands_are_asked_at_once(data: Path) -> None:
    ids = [ONE, *(f"TR{n:016d}" for n in range(5000)), TWO]
    frame = lookup(pd.Series(ids), warehouse=data, columns=["title"])
    assert list(frame.id) == ids
    assert list(frame[frame.found].title) == ["One", "Two"]


@settings(max_examples=25)
@given(ids=st.lists(st.sampled_from([ONE, TWO, THREE, UNKNOWN, ARTIST, SPOTIFY_TRACK, "no id"]), max_size=12))
def test_each_id_has_its_rows_where_it_stands(data: Path, ids: list[str]) -> None:
    frame = lookup(ids, warehouse=data, columns=["track_id"])
    alone = [lookup(one, warehouse=data, columns=["track_id"]) for one in ids]
    expected = [row for one in alone for row in one[["id", "found"]].itertuples(index=False)]
    assert list(frame[["id", "found"]].itertuples(index=False)) == expected


def test_a_file_a_folder_and_a_url_are_the_same(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = data / "published" / "music_assets.duckdb"
    monkeypatch.setenv("MUSIC_ASSETS_DATA", str(data))
    frames = [lookup(ONE, warehouse=one) for one in (None, data, file, str(file), f"duckdb:///{file}")]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])


def test_the_data_folder_of_dot_env_is_read(
    data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MUSIC_ASSETS_DATA", raising=False)
    (tmp_path / ".env").write_text(f"MUSIC_ASSETS_DATA={data}\n")
    assert lookup(ONE).found.all()


def test_readers_do_not_meet(data: Path) -> None:
    """The published copy may be open elsewhere, and a lookup leaves no file behind."""
    before = sorted(data.rglob("*"))
    with duckdb.connect(str(data / "published" / "music_assets.duckdb"), read_only=True):
        assert lookup(ONE, warehouse=data).found.all()
    assert sorted(data.rglob("*")) == before


def test_a_warehouse_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookupFailed, match="There is no warehouse .*music-assets run"):
        lookup(ONE, warehouse=tmp_path)
    assert list(tmp_path.iterdir()) == []
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    with pytest.raises(LookupFailed, match="analytics"):
        lookup(ONE, warehouse=other)
    other.write_bytes(b"no database")
    with pytest.raises(LookupFailed, match="cannot be read"):
        lookup(ONE, warehouse=other)


def test_a_password_is_never_shown() -> None:
    url = "postgresql+psycopg2://reader:hunter2@127.0.0.1:1/db"
    with pytest.raises(Exception) as caught:
        lookup(ONE, warehouse=url)
    assert "hunter2" not in str(caught.value)
