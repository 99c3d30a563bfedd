"""The sandbox's MSD: files any MSD reader reads, and a sample that has the oddities of the real one."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import tables

from music_assets.sandbox.msd.songs import LETTERS, SONGS, sample_songs
from music_assets.sandbox.msd.writer import SampleFolderError, SongFieldError, write_sample, write_song_file
from music_assets.sources.msd import MsdRead, MsdRoot, read_msd
from music_assets_tests.support.msd_songs import write_aggregate_file

SONG: dict[str, Any] = {
    "track_id": "TRABCDE128F4230A1B",
    "title": "Þokuljós",
    "artist_name": "Brass Parsnip",
    "artist_id": "AR0000000000000001",
    "duration": 200.5,
    "terms": [{"term": "jazz", "frequency": 1.0, "weight": 0.5}],
    "similar_artists": ["AR0000000000000002"],
    "mbtags": [{"tag": "swing", "count": 3}],
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("sample") / "msd")


@pytest.fixture(scope="module")
def read(sample: Path) -> MsdRead:
    return read_msd(sample, root=sample)


def test_pytables_reads_a_song_file_as_it_reads_the_msd(tmp_path: Path) -> None:
    write_song_file(tmp_path / "song.h5", SONG)

    with tables.open_file(tmp_path / "song.h5") as h5:
        assert h5.root.metadata.songs.nrows == h5.root.analysis.songs.nrows == 1
        assert h5.root.metadata.songs.cols.title[0].decode() == "Þokuljós"
        assert h5.root.analysis.songs.cols.duration[0] == 200.5
        assert h5.root.musicbrainz.songs.cols.year[0] == 0
        assert h5.root.metadata.artist_terms[:].tolist() == [b"jazz"]
        assert h5.root.musicbrainz.artist_mbtags_count[:].tolist() == [3]
        assert h5.root.analysis.segments_pitches.shape[1] == 12
        starts = h5.root.analysis.beats_start[:]
        assert (np.diff(starts) > 0).all() and starts[-1] < 200.5


def _described(item: Any) -> tuple[Any, ...]:
    """All that says how a dataset is stored, but for its length."""
    properties = item.id.get_create_plist()
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    return item.dtype, item.chunks, item.maxshape, filters, properties.get_alloc_time()


def test_a_song_file_is_laid_out_as_a_real_one(shared: Path, tmp_path: Path) -> None:
    real = shared / "msd/A/A/A/TRAAAAW128F429D538.h5"
    write_song_file(tmp_path / "song.h5", SONG)

    with h5py.File(real) as theirs, h5py.File(tmp_path / "song.h5") as ours:
        names: list[str] = []
        theirs.visit(names.append)
        found: list[str] = []
        ours.visit(found.append)
        assert sorted(found) == sorted(names)
        for name in names:
            assert set(ours[name].attrs) == set(theirs[name].attrs), name
            assert ours[name].attrs["VERSION"] == theirs[name].attrs["VERSION"], name
            if isinstance(theirs[name], h5py.Dataset):
                assert _described(ours[name]) == _described(theirs[name]), name
                assert ours[name].id.get_type().equal(theirs[name].id.get_type()), name


def test_pytables_reads_an_aggregate_file_by_its_indices(tmp_path: Path) -> None:
    second = SONG | {"track_id": "TRABCDE128F4230A1C", "terms": SONG["terms"] * 2}
    write_aggregate_file(tmp_path / "many.h5", [SONG, second])

    with tables.open_file(tmp_path / "many.h5") as h5:
        assert h5.root.metadata.songs.cols.idx_artist_terms[:].tolist() == [0, 1]
        assert h5.root.analysis.songs.cols.idx_beats_start[:].tolist() == [0, 8]
        assert h5.root.metadata.artist_terms.nrows == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"titel": "x"}, "The MSD has no field titel"),
        ({"title": "x" * 1025}, "title has 1025 bytes of text; the MSD has room for 1024"),
        ({"title": 5}, "title must be text, not 5"),
        ({"duration": "long"}, "duration must be a number, not 'long'"),
        ({"similar_artists": ["x" * 21]}, "similar_artists has 21 bytes"),
        ({"segments_pitches": [[1.0]]}, "segments_pitches has shape"),
    ],
)
def test_what_does_not_fit_the_msd_is_refused(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SongFieldError, match=message):
        write_song_file(tmp_path / "song.h5", SONG | fields)


def test_unknown_values_are_written_as_the_msd_writes_them(tmp_path: Path) -> None:
    unknown = {"year": None, "artist_latitude": None, "track_7digitalid": pd.NA, "artist_location": np.nan}
    write_song_file(tmp_path / "song.h5", SONG | unknown)

    with h5py.File(tmp_path / "song.h5") as file:
        metadata = file["metadata/songs"][0]
        assert file["musicbrainz/songs"][0]["year"] == 0
        assert metadata["track_7digitalid"] == -1
        assert math.isnan(metadata["artist_latitude"])
        assert metadata["artist_location"] == b""


def test_the_sample_reads_back_as_its_songs(read: MsdRead) -> None:
    assert read.set_aside == []
    assert len(read.songs) == SONGS
    for row, song in zip(read.songs.to_dict("records"), sample_songs(), strict=True):
        for name in set(song) & set(row):
            assert row[name] == song[name] or (song[name] is None and pd.isna(row[name])), name


def test_the_sample_fills_ten_directories_and_scatters_artists_over_them(sample: Path, read: MsdRead) -> None:
    root = MsdRoot.open(sample)

    assert root.partitions() == sorted(LETTERS)
    assert sum(map(root.count, root.partitions())) == SONGS
    directories = read.songs.groupby("artist_id")["track_id"].agg(lambda ids: ids.str[2:4].nunique())
    assert directories.min() >= 5


def test_the_sample_has_the_oddities_of_the_msd(read: MsdRead) -> None:
    songs, artists = read.songs, read.artists
    titles = songs["title"]

    assert 0.3 < songs["year"].isna().mean() < 0.7
    assert songs["song_hotttnesss"].isna().any() and (songs["song_hotttnesss"] == 0).any()
    assert songs["artist_latitude"].isna().any() and songs["artist_mbid"].isna().any()
    for part in ("_ ", "(Album Version)", "(Live)", "feat. ", "é", "銀", "ы"):
        assert (
            titles.str.contains(part, regex=False).any() or songs["artist_name"].str.contains(part).any()
        ), part
    assert songs["song_id"].duplicated().any()
    assert (artists["other_names"].str.len() > 0).any()
    assert songs.groupby("title")["artist_id"].nunique().max() > 2
    assert songs.groupby("release")["artist_id"].nunique().max() > 5
    assert artists["terms"].str.len().max() > 32  # more than a chunk


def test_the_sample_is_the_same_every_time(sample: Path, tmp_path: Path) -> None:
    again = write_sample(tmp_path / "again")

    files = {path.relative_to(sample).as_posix() for path in sample.rglob("*.h5")}
    assert files == {path.relative_to(again).as_posix() for path in again.rglob("*.h5")}
    assert Counter(map(str, sample_songs())) == Counter(map(str, sample_songs()))
    assert read_msd(again, root=again).songs.equals(read_msd(sample, root=sample).songs)


def _times(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*.h5")}


def test_a_complete_sample_is_left_alone(sample: Path) -> None:
    before = _times(sample)

    assert write_sample(sample) == sample
    assert _times(sample) == before


@pytest.mark.parametrize("loss", ["a file", "the end of writing", "the version"])
def test_an_incomplete_sample_is_written_again(tmp_path: Path, loss: str) -> None:
    root = write_sample(tmp_path)
    marker = root / ".music-assets-sample"
    lost = min(root.rglob("*.h5"))
    if loss == "a file":
        lost.unlink()
    elif loss == "the end of writing":
        lost.write_bytes(b"")
        marker.unlink()
    else:
        marker.write_text("0")
        (lost.parent / "TRAAAAA00000000000.h5").write_text("of an older sample")

    write_sample(root)

    assert len(_times(root)) == SONGS
    assert read_msd(root).set_aside == []


def test_the_sample_is_not_written_over_other_files(tmp_path: Path) -> None:
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "precious.h5").write_text("someone's")

    with pytest.raises(SampleFolderError, match="other HDF5 files are there, such as A/precious.h5"):
        write_sample(tmp_path)

    assert [path.name for path in tmp_path.rglob("*.h5")] == ["precious.h5"]
