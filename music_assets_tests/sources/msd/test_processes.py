"""Reading in several processes gives what reading in one gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from music_assets.sandbox.msd.writer import write_song_file
from music_assets.sources.msd import MsdRead, read_msd
from music_assets_tests.support.msd_songs import song, terms, write_in_place

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _same(one: MsdRead, other: MsdRead) -> None:
    assert_frame_equal(one.songs, other.songs)
    assert_frame_equal(one.artists, other.artists)
    assert one.set_aside == other.set_aside


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough files for several tasks; artists, and copies of a track, lie in files of different ones."""
    root = tmp_path_factory.mktemp("msd")
    write_in_place(
        root,
        *(
            song(
                f"TRA{LETTERS[n // 26]}{LETTERS[n % 26]}DE128F4230A1B",
                artist_id=f"AR{n % 7:016}",
                artist_name=f"Band {n % 5}",
                artist_latitude=float("nan") if n % 3 else 1.5,
                terms=terms(*(f"term {t}" for t in range(n % 40))),
                mbtags=[{"tag": "rock", "count": n}],
            )
            for n in range(26 * 18)
        ),
    )
    first, *_, last = sorted(root.rglob("*.h5"))
    os.link(first, root / "Z.h5")
    os.link(last, root / "A.h5")
    (root / "M.h5").write_bytes(b"no HDF5")
    return root


def test_frames_and_files_set_aside_are_the_same(root: Path) -> None:
    alone = read_msd(root, root=root, processes=1)

    assert len(alone.songs) == 26 * 18
    assert [one.path.name for one in alone.set_aside if "duplicate" in one.reason] != []
    _same(read_msd(root, root=root, processes=2), alone)


def test_one_file_or_none_is_no_trouble_for_many_processes(tmp_path: Path) -> None:
    path = tmp_path / "song.h5"
    write_song_file(path, song())

    _same(read_msd([path], processes=4), read_msd([path]))
    _same(read_msd([], processes=4), read_msd([]))
