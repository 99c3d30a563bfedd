"""Partitions of the MSD read ahead in other processes are the same as read here."""

from __future__ import annotations

import pytest

from music_assets.defs.assets.msd_partition import PartitionReader, read_partition
from music_assets.sources.msd import MsdRoot
from music_assets.staging.rows import decode
from music_assets_tests.support.msd_songs import song, write_in_place

KEYS = [f"A{letter}" for letter in "ABCDEFGHIJ"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> MsdRoot:
    """Ten partitions of a few songs, one of them with a broken file."""
    folder = tmp_path_factory.mktemp("msd")
    songs = [song(f"TR{key}{letter}DE128F4230A1B") for key in KEYS for letter in "XYZ"]
    paths = write_in_place(folder, *songs)
    paths[7].write_bytes(b"no HDF5")
    return MsdRoot.open(folder)


def test_partitions_read_in_other_processes_are_those_read_here(root: MsdRoot) -> None:
    with PartitionReader(root, processes=2, many_files=1) as reader:
        reader.expect(KEYS)
        read = [reader.read(key) for key in KEYS]
    assert read == [read_partition(root, key) for key in KEYS]
    assert [row["track_id"] for row in decode(read[0].msd_songs.content)] == [
        f"TRAA{letter}DE128F4230A1B" for letter in "XYZ"
    ]
    assert [partition.songs for partition in read] == [3, 3, 2, *[3] * 7]
    assert "is not an HDF5 file" in read[2].set_aside[0]


def test_few_files_and_partitions_not_expected_are_read_here(root: MsdRoot) -> None:
    with PartitionReader(root, processes=2) as few, PartitionReader(root, 1, many_files=1) as alone:
        few.expect(KEYS)
        alone.expect(KEYS)
        assert few.read("AB") == alone.read("AB") == read_partition(root, "AB")
    with PartitionReader(root, processes=2, many_files=1) as reader:
        reader.expect(KEYS[:2])
        assert reader.read("AJ") == read_partition(root, "AJ")
        assert reader.read("AA") == read_partition(root, "AA")
