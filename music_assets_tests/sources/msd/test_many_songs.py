"""Files of many songs: aggregate files with everyone's arrays in one, summary files with none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from music_assets.sources.msd import MsdRoot, read_msd
from music_assets_tests.support.msd_songs import (
    song,
    terms,
    write_aggregate_file,
    write_in_place,
    write_summary_file,
)


def _songs(counts: list[tuple[int, int, int]]) -> list[dict[str, Any]]:
    """A song of an artist each, with so many terms, similar artists and mbtags of its own."""
    return [
        song(
            f"TRABCDE128F42300{number:02d}",
            artist_id=f"AR{number:016d}",
            title=f"Song {number}",
            terms=terms(*(f"term {number}.{n}" for n in range(some))),
            similar_artists=[f"AR{number}S{n}" for n in range(similar)],
            mbtags=[{"tag": f"tag {number}.{n}", "count": n} for n in range(mbtags)],
        )
        for number, (some, similar, mbtags) in enumerate(counts)
    ]


MIXED = _songs([(3, 2, 0), (0, 0, 0), (40, 100, 1), (0, 5, 2), (1, 0, 0)])


def test_each_song_of_an_aggregate_file_has_its_own_slices(tmp_path: Path) -> None:
    write_aggregate_file(tmp_path / "many.h5", MIXED)

    _, artists, set_aside = read_msd(tmp_path / "many.h5")

    assert set_aside == []
    assert artists["terms"].tolist() == [one["terms"] for one in MIXED]
    assert artists["similar_artists"].tolist() == [one["similar_artists"] for one in MIXED]
    assert artists["mbtags"].tolist() == [one["mbtags"] for one in MIXED]


@given(counts=st.lists(st.tuples(*[st.integers(0, 35)] * 3), min_size=1, max_size=12))
@settings(max_examples=25)
def test_an_aggregate_file_reads_as_the_files_it_is_made_of(
    tmp_path_factory: pytest.TempPathFactory, counts: list[tuple[int, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    songs = _songs(counts)
    single = read_msd(write_in_place(folder, *songs))
    write_aggregate_file(folder / "many.h5", songs)

    many = read_msd(folder / "many.h5")

    assert many.set_aside == single.set_aside == []
    assert_frame_equal(many.songs.drop(columns="msd_file"), single.songs.drop(columns="msd_file"))
    assert_frame_equal(many.artists, single.artists)


def test_real_songs_in_one_file_read_as_they_do_in_theirs(shared: Path, tmp_path: Path) -> None:
    single = read_msd(shared / "msd")
    tagged = single.artists.set_index("artist_id")[["terms", "mbtags", "similar_artists"]]
    first = set(single.artists["first_track_id"])
    songs = single.songs[single.songs["track_id"].isin(first)]
    rows = [row | tagged.loc[row["artist_id"]].to_dict() for row in songs.to_dict("records")]
    write_aggregate_file(tmp_path / "many.h5", rows)

    many = read_msd(tmp_path / "many.h5")

    assert len(many.songs) == len(single.artists) == 141
    columns = ["terms", "mbtags", "similar_artists", "artist_location", "artist_latitude", "first_track_id"]
    assert_frame_equal(many.artists[columns], single.artists[columns])


def test_a_summary_file_has_songs_and_no_tags(tmp_path: Path) -> None:
    write_summary_file(tmp_path / "summary.h5", MIXED)

    songs, artists, set_aside = read_msd(tmp_path / "summary.h5")

    assert set_aside == []
    assert songs["title"].tolist() == [one["title"] for one in MIXED]
    assert artists["terms"].tolist() == artists["similar_artists"].tolist() == [[]] * len(MIXED)


def test_rows_of_more_than_one_block_stay_together(tmp_path: Path) -> None:
    songs = _songs([(number % 3, number % 2, 0) for number in range(1100)])
    for number, one in enumerate(songs):
        one["track_id"] = f"TRABCDE128F42{number:05d}"
    write_aggregate_file(tmp_path / "many.h5", songs)

    read, artists, _ = read_msd(tmp_path / "many.h5")

    assert read["title"].tolist() == [one["title"] for one in songs]
    assert artists["terms"].tolist() == [one["terms"] for one in songs]


def test_one_slice_out_of_range_sets_the_whole_file_aside(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    write_aggregate_file(path, MIXED)
    with h5py.File(path, "r+") as file:
        rows = file["metadata/songs"][:]
        rows["idx_artist_terms"][2] = 1000
        file["metadata/songs"][:] = rows

    songs, artists, set_aside = read_msd(path)

    assert len(songs) == len(artists) == 0
    assert set_aside[0].reason == (
        "idx_artist_terms is out of range: at row 2 it goes from 1000 to 43 in an array of 44"
    )


def test_an_aggregate_file_is_a_root_read_a_partition_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    songs = _songs([(number, 1, 0) for number in range(9)])
    for number, one in enumerate(songs):  # rows of two partitions in turn, and one of none
        one["track_id"] = f"TR{('AB', 'ZZ')[number % 2] if number < 8 else '00'}CDE128F4230A1{number}"
    write_aggregate_file(path, songs)

    root = MsdRoot.open(path)

    assert root.partitions() == ["AB", "ZZ"]
    assert [root.count(key) for key in ("AB", "ZZ", "QQ")] == [4, 4, 0]
    assert root.files("AB") == [path]
    assert root.files("QQ") == []
    read = root.read("ZZ")
    assert read.songs["title"].tolist() == ["Song 1", "Song 3", "Song 5", "Song 7"]
    assert read.songs["msd_file"].unique().tolist() == ["many.h5"]
    assert [len(one) for one in read.artists["terms"]] == [1, 3, 5, 7]
    assert read.set_aside == []
    assert len(root.read("QQ").songs) == 0
    assert root.read("AB").set_aside == [(path, "1 of its songs have a track id without partition letters")]
