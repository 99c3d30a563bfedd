"""MSD roots: where the letters are looked for, what a partition is, and which roots are refused."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import pytest

from music_assets.sandbox.msd.writer import write_song_file
from music_assets.sources.msd import MsdRoot, MsdRootError
from music_assets_tests.support.msd_songs import (
    TRACK,
    song,
    write_aggregate_file,
    write_in_place,
    write_summary_file,
)

OTHER = "TRABZZE128F4230A1B"
ELSEWHERE = "TRQXCDE128F4230A1B"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_in_place(tmp_path, song(TRACK), song(OTHER), song(ELSEWHERE))
    return tmp_path


@pytest.mark.parametrize("inside", ["", "data", "MillionSongSubset", "MillionSongSubset/data"])
def test_letters_are_found_in_the_folder_or_where_copies_have_them(tmp_path: Path, inside: str) -> None:
    write_in_place(tmp_path / inside, song())

    root = MsdRoot.open(tmp_path)

    assert root.path == tmp_path / inside
    assert root.partitions() == ["AB"]
    assert root.read("AB").songs["msd_file"].tolist() == [f"A/B/C/{TRACK}.h5"]


def test_partitions_are_the_two_letter_folders_with_files(folder: Path) -> None:
    (folder / "A" / "C" / "D").mkdir(parents=True)

    root = MsdRoot.open(str(folder))

    assert root.partitions() == ["AB", "QX"]
    assert root.files("AB") == [folder / f"A/B/C/{TRACK}.h5", folder / f"A/B/Z/{OTHER}.h5"]
    assert [root.count(key) for key in ("AB", "QX", "AC", "ZZ")] == [2, 1, 0, 0]


def test_a_partition_without_a_folder_is_empty(folder: Path) -> None:
    songs, artists, set_aside = MsdRoot.open(folder).read("ZZ")

    assert len(songs) == len(artists) == len(set_aside) == 0


def test_files_right_in_the_second_folder_are_taken(tmp_path: Path) -> None:
    (tmp_path / "A" / "B").mkdir(parents=True)
    write_song_file(tmp_path / "A" / "B" / f"{TRACK}.h5", song())

    assert len(MsdRoot.open(tmp_path).read("AB").songs) == 1


def test_other_folders_and_hidden_files_are_left_out(folder: Path) -> None:
    for stray in ("._x.h5", ".x.h5", "notes.txt", "A/B/notes", "A/B/CC/x.h5", "A/b/C/x.h5", "AA/x.h5"):
        (folder / stray).parent.mkdir(parents=True, exist_ok=True)
        (folder / stray).write_text("stray")
    (folder / "A/B/C/._TRABCDE128F4230A1B.h5").write_text("stray")

    root = MsdRoot.open(folder)

    assert root.partitions() == ["AB", "QX"]
    assert root.read("AB").set_aside == []


def test_linked_letters_are_followed_but_not_in_circles(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other_disk = tmp_path_factory.mktemp("disk")
    write_in_place(other_disk, song("TRBBCDE128F4230A1B"))
    (folder / "B").symlink_to(other_disk / "B", target_is_directory=True)
    (folder / "A" / "A").symlink_to(folder, target_is_directory=True)
    (folder / "A" / "B" / "B").symlink_to(folder / "A" / "B", target_is_directory=True)
    write_song_file(folder / "A" / "B" / "TRABBDE128F4230A1B.h5", song("TRABBDE128F4230A1B"))
    (folder / "Z").symlink_to(folder / "nowhere")

    root = MsdRoot.open(folder)

    assert root.partitions() == ["AB", "BB", "QX"]
    assert root.count("AB") == 3


def test_a_song_in_the_wrong_letters_is_set_aside(folder: Path) -> None:
    (folder / f"A/B/C/{TRACK}.h5").rename(folder / "Q" / "X" / "C" / f"{TRACK}.h5")

    read = MsdRoot.open(folder).read("QX")

    assert read.songs["track_id"].tolist() == [ELSEWHERE]
    assert [one.reason for one in read.set_aside] == [f"holds track {TRACK}, which does not belong in Q/X/C"]


def test_an_aggregate_file_in_a_letter_folder_gives_that_folders_songs(folder: Path) -> None:
    path = folder / "A" / "B" / "many.h5"
    write_aggregate_file(path, [song("TRABQQQ128F4230A1B"), song("TRCCQQQ128F4230A1B"), song(TRACK)])

    read = MsdRoot.open(folder).read("AB")

    assert read.songs["track_id"].tolist() == [TRACK, "TRABQQQ128F4230A1B", OTHER]
    assert [one.path for one in read.set_aside] == [path, path]
    assert (
        "1 of its songs belong to other partitions than AB (TRCCQQQ128F4230A1B)" in read.set_aside[0].reason
    )
    assert "give this file itself as the MSD root" in read.set_aside[0].reason
    assert read.set_aside[1].reason.startswith("duplicate of ")


def test_the_fingerprint_changes_with_the_files_of_the_partition_alone(folder: Path) -> None:
    root = MsdRoot.open(folder)
    before, other = root.fingerprint("AB"), root.fingerprint("QX")
    seen = {before}

    os.utime(folder / f"A/B/C/{TRACK}.h5", ns=(1, 1))
    seen.add(root.fingerprint("AB"))
    write_in_place(folder, song("TRABABA128F4230A1B"))
    seen.add(root.fingerprint("AB"))
    (folder / f"A/B/C/{TRACK}.h5").unlink()
    seen.add(root.fingerprint("AB"))

    assert len(seen) == 4
    assert root.fingerprint("QX") == other


def test_a_link_to_a_file_that_is_gone_is_set_aside(folder: Path) -> None:
    link = folder / "A" / "B" / "C" / "TRABCAA128F4230A1B.h5"
    link.symlink_to(folder / "gone.h5")
    root = MsdRoot.open(folder)

    read = root.read("AB")

    assert len(read.songs) == 2
    assert read.set_aside == [(link, "does not exist")]
    assert root.fingerprint("AB")


def test_the_fingerprint_does_not_depend_on_where_the_root_is(folder: Path, tmp_path: Path) -> None:
    before = MsdRoot.open(folder).fingerprint("AB")
    moved = folder / "data"
    moved.mkdir()
    (folder / "A").rename(moved / "A")

    assert MsdRoot.open(moved).fingerprint("AB") == before


def test_the_fingerprint_of_one_file_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.h5"
    write_summary_file(path, [song(TRACK), song(ELSEWHERE)])
    before = MsdRoot.open(path).fingerprint("AB")

    os.utime(path, ns=(1, 1))

    assert MsdRoot.open(path).fingerprint("AB") != before
    assert MsdRoot.open(path).partitions() == ["AB", "QX"]


def test_one_song_file_is_a_root_too(folder: Path) -> None:
    root = MsdRoot.open(folder / f"A/B/C/{TRACK}.h5")

    assert root.partitions() == ["AB"]
    assert root.read("AB").songs["track_id"].tolist() == [TRACK]


def test_a_root_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MsdRootError, match=r"gone does not exist. Name it with --msd or MUSIC_ASSETS_MSD"):
        MsdRoot.open(tmp_path / "gone")


@pytest.mark.parametrize("name", ["", "music", "a", "AB"])
def test_a_folder_without_letters_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(exist_ok=True)

    with pytest.raises(MsdRootError, match="has no letter directories"):
        MsdRoot.open(tmp_path)


def test_a_file_that_is_no_msd_file_is_refused(tmp_path: Path) -> None:
    text, hdf5 = tmp_path / "song.mp3", tmp_path / "other.h5"
    text.write_text("no HDF5")
    with h5py.File(hdf5, "w") as file:
        file["x"] = [1]

    with pytest.raises(MsdRootError, match="is not an HDF5 file"):
        MsdRoot.open(text)
    with pytest.raises(MsdRootError, match="is HDF5 without the MSD table metadata/songs"):
        MsdRoot.open(hdf5)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may list everything")
def test_a_folder_that_may_not_be_listed_is_refused(folder: Path) -> None:
    folder.chmod(0)
    try:
        with pytest.raises(MsdRootError, match="cannot be listed"):
            MsdRoot.open(folder)
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("key", ["ab", "A", "ABC", "A/B", "", "ÄB", "AB\n"])
def test_a_key_that_is_not_two_letters_is_refused(folder: Path, key: str) -> None:
    with pytest.raises(MsdRootError, match="is not an MSD partition"):
        MsdRoot.open(folder).read(key)


@pytest.mark.parametrize(
    ("inside", "tracks"),
    [
        ("A", [TRACK, OTHER]),
        ("A", [TRACK]),
        ("A", ["TRAAAAW128F429D538"]),  # whose letters fit wherever one looks from
        ("A/B", [TRACK, OTHER]),
        ("Q/X", [ELSEWHERE]),
    ],
)
def test_a_folder_within_the_letters_is_refused(tmp_path: Path, inside: str, tracks: list[str]) -> None:
    write_in_place(tmp_path, *map(song, tracks))
    linked = tmp_path / "link"
    linked.symlink_to(tmp_path / inside, target_is_directory=True)
    for place in (tmp_path / inside, linked):
        with pytest.raises(MsdRootError, match=r"Name the folder that holds A/…Z/ with --msd"):
            MsdRoot.open(place)


def test_letter_folders_without_songs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "A" / "B" / "C").mkdir(parents=True)
    with pytest.raises(MsdRootError, match="has no songs in folders of two letters"):
        MsdRoot.open(tmp_path)


@pytest.mark.parametrize("third", ["", "A"])
def test_a_song_whose_letters_are_all_one_is_no_reason_to_refuse(tmp_path: Path, third: str) -> None:
    folder = tmp_path / "A" / "A" / third
    folder.mkdir(parents=True)
    write_song_file(folder / "TRAAAAW128F429D538.h5", song("TRAAAAW128F429D538"))
    assert MsdRoot.open(tmp_path).partitions() == ["AA"]
