"""What is set aside, with which reason; good files beside it are read."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from music_assets.sandbox.msd.writer import write_song_file
from music_assets.sources.msd import MsdRootError, iter_analysis, read_msd, read_songs
from music_assets_tests.support.msd_songs import (
    TRACK,
    song,
    song_path,
    terms,
    write_aggregate_file,
    write_in_place,
)

GOOD = "TRABCZZ128F4230A1B"
Spoil = Callable[[Path], object]


def _replace(path: Path, dataset: str, values: object) -> None:
    with h5py.File(path, "r+") as file:
        del file[dataset]
        if values is not None:
            file[dataset] = values


def _replace_field(path: Path, table: str, field: str, dtype: object) -> None:
    """Write a table anew with one field of another type, or without it."""
    with h5py.File(path, "r") as file:
        found = file[table][:]
    layout = [(name, found.dtype[name] if name != field else dtype) for name in found.dtype.names]
    changed = np.zeros(len(found), dtype=[one for one in layout if one[1] is not None])
    for name in changed.dtype.names:
        if name != field:
            changed[name] = found[name]
    _replace(path, table, changed)


def _set_field(path: Path, table: str, field: str, value: object) -> None:
    with h5py.File(path, "r+") as file:
        rows = file[table][:]
        rows[field] = value
        file[table][:] = rows


def _empty_tables(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        for table in ("metadata", "analysis", "musicbrainz"):
            file[f"{table}/songs"].resize(0, axis=0)


def _two_rows(path: Path, dataset: str) -> None:
    with h5py.File(path, "r+") as file:
        file[dataset].resize(2, axis=0)


def _damage_chunk(path: Path, dataset: str) -> None:
    with h5py.File(path, "r") as file:
        chunk = file[dataset].id.get_chunk_info(0)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "cut short": (lambda path: os.truncate(path, 5000), r"is cut short: 5000 of \d+ bytes"),
    "emptied": (lambda path: os.truncate(path, 0), "is empty"),
    "text": (lambda path: path.write_text("<html>Not found</html>"), "is not an HDF5 file"),
    "its tables gone": (
        lambda path: _replace(path, "analysis/songs", None),
        "is HDF5 without the MSD table analysis/songs",
    ),
    "a table that is none": (
        lambda path: _replace(path, "musicbrainz/songs", np.zeros(3)),
        "musicbrainz/songs is not a table",
    ),
    "a group for a table": (
        lambda path: (
            _replace(path, "metadata/songs", None),
            h5py.File(path, "r+").create_group("metadata/songs"),
        ),
        "is HDF5 without the MSD table metadata/songs",
    ),
    "a field missing": (
        lambda path: _replace_field(path, "metadata/songs", "title", None),
        "metadata/songs has no field title",
    ),
    "text for a number": (
        lambda path: _replace_field(path, "analysis/songs", "duration", "S8"),
        r"analysis/songs, field duration, holds \|S8, not real values",
    ),
    "a number for text": (
        lambda path: _replace_field(path, "metadata/songs", "title", "f8"),
        "metadata/songs, field title, holds float64, not text values",
    ),
    "no rows": (_empty_tables, "holds no song: its tables have no rows"),
    "tables that disagree": (
        lambda path: _two_rows(path, "musicbrainz/songs"),
        "its tables disagree in length: metadata/songs 1, analysis/songs 1, musicbrainz/songs 2",
    ),
    "arrays that disagree": (
        lambda path: _two_rows(path, "metadata/artist_terms_freq"),
        r"its arrays disagree in length: .*terms 3, .*freq 2, .*weight 3",
    ),
    "an array without its companion": (
        lambda path: _replace(path, "musicbrainz/artist_mbtags_count", None),
        "has no array musicbrainz/artist_mbtags_count, though it has its companions",
    ),
    "an array of the wrong type": (
        lambda path: _replace(path, "metadata/similar_artists", np.zeros(4)),
        "metadata/similar_artists holds float64, not text values",
    ),
    "a slice beyond its array": (
        lambda path: _set_field(path, "metadata/songs", "idx_artist_terms", 4),
        "idx_artist_terms is out of range: at row 0 it goes from 4 to 3 in an array of 3",
    ),
    "a slice before its array": (
        lambda path: _set_field(path, "musicbrainz/songs", "idx_artist_mbtags", -1),
        "idx_artist_mbtags is out of range",
    ),
    "a damaged table": (lambda path: _damage_chunk(path, "metadata/songs"), "is damaged: "),
    "damaged tags": (lambda path: _damage_chunk(path, "metadata/artist_terms"), "is damaged: "),
    "damaged similar artists": (
        lambda path: _damage_chunk(path, "metadata/similar_artists"),
        "is damaged: ",
    ),
    "no track id": (
        lambda path: _set_field(path, "analysis/songs", "track_id", b""),
        "has a song without a track id",
    ),
    "another track": (
        lambda path: _set_field(path, "analysis/songs", "track_id", b"TRABCDE12FFFFFFFFF"),
        "holds track TRABCDE12FFFFFFFFF, not the one it is named after",
    ),
    "gone": (lambda path: path.unlink(), "does not exist"),
    "a pipe": (lambda path: (path.unlink(), os.mkfifo(path)), "is not a file"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_bad_file_is_set_aside_with_its_reason_and_its_neighbour_read(tmp_path: Path, kind: str) -> None:
    spoil, reason = SPOILT[kind]
    bad, good = write_in_place(
        tmp_path,
        song(terms=terms("a", "b", "c"), similar_artists=["AR2"], mbtags=[{"tag": "x", "count": 1}]),
        song(GOOD),
    )
    spoil(bad)

    songs, artists, set_aside = read_msd([bad, good])

    assert songs["track_id"].tolist() == [GOOD]
    assert artists["first_track_id"].tolist() == [GOOD]
    ((path, why),) = set_aside
    assert path == bad
    assert re.match(reason, why), why


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_set_aside(tmp_path: Path) -> None:
    bad, good = write_in_place(tmp_path, song(), song(GOOD))
    bad.chmod(0)

    songs, _, set_aside = read_msd([bad, good])

    assert songs["track_id"].tolist() == [GOOD]
    assert set_aside == [(bad, "may not be read: permission denied")]


def test_a_file_in_the_wrong_folder_is_set_aside(tmp_path: Path) -> None:
    (path,) = write_in_place(tmp_path, song())
    elsewhere = tmp_path / "A" / "B" / "Q" / path.name
    elsewhere.parent.mkdir()
    path.rename(elsewhere)

    ((_, reason),) = read_msd(elsewhere).set_aside
    anyway = read_msd(elsewhere, expect_location=False)

    assert reason == f"holds track {TRACK}, which does not belong in A/B/Q"
    assert anyway.songs["track_id"].tolist() == [TRACK]


@pytest.mark.parametrize("name", ["song.h5", "a/b/c/song.h5", "X/song.h5", f"{TRACK}.h5", "A/B/song.h5"])
def test_other_names_and_folders_say_nothing_of_the_track(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_song_file(path, song())

    assert read_msd(path, root=tmp_path).set_aside == []


def test_a_track_met_twice_is_kept_from_the_first_path(tmp_path: Path) -> None:
    (path,) = write_in_place(tmp_path / "a", song(title="kept"))
    again = song_path(tmp_path / "b", TRACK)
    again.parent.mkdir(parents=True)
    shutil.copy(path, again)

    songs, artists, set_aside = read_msd([again, path])

    assert songs["msd_file"].tolist() == [path.as_posix()]
    assert artists["songs"].tolist() == [1]
    assert set_aside == [(again, f"duplicate of {path}: both hold track {TRACK}")]


def test_a_path_given_twice_is_read_once(tmp_path: Path) -> None:
    paths = write_in_place(tmp_path, song())

    songs, _, set_aside = read_msd([*paths, str(paths[0]), tmp_path])

    assert len(songs) == 1
    assert set_aside == []


def test_tracks_an_aggregate_file_repeats_are_counted_and_the_rest_kept(tmp_path: Path) -> None:
    (path,) = write_in_place(tmp_path, song())
    many = tmp_path / "many.h5"
    write_aggregate_file(many, [song(), song(GOOD), song(GOOD)])

    songs, _, set_aside = read_msd(tmp_path)

    assert songs["track_id"].tolist() == [TRACK, GOOD]
    assert set_aside == [
        (many, f"duplicate of {path} in 1 of its songs ({TRACK})"),
        (many, f"duplicate of {many} in 1 of its songs ({GOOD})"),
    ]


def test_tracks_two_aggregate_files_share_are_kept_from_the_first(tmp_path: Path) -> None:
    one, two = tmp_path / "1.h5", tmp_path / "2.h5"
    write_aggregate_file(one, [song(), song(GOOD)])
    write_aggregate_file(two, [song(GOOD), song("TRABCZZ128F4230A1C")])

    songs, _, set_aside = read_msd([two, one])

    assert songs["msd_file"].tolist() == [one.as_posix(), one.as_posix(), two.as_posix()]
    assert set_aside == [(two, f"duplicate of {one} in 1 of its songs ({GOOD})")]


def test_a_folder_stands_for_its_files_without_hidden_ones(tmp_path: Path) -> None:
    (path,) = write_in_place(tmp_path, song())
    for name in ("._TRABCDE128F4230A1B.h5", ".hidden.h5", "notes.txt"):
        (path.parent / name).write_text("not a song")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)

    songs, _, set_aside = read_msd(tmp_path)

    assert len(songs) == 1
    assert set_aside == []


def test_a_folder_without_files_is_named(tmp_path: Path) -> None:
    write_in_place(tmp_path / "msd", song())
    (tmp_path / "empty").mkdir()

    songs, _, set_aside = read_msd([tmp_path / "msd", tmp_path / "empty"])

    assert len(songs) == 1
    assert set_aside == [(tmp_path / "empty", "is a folder without .h5 files")]


@pytest.mark.parametrize("read", [read_msd, read_songs, iter_analysis])
@pytest.mark.parametrize("name", ["none", "none.h5", "file/A", "link", "TRABC"])
@pytest.mark.parametrize("kind", [str, Path])
def test_the_one_path_that_is_named_has_to_exist(
    tmp_path: Path, read: Callable[..., object], name: str, kind: type
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(MsdRootError, match=rf"{name}' does not exist\. Name"):
        read(kind(tmp_path / name))
    _, _, ((path, _),) = read_msd([tmp_path / name])
    assert path == tmp_path / name


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may list everything")
def test_a_folder_that_may_not_be_listed_is_set_aside_and_its_neighbour_read(tmp_path: Path) -> None:
    bad, _ = write_in_place(tmp_path, song(), song(GOOD))
    bad.parent.chmod(0)
    try:
        songs, _, set_aside = read_msd(tmp_path)
    finally:
        bad.parent.chmod(0o755)

    assert songs["track_id"].tolist() == [GOOD]
    assert set_aside == [(bad.parent, "cannot be listed: Permission denied")]
