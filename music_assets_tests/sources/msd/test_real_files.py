"""The reader against real MSD files, and what an independent reader got from each."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from music_assets.sources.msd import MsdRoot, read_msd

# The independent reader's columns, and ours.
TEXT = {
    "track_id": "track_id",
    "song_id": "song_id",
    "title": "title",
    "artist": "artist_name",
    "release": "release",
    "artist_id": "artist_id",
    "mbid": "artist_mbid",
    "loc": "artist_location",
}
REAL = {
    "lat": "artist_latitude",
    "lon": "artist_longitude",
    "fam": "artist_familiarity",
    "hot": "artist_hotttnesss",
    "shot": "song_hotttnesss",
    "dur": "duration",
    "tempo": "tempo",
    "dance": "danceability",
    "energy": "energy",
}
INTEGER = {
    "year": ("year", 0),
    "t7": ("track_7digitalid", -1),
    "a7": ("artist_7digitalid", -1),
    "pm": ("artist_playmeid", -1),
}
LISTS = {"sim": "similar_artists", "terms": "terms", "mbtags": "mbtags"}


@pytest.fixture(scope="module")
def expected(shared: Path) -> list[dict[str, str]]:
    with (shared / "msd_songs_expected.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _file(shared: Path, row: dict[str, str]) -> Path:
    return shared / "msd" / row["file"].removeprefix("data/")


def test_all_fields_of_145_files_are_those_of_an_independent_reader(
    shared: Path, expected: list[dict[str, str]]
) -> None:
    songs, _, set_aside = read_msd(shared / "msd", root=shared / "msd")

    assert set_aside == []
    assert len(songs) == len(expected) == 145
    by_track = songs.set_index("track_id", drop=False)
    for row in expected:
        ours = by_track.loc[row["track_id"]]
        assert ours["msd_file"] == row["file"].removeprefix("data/")
        for theirs, name in TEXT.items():
            assert ours[name] == (row[theirs] or None), (row["file"], name)
        for theirs, name in REAL.items():
            value = ours[name]
            same = math.isnan(value) if row[theirs] in ("", "nan") else value == float(row[theirs])
            assert same, (row["file"], name)
        for theirs, (name, unknown) in INTEGER.items():
            value = unknown if pd.isna(ours[name]) else ours[name]
            assert value == int(row[theirs]), (row["file"], name)


def test_tags_and_similar_artists_are_counted_alike_in_each_file(
    shared: Path, expected: list[dict[str, str]]
) -> None:
    for row in expected:
        _, artists, _ = read_msd(_file(shared, row))
        counts = {theirs: len(artists[name].iloc[0]) for theirs, name in LISTS.items()}
        assert counts == {theirs: int(row[theirs]) for theirs in LISTS}, row["file"]


def test_terms_carry_their_own_frequency_and_weight(shared: Path) -> None:
    _, artists, _ = read_msd(shared / "msd/A/A/A/TRAAAAW128F429D538.h5")

    terms: list[dict[str, Any]] = artists["terms"].iloc[0]
    assert len(terms) == 37
    assert terms[0] == {"term": "hip hop", "frequency": 1.0, "weight": 1.0}
    assert all(0 <= one["frequency"] <= 1 and 0 <= one["weight"] <= 1 for one in terms)
    assert [one["weight"] for one in terms] == sorted((one["weight"] for one in terms), reverse=True)


def test_broken_files_are_named_and_their_neighbours_read(shared: Path) -> None:
    songs, _, set_aside = read_msd([shared / "msd/A", shared / "msd_broken"])

    assert len(songs) == 12
    assert [one.path.name for one in set_aside] == ["TRAAAAW128F429D538.h5", "msd_summary_file.h5"]
    assert {one.reason for one in set_aside} == {"is HDF5 without the MSD table metadata/songs"}


def test_a_root_of_real_files_has_their_letters_as_partitions(shared: Path) -> None:
    root = MsdRoot.open(shared / "msd")

    assert {key: root.count(key) for key in root.partitions()} == {"AA": 11, "AX": 1, "BC": 1, "BD": 132}
    assert len(root.read("BD").songs) == 132
