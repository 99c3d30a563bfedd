"""How fast MSD files are read, beside the least HDF5 needs and the usual ways.

    python -m benchmarks.reader [--root DIR] [--files N] [--rounds N]

All readers read the same files in turn, round after round in one process, from a warm cache; shown
is the median of the rounds, and of the rounds' ratios. Times differ between machines and runs: quote
ratios. A second table reads from the disk, and says how much of the files is fetched.

- the floor: h5py's low-level calls open a file, find the nine datasets that hold metadata and tags,
  and fetch all their stored chunks; nothing is inflated or decoded.
- read_msd: every field decoded, checked and put into frames.
- h5py: `dataset[...]` on the nine datasets, and nothing made of it.
- PyTables: every field read by itself, as the MSD's own getters do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import tables
from h5py import h5d, h5f

from benchmarks.common import bytes_from_disk, files_below, forget, in_turns, msd_root, ratio
from music_assets.sources.msd import read_msd
from music_assets.sources.msd.fields import SONG_FIELDS
from music_assets.sources.msd.layout import TABLES, TAG_ARRAYS

NINE = [item.path for item in (*TABLES.values(), *TAG_ARRAYS.values())]


def floor(paths: list[str]) -> None:
    for path in paths:
        file = h5f.open(path.encode(), h5f.ACC_RDONLY)
        for name in NINE:
            dataset = h5d.open(file, name.encode())
            for number in range(dataset.get_num_chunks()):
                dataset.read_direct_chunk(dataset.get_chunk_info(number).chunk_offset)
        file.close()


def with_read_msd(paths: list[str]) -> None:
    read = read_msd(paths)
    if len(read.songs) != len(paths):
        raise SystemExit(f"{len(paths) - len(read.songs)} files were set aside: {read.set_aside[:3]}")


def with_h5py(paths: list[str]) -> None:
    for path in paths:
        with h5py.File(path, "r") as file:
            for name in NINE:
                file[name][...]


def with_pytables(paths: list[str]) -> None:
    for path in paths:
        with tables.open_file(path) as file:
            for field in SONG_FIELDS:
                file.get_node("/" + TABLES[field.table].path).col(field.name)[0]
            for item in TAG_ARRAYS.values():
                file.get_node("/" + item.path)[:]


READERS: dict[str, Callable[[list[str]], None]] = {
    "the floor": floor,
    "read_msd": with_read_msd,
    "h5py, nine datasets": with_h5py,
    "PyTables, field by field": with_pytables,
}
FROM_DISK = ("read_msd", "h5py, nine datasets")


def from_memory(paths: list[str], rounds: int) -> None:
    """The table of all readers, files in the system's cache."""
    readers = {name: partial(read, paths) for name, read in READERS.items()}
    found = in_turns(readers, rounds)
    print(f"{'reader':<26}{'ms a file':>10}{'× floor':>10}{'× read_msd':>12}")
    for name, seconds in found.items():
        a_file = statistics.median(seconds) / len(paths) * 1000
        by_floor, by_ours = ratio(seconds, found["the floor"]), ratio(seconds, found["read_msd"])
        print(f"{name:<26}{a_file:>10.3f}{by_floor:>10.2f}{by_ours:>12.2f}")


def from_disk(paths: list[str], rounds: int) -> None:
    """What is fetched where no file is in the cache, beside what the files hold."""
    size = sum(os.path.getsize(path) for path in paths) / len(paths)
    print(f"\n{'from the disk':<26}{'ms a file':>10}{'KB read':>10}{'of KB':>8}")
    for name in FROM_DISK:
        times, fetched = [], []
        for _ in range(rounds):
            forget(paths)
            began, before = time.perf_counter(), bytes_from_disk()
            READERS[name](paths)
            times.append((time.perf_counter() - began) / len(paths) * 1000)
            fetched.append((bytes_from_disk() - before) / len(paths))
        a_file, kb = statistics.median(times), statistics.median(fetched) / 1000
        print(f"{name:<26}{a_file:>10.3f}{kb:>10.0f}{size / 1000:>8.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure MSD readers side by side.")
    parser.add_argument("--root", type=Path, help="an MSD root")
    parser.add_argument("--files", type=int, help="only the first so many files")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with msd_root(options.root) as root:
        paths = files_below(root, options.files)
        print(f"{len(paths)} files, median of {options.rounds} rounds\n")
        from_memory(paths, options.rounds)
        if sys.platform == "linux":
            from_disk(paths, options.rounds)


if __name__ == "__main__":
    main()
