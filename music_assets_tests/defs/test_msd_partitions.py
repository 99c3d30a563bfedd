"""Partitions of the MSD read ahead in other processes: the same as read here, and a killed one is named."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from music_assets.defs.assets.msd_partition import PartitionReader, read_partition
from music_assets.sources.msd import MsdRoot, WorkerDied
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


def _children() -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = stat.read_text().partition(" ")
        except OSError:
            continue
        state, parent = rest.rpartition(") ")[2].split()[:2]
        if int(parent) == os.getpid() and state != "Z":
            found.append(int(pid))
    return found


def test_partitions_read_in_other_processes_are_those_read_here(root: MsdRoot) -> None:
    before = _children()
    with PartitionReader(root, processes=2, many_files=1) as reader:
        reader.expect(KEYS)
        assert len(_children()) == len(before) + 2
        read = [reader.read(key) for key in KEYS]
    assert _children() == before
    assert read == [read_partition(root, key) for key in KEYS]
    assert [row["track_id"] for row in decode(read[0].msd_songs.content)] == [
        f"TRAA{letter}DE128F4230A1B" for letter in "XYZ"
    ]
    assert [partition.songs for partition in read] == [3, 3, 2, *[3] * 7]
    assert "is not an HDF5 file" in read[2].set_aside[0]


def test_few_files_and_partitions_not_expected_are_read_here(root: MsdRoot) -> None:
    before = _children()
    with PartitionReader(root, processes=2) as few, PartitionReader(root, 1, many_files=1) as alone:
        few.expect(KEYS)
        alone.expect(KEYS)
        assert _children() == before
        assert few.read("AB") == alone.read("AB") == read_partition(root, "AB")
    with PartitionReader(root, processes=2, many_files=1) as reader:
        reader.expect(KEYS[:2])
        assert reader.read("AJ") == read_partition(root, "AJ")
        assert reader.read("AA") == read_partition(root, "AA")


def test_a_process_that_is_killed_is_an_error_that_names_the_partition(root: MsdRoot) -> None:
    before = _children()
    with PartitionReader(root, processes=2, many_files=1) as reader:
        reader.expect(KEYS)
        for pid in set(_children()) - set(before):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerDied, match="partition A[AB] was killed by SIGKILL"):
            for key in KEYS:
                reader.read(key)
    assert _children() == before
