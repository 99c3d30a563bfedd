"""Partitions of the MSD, read and encoded, on all cores where there is much to read.

A partition is small once it is encoded, so that this is done where it is read: hardly anything then
passes between processes. What is told of a partition is in `msd`. Dagster is not imported here: every
process would take a second longer to start.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import pandas as pd

from music_assets.sources.msd import MANY_FILES, MsdRoot, read_partitions
from music_assets.staging.rows import Encoded, encode_for

_PREVIEWED = ["track_id", "artist_name", "title", "release", "year"]


class Partition(NamedTuple):
    """One partition's files as they will be staged, and what is to be told of them."""

    msd_songs: Encoded
    msd_artists: Encoded
    songs: int
    artists: int
    set_aside: list[str]
    preview: str  # the first tracks, as a table in Markdown


def read_partition(root: MsdRoot, key: str) -> Partition:
    """Read and encode one partition."""
    read = root.read(key)
    return Partition(
        encode_for("msd_songs", read.songs, key),
        encode_for("msd_artists", read.artists, key),
        len(read.songs),
        len(read.artists),
        [f"{one.path}: {one.reason}" for one in read.set_aside],
        _markdown(read.songs),
    )


class PartitionReader:
    """Reads partitions one by one, in other processes some ahead; a context manager.

    Memory holds a few partitions a process, however many are read. Fewer files than `many_files` are
    read here.
    """

    def __init__(self, root: MsdRoot, processes: int, many_files: int = MANY_FILES) -> None:
        self._root = root
        self._processes = processes
        self._many_files = many_files
        self._expected: set[str] = set()
        self._ahead: Generator[tuple[str, Partition], None, None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ahead is not None:
            self._ahead.close()

    def expect(self, keys: Sequence[str]) -> None:
        """These partitions will be asked for, in this order."""
        self._expected = set(keys)
        self._ahead = read_partitions(
            self._root, keys, self._processes, read_partition, many_files=self._many_files
        )

    def read(self, key: str) -> Partition:
        """One partition.

        Raises:
            MsdRootError: the root cannot be read.
            WorkerDied: the process that read it was killed.
        """
        if self._ahead is not None and key in self._expected:
            for found, partition in self._ahead:
                self._expected.remove(found)
                if found == key:
                    return partition
        return read_partition(self._root, key)


def _markdown(songs: pd.DataFrame) -> str:
    """The first tracks as a small table for the UI."""
    rows = songs[_PREVIEWED].head(5).astype(object)
    lines = ["| " + " | ".join(_PREVIEWED) + " |", "|" + " --- |" * len(_PREVIEWED)]
    for row in rows.itertuples(index=False):
        cells = ("" if pd.isna(cell) else str(cell).replace("|", "\\|") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
