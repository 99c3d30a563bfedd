"""The arrays of the audio analysis: the same by every way to them, and bad files set aside by name."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from music_assets.sandbox.msd.writer import write_song_file
from music_assets.sources.msd import (
    ANALYSIS_FIELDS,
    AnalysisError,
    MsdRootError,
    iter_analysis,
    read_analysis,
)
from music_assets.sources.msd.hdf5 import fast_reader, isolated
from music_assets.sources.msd.hdf5.prefetch import opened
from music_assets.sources.msd.layout import ANALYSIS_ARRAYS
from music_assets_tests.support.msd_songs import (
    TRACK,
    song,
    write_aggregate_file,
    write_in_place,
    write_summary_file,
)

TWO, THREE = "TRABCZZ128F4230A1B", "TRZZZAA128F4230A1B"


def analysis(seed: int, **counts: int) -> dict[str, Any]:
    """Analysis arrays with these many segments, beats, …; 3 of what is not named."""
    random = np.random.default_rng(seed)
    return {
        name: random.normal(size=(counts.get(name.split("_")[0], 3), *((item.width,) * bool(item.width))))
        for name, item in ANALYSIS_ARRAYS.items()
    }


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert list(found) == list(expected)
    for name, array in found.items():
        assert array.dtype == np.float64 and array.shape == expected[name].shape, name
        np.testing.assert_array_equal(array, expected[name], name)


def by_hdf5(path: Path, names: list[str]) -> dict[str, Any]:
    (found,) = isolated.arrays(str(path), names)
    return found.arrays


@given(segments=st.integers(0, 400), beats=st.integers(0, 3000), sections=st.integers(0, 3))
@example(segments=85, beats=1024, sections=0)  # full chunks
@example(segments=86, beats=1025, sections=1)
@example(segments=85 * 65, beats=0, sections=0)  # more chunks than a node of the tree has
@settings(max_examples=15)
def test_what_was_written_is_read_with_and_without_hdf5(
    tmp_path: Path, segments: int, beats: int, sections: int
) -> None:
    arrays = analysis(segments, segments=segments, beats=beats, sections=sections)
    write_song_file(tmp_path / "song.h5", song(**arrays))
    assert_same(read_analysis(tmp_path / "song.h5"), arrays)
    assert_same(by_hdf5(tmp_path / "song.h5", list(arrays)), arrays)


def test_real_files_are_read_as_h5py_reads_them_and_without_hdf5(shared: Path) -> None:
    songs = iter_analysis(shared / "msd")
    for track_id, path, arrays in songs:
        assert path.stem == track_id
        with h5py.File(path) as file:
            assert_same(arrays, {name: file[ANALYSIS_ARRAYS[name].path][...] for name in ANALYSIS_FIELDS})
        with opened(str(path)) as file:
            assert file is not None
            assert fast_reader.read_arrays(file.descriptor, file.status.st_size, ["segments_timbre"])
    assert songs.set_aside == []


def test_an_id_is_found_in_a_folder_or_an_aggregate_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = {
        TRACK: song(TRACK, **analysis(1, segments=5, beats=0)),
        TWO: song(TWO, **analysis(2, segments=0)),
        THREE: song(THREE, **analysis(3, segments=200)),
    }
    write_in_place(tmp_path / "msd", *songs.values())
    write_aggregate_file(tmp_path / "all.h5", list(songs.values()))
    for root in (tmp_path / "msd", tmp_path / "all.h5"):
        for track_id, written in songs.items():
            assert_same(read_analysis(track_id, msd=root), {name: written[name] for name in ANALYSIS_FIELDS})
        monkeypatch.setenv("MUSIC_ASSETS_MSD", str(root))
        assert list(read_analysis(TWO, "bars_start")) == ["bars_start"]
        with pytest.raises(AnalysisError, match=r"has no track TRAAAAA128F4230A1B\.$"):
            read_analysis("TRAAAAA128F4230A1B", "bars_start")
    found = list(iter_analysis(tmp_path / "all.h5", ["segments_pitches"]))
    assert [one.track_id for one in found] == list(songs)
    assert [len(one.arrays["segments_pitches"]) for one in found] == [5, 0, 200]


def test_songs_come_in_the_order_they_are_named_each_time_they_are(tmp_path: Path) -> None:
    one, two, _ = write_in_place(tmp_path, song(TRACK), song(TWO), song(THREE))
    named = [THREE, one, str(two), one, tmp_path / "A"]
    found = [each.track_id for each in iter_analysis(named, ["beats_start"], msd=tmp_path)]
    assert found == [THREE, TRACK, TWO, TRACK, TRACK, TWO]


def test_what_is_asked_wrongly_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSIC_ASSETS_MSD", raising=False)
    write_aggregate_file(tmp_path / "all.h5", [song(TRACK), song(TWO)])
    write_summary_file(tmp_path / "summary.h5", [song(TRACK), song(TWO)])
    with pytest.raises(AnalysisError, match=r"Pass msd=, or set MUSIC_ASSETS_MSD"):
        read_analysis(TRACK)
    with pytest.raises(AnalysisError, match=r"Did you mean segments_timbre\?"):
        read_analysis(tmp_path / "all.h5", ["segment_timbre"])
    with pytest.raises(AnalysisError, match=r"There are segments_start, "):
        read_analysis(tmp_path / "all.h5", "xyz")
    with pytest.raises(AnalysisError, match=r"has many songs\. Give a track id"):
        read_analysis(tmp_path / "all.h5")
    with pytest.raises(AnalysisError, match="summary files have none"):
        read_analysis(TRACK, msd=tmp_path / "summary.h5")
    with pytest.raises(MsdRootError, match="does not exist"):
        read_analysis(TRACK, msd=tmp_path / "nowhere")
    with pytest.raises(AnalysisError, match="folder without"):
        (tmp_path / "empty").mkdir()
        read_analysis(tmp_path / "empty")


def _edit(item: str, values: Any) -> Callable[[Path, Path], None]:
    def edit(path: Path, _: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file[f"analysis/{item}"]
            if values is not None:
                file[f"analysis/{item}"] = values

    return edit


def _index(name: str, value: int) -> Callable[[Path, Path], None]:
    def edit(path: Path, _: Path) -> None:
        with h5py.File(path, "r+") as file:
            table = file["analysis/songs"][...]
            table[f"idx_{name}"] = value
            file["analysis/songs"][...] = table

    return edit


def _bomb(path: Path, _: Path) -> None:
    chunk = zlib.compressobj(9)
    content = b"".join(chunk.compress(bytes(1 << 20)) for _ in range(300)) + chunk.flush()
    with h5py.File(path, "r+") as file:
        file["analysis/segments_timbre"].id.write_direct_chunk((0, 0), content)


def _never_written(path: Path, _: Path) -> None:
    with h5py.File(path, "r+") as file:
        for name in ("segments_timbre", "segments_pitches"):
            file[f"analysis/{name}"].resize(1 << 40, axis=0)


def _cut(path: Path, _: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


BAD: dict[str, tuple[Callable[[Path, Path], Any], str]] = {
    "no array": (_edit("segments_timbre", None), "has no array analysis/segments_timbre"),
    "a flat timbre": (_edit("segments_timbre", np.zeros(3)), r"has the shape \(3,\), not \(n, 12\)"),
    "13 pitches": (_edit("segments_pitches", np.zeros((3, 13))), r"the shape \(3, 13\), not \(n, 12\)"),
    "a wide array of starts": (_edit("segments_start", np.zeros((3, 1))), r"\(3, 1\), not \(n,\)"),
    "text": (_edit("segments_start", np.array([b"one"])), "holds .S3, not real values"),
    "too few": (_edit("segments_timbre", np.zeros((2, 12))), "disagree in length: segments_start 3, .* 2"),
    "a group": (lambda path, _: _grouped(path), "has no array analysis/segments_start"),
    "an index beyond": (_index("segments_timbre", 4), "idx_segments_timbre is out of range"),
    "a negative index": (_index("segments_start", -1), "idx_segments_start is out of range"),
    "another file": (
        lambda path, place: _edit("segments_start", h5py.ExternalLink(str(place), "x"))(path, place),
        "is a link to another file",
    ),
    "what inflates": (_bomb, "segments_timbre has .* compressed bytes"),
    "what nobody wrote": (_never_written, "more than any MSD file"),
    "half a file": (_cut, "is cut short"),
    "a page": (lambda path, _: path.write_text("<html>"), "is not an HDF5 file"),
    "a folder in its place": (lambda path, _: (path.unlink(), path.mkdir()), "is a folder without"),
    "nothing": (lambda path, _: path.unlink(), "does not exist"),
}


def _grouped(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["analysis/segments_start"]
        file.create_group("analysis/segments_start")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_set_aside_and_its_neighbours_read(tmp_path: Path, kind: str) -> None:
    spoil, reason = BAD[kind]
    arrays = analysis(7)
    bad, good = write_in_place(tmp_path / "msd", song(TRACK, **arrays), song(TWO, **arrays))
    spoil(bad, tmp_path / "elsewhere")
    songs = iter_analysis([bad, good], ["segments_start", "segments_timbre", "segments_pitches"])
    assert [one.track_id for one in songs] == [TWO]
    ((path, why),) = songs.set_aside
    assert path == bad and re.search(reason, why), why
    with pytest.raises(AnalysisError, match=reason):
        read_analysis(bad)


@pytest.mark.parametrize(
    "storage",
    [
        {"dtype": ">f8"},
        {"dtype": "f4"},
        {"dtype": "i2"},
        {"chunks": (7, 5), "compression": "gzip"},
        {"compression": "lzf", "shuffle": True},
        {
            "chunks": (85, 12),
            "compression": "gzip",
            "compression_opts": 1,
            "shuffle": True,
            "fletcher32": True,
        },
    ],
    ids=str,
)
def test_arrays_may_be_stored_in_other_ways(tmp_path: Path, storage: dict[str, Any]) -> None:
    timbre = np.arange(1200, dtype=float).reshape(100, 12)
    write_song_file(tmp_path / "song.h5", song(**analysis(1, segments=100)))
    with h5py.File(tmp_path / "song.h5", "r+") as file:
        del file["analysis/segments_timbre"]
        file.create_dataset("analysis/segments_timbre", data=timbre, **storage)
    assert_same(read_analysis(tmp_path / "song.h5", "segments_timbre"), {"segments_timbre": timbre})


@given(place=st.integers(0, 60_000), byte=st.integers(1, 255))
@settings(max_examples=25)
def test_a_damaged_byte_costs_its_file_at_most(tmp_path: Path, place: int, byte: int) -> None:
    whole = tmp_path / "whole.h5"
    if not whole.exists():
        write_song_file(whole, song(**analysis(1, segments=100)))
    content = bytearray(whole.read_bytes())
    content[place % len(content)] ^= byte
    (tmp_path / "song.h5").write_bytes(bytes(content))
    songs = iter_analysis([tmp_path / "song.h5", whole])
    assert TRACK in [one.track_id for one in songs][-1:]
    assert len(songs.set_aside) <= 1
