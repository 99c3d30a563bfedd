"""The two frames: their columns, what stands for unknown, and how an artist is made from tracks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from music_assets.sandbox.msd.writer import write_song_file
from music_assets.sources.msd import ARTIST_COLUMNS, SONG_COLUMNS, read_msd, read_songs
from music_assets.tables import PUBLISHED
from music_assets_tests.support.msd_songs import song, terms, write_in_place


def _read_one(tmp_path: Path, **fields: Any) -> Any:
    path = tmp_path / "song.h5"
    write_song_file(path, song(**fields))
    (row,) = read_songs(path).to_dict("records")
    return row


def test_the_columns_are_those_the_warehouse_declares(tmp_path: Path) -> None:
    songs, artists, _ = read_msd(write_in_place(tmp_path, song()))

    assert list(songs) == list(SONG_COLUMNS) == [column.name for column in PUBLISHED["msd.songs"].columns]
    assert list(artists) == list(ARTIST_COLUMNS) == [c.name for c in PUBLISHED["msd.artists"].columns]


def test_nothing_read_has_the_same_columns_and_types(tmp_path: Path) -> None:
    songs, artists, _ = read_msd(write_in_place(tmp_path, song()))
    no_songs, no_artists, set_aside = read_msd([])

    assert (len(no_songs), len(no_artists), len(set_aside)) == (0, 0, 0)
    assert no_songs.dtypes.to_dict() == songs.dtypes.to_dict()
    assert no_artists.dtypes.to_dict() == artists.dtypes.to_dict()


def test_types_are_text_nullable_integers_and_reals(tmp_path: Path) -> None:
    songs = read_songs(write_in_place(tmp_path, song()))

    assert songs["year"].dtype == songs["key"].dtype == songs["track_7digitalid"].dtype == pd.Int64Dtype()
    assert songs["duration"].dtype == np.float64
    assert type(songs["title"].iloc[0]) is str


def test_what_the_msd_means_as_unknown_is_null(tmp_path: Path) -> None:
    row = _read_one(
        tmp_path,
        year=0,
        artist_7digitalid=-1,
        artist_playmeid=-1,
        release_7digitalid=-1,
        track_7digitalid=-1,
        song_hotttnesss=float("nan"),
        artist_latitude=float("inf"),
        artist_longitude=float("-inf"),
        artist_location="",
        artist_mbid="",
    )

    unknown = {name for name, value in row.items() if pd.isna(value)}
    assert unknown >= {
        *("year", "artist_7digitalid", "artist_playmeid", "release_7digitalid", "track_7digitalid"),
        *("song_hotttnesss", "artist_latitude", "artist_longitude", "artist_location", "artist_mbid"),
    }
    assert row["artist_location"] is None


def test_real_zeros_stay(tmp_path: Path) -> None:
    zeros = {"key": 0, "mode": 0, "song_hotttnesss": 0.0, "artist_hotttnesss": 0.0, "end_of_fade_in": 0.0}
    row = _read_one(tmp_path, **zeros, artist_latitude=0.0, key_confidence=0.0, artist_7digitalid=0)

    assert {name: row[name] for name in zeros} == zeros
    assert row["danceability"] == row["energy"] == row["artist_latitude"] == row["artist_7digitalid"] == 0


@pytest.mark.parametrize("title", ["Þokuljós", "銀紙の行進", "Медный снегопад", "Quarrel_ Moss", "🎺", " "])
def test_text_is_utf8_and_kept_as_it_is(tmp_path: Path, title: str) -> None:
    assert _read_one(tmp_path, title=title)["title"] == title


def test_text_that_fills_its_field_keeps_its_last_letter(tmp_path: Path) -> None:
    assert _read_one(tmp_path, audio_md5="0123456789abcdef" * 2)["audio_md5"] == "0123456789abcdef" * 2


def test_bytes_that_are_no_utf8_cost_only_themselves(tmp_path: Path) -> None:
    row = _read_one(tmp_path, title=b"Caf\xe9 Noir", release="Café")

    assert row["title"] == "Caf\N{REPLACEMENT CHARACTER} Noir"
    assert row["release"] == "Café"


def test_a_nul_ends_the_text_as_it_does_for_hdf5(tmp_path: Path) -> None:
    assert _read_one(tmp_path, title=b"Paper\0rubbish")["title"] == "Paper"


def test_an_artist_has_the_spelling_of_most_tracks_and_the_values_of_the_first(tmp_path: Path) -> None:
    first, second, third, fourth = (f"TRABC{letter}E128F4230A1B" for letter in "ABCD")
    paths = write_in_place(
        tmp_path,
        song(second, artist_name="The Kites", artist_location="Brindlemere", terms=terms("rock")),
        song(first, artist_name="Kites", artist_location="Grellin", terms=terms("folk", "mellow")),
        song(third, artist_name="The Kites", mbtags=[{"tag": "indie", "count": 2}]),
        song(fourth, artist_name="KITES"),
    )

    (artist,) = read_msd(paths).artists.to_dict("records")

    assert artist["artist_name"] == "The Kites"
    assert artist["other_names"] == ["KITES", "Kites"]
    assert artist["first_track_id"] == first
    assert artist["artist_location"] == "Grellin"
    assert artist["terms"] == terms("folk", "mellow")
    assert artist["mbtags"] == []
    assert artist["songs"] == 4


def test_an_artists_first_track_is_the_smallest_whatever_its_file_is_called(tmp_path: Path) -> None:
    for name, track_id, term in (
        ("a.h5", "TRABCBE128F4230A1B", "late"),
        ("b.h5", "TRABCAE128F4230A1B", "early"),
    ):
        write_song_file(tmp_path / name, song(track_id, artist_location=term, terms=terms(term)))

    (artist,) = read_msd(tmp_path).artists.to_dict("records")

    assert artist["first_track_id"] == "TRABCAE128F4230A1B"
    assert (artist["artist_location"], artist["terms"]) == ("early", terms("early"))


def test_spellings_as_frequent_as_each_other_go_by_code_point(tmp_path: Path) -> None:
    paths = write_in_place(
        tmp_path,
        song("TRABCAE128F4230A1B", artist_name="b"),
        song("TRABCBE128F4230A1B", artist_name="B"),
    )

    (artist,) = read_msd(paths).artists.to_dict("records")

    assert (artist["artist_name"], artist["other_names"]) == ("B", ["b"])


def test_lists_keep_the_order_of_the_file(tmp_path: Path) -> None:
    names = [f"term {number}" for number in range(70)]  # three chunks of the file
    fields = {"terms": terms(*names), "similar_artists": ["AR2", "AR1"]}
    write_song_file(tmp_path / "x.h5", song(**fields, mbtags=[{"tag": "é", "count": 3}]))

    (artist,) = read_msd(tmp_path / "x.h5").artists.to_dict("records")

    assert [one["term"] for one in artist["terms"]] == names
    assert artist["similar_artists"] == ["AR2", "AR1"]
    assert artist["mbtags"] == [{"tag": "é", "count": 3}]


def test_a_frequency_that_is_no_number_is_none_in_the_list(tmp_path: Path) -> None:
    odd = [{"term": "rock", "frequency": float("nan"), "weight": float("inf")}]
    write_song_file(tmp_path / "x.h5", song(terms=odd))

    (artist,) = read_msd(tmp_path / "x.h5").artists.to_dict("records")

    assert artist["terms"] == [{"term": "rock", "frequency": None, "weight": None}]


def test_a_song_without_an_artist_id_makes_no_artist(tmp_path: Path) -> None:
    songs, artists, _ = read_msd(write_in_place(tmp_path, song(artist_id="")))

    assert songs["artist_id"].tolist() == [None]
    assert len(artists) == 0


def test_the_order_of_paths_makes_no_difference(tmp_path: Path) -> None:
    songs = [
        song(
            f"TRAB{letter}DE128F4230A1B",
            artist_id=f"AR000000000000000{number % 3}",
            artist_name=f"Kites {number % 2}",
            terms=terms(letter),
        )
        for number, letter in enumerate("ABCDEFGHIJ")
    ]
    paths = write_in_place(tmp_path, *songs)
    paths.append(tmp_path / "copy.h5")
    write_song_file(paths[-1], songs[3])
    expected = read_msd(paths)

    for seed in range(3):
        shuffled = random.Random(seed).sample(paths, len(paths))
        found = read_msd(shuffled)
        assert_frame_equal(found.songs, expected.songs)
        assert_frame_equal(found.artists, expected.artists)
        assert found.set_aside == expected.set_aside
    assert expected.songs["track_id"].is_monotonic_increasing
    assert expected.artists["artist_id"].is_monotonic_increasing
