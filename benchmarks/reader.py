"""How fast MSD files are read, beside the least HDF5 needs and the usual ways.

    python benchmarks/reader.py [--root DIR] [--files N] [--rounds N]

All readers read the same files in turn, round after round in one process, from a warm cache; shown
is the median of the rounds. Times differ between machines and runs: quote ratios. Without `--root`
(or MUSIC_ASSETS_MSD) the sandbox's sample is read, whose files are smaller than real ones.

- the floor: h5py's low-level calls open a file, find the nine datasets that hold metadata and tags,
  and fetch all their stored chunks; nothing is inflated or decoded.
- read_msd: every field decoded, checked and put into frames.
- h5py: `dataset[...]` on the nine datasets, and nothing made of it.
- PyTables: every field read by itself, as the MSD's own getters do.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import h5py
import tables
from h5py import h5d, h5f

from music_assets.sandbox.msd import write_sample
from music_assets.sources.msd import MsdRoot, read_msd
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


def measure(paths: list[str], rounds: int) -> dict[str, float]:
    """Milliseconds a file of each reader: the median of the rounds, after one to warm up."""
    times: dict[str, list[float]] = {name: [] for name in READERS}
    for number in range(rounds + 1):
        for name, read in READERS.items():
            began = time.perf_counter()
            read(paths)
            if number:
                times[name].append((time.perf_counter() - began) / len(paths) * 1000)
    return {name: statistics.median(some) for name, some in times.items()}


def files_below(root: Path, limit: int | None) -> list[str]:
    msd = MsdRoot.open(root)
    paths = [str(path) for key in msd.partitions() for path in msd.files(key)]
    return paths[:limit]


def machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("h5py", "tables", "isal", "numpy", "pandas"))
    hdf5 = f"HDF5 {h5py.version.hdf5_version} (h5py), {tables.hdf5_version} (PyTables)"
    python = f"Python {platform.python_version()}"
    return f"{platform.platform()}, {os.cpu_count()} cores\n{python}, {packages}, {hdf5}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure MSD readers side by side.")
    parser.add_argument("--root", type=Path, default=os.environ.get("MUSIC_ASSETS_MSD"), help="an MSD root")
    parser.add_argument("--files", type=int, help="only the first so many files")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(options.root) if options.root else write_sample(Path(folder) / "msd")
        paths = files_below(root, options.files)
        found = measure(paths, options.rounds)
    print(machine())
    print(
        f"{len(paths)} files of {root if options.root else 'the sample'}, median of {options.rounds} rounds\n"
    )
    print(f"{'reader':<26}{'ms a file':>10}{'× floor':>10}{'× read_msd':>12}")
    for name, time_a_file in found.items():
        by_floor, by_ours = time_a_file / found["the floor"], time_a_file / found["read_msd"]
        print(f"{name:<26}{time_a_file:>10.3f}{by_floor:>10.2f}{by_ours:>12.2f}")


if __name__ == "__main__":
    main()
