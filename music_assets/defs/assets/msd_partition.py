"""Partitions of the MSD, read and encoded, on all cores where there is much to read.

A partition is small once it is encoded, so that this is done where it is read: hardly anything then
passes between processes. What is told of a partition is in `msd`. Dagster is not imported here: every
process would take a second longer to start.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from types import TracebackType
from typing import NamedTuple, Self

import pandas as pd

from music_assets.sources.msd import MANY_FILES, MsdRoot, Workers
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
        self._workers: Workers | None = None
        self._expected: list[str] = []  # not yet handed to the workers, the last one first
        self._submitted: set[str] = set()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def expect(self, keys: Sequence[str]) -> None:
        """These partitions will be asked for, in this order."""
        processes = min(self._processes, len(keys))
        if self._workers is None and processes > 1 and self._is_much(keys):
            self._workers = self._open.enter_context(Workers(processes))
        self._expected = list(reversed(keys))
        self._hand_out()

    def read(self, key: str) -> Partition:
        """One partition.

        Raises:
            MsdRootError: the root cannot be read.
            WorkerDied: the process that read it was killed.
        """
        if self._workers is None or key not in self._submitted:
            return read_partition(self._root, key)
        self._submitted.remove(key)
        partition: Partition = self._workers.result(_name(key))
        self._hand_out()
        return partition

    def _is_much(self, keys: Sequence[str]) -> bool:
        return sum(map(self._root.count, keys)) >= self._many_files

    def _hand_out(self) -> None:
        """Keep each process busy with one partition, and two of its size waiting."""
        while self._workers is not None and self._expected and len(self._submitted) < 3 * self._processes:
            key = self._expected.pop()
            self._submitted.add(key)
            self._workers.submit(_name(key), _read_apart, str(self._root.path), key)


def _name(key: str) -> str:
    return f"partition {key}"


def _read_apart(root: str, key: str) -> Partition:
    return read_partition(_opened(root), key)


@cache
def _opened(root: str) -> MsdRoot:
    return MsdRoot.open(root)


def _markdown(songs: pd.DataFrame) -> str:
    """The first tracks as a small table for the UI."""
    rows = songs[_PREVIEWED].head(5).astype(object)
    lines = ["| " + " | ".join(_PREVIEWED) + " |", "|" + " --- |" * len(_PREVIEWED)]
    for row in rows.itertuples(index=False):
        cells = ("" if pd.isna(cell) else str(cell).replace("|", "\\|") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
