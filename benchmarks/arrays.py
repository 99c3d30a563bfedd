"""How fast the arrays of the audio analysis are read, beside plain h5py and the MSD's own way.

    python -m benchmarks.arrays [--root DIR] [--files N] [--rounds N]

All read the same files in turn, round after round in one process, from a warm cache; shown is the median of
the rounds, and of the rounds' ratios. Once timbre alone is read, once all fifteen arrays.

- iter_analysis: one song after the other, with every check.
- h5py: `dataset[...]` of each array, and nothing checked.
- PyTables: as the MSD's own getters do.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import h5py
import tables

from benchmarks.common import files_below, in_turns, msd_root, ratio
from music_assets.sources.msd import ANALYSIS_FIELDS, iter_analysis


def with_iter_analysis(paths: list[str], fields: Sequence[str]) -> None:
    songs = iter_analysis(paths, fields)
    if sum(1 for _ in songs) != len(paths):
        raise SystemExit(f"files were set aside: {songs.set_aside[:3]}")


def with_h5py(paths: list[str], fields: Sequence[str]) -> None:
    for path in paths:
        with h5py.File(path, "r") as file:
            for field in fields:
                file[f"analysis/{field}"][...]


def with_pytables(paths: list[str], fields: Sequence[str]) -> None:
    for path in paths:
        with tables.open_file(path) as file:
            for field in fields:
                file.get_node("/analysis", field)[:]


READERS: dict[str, Callable[[list[str], Sequence[str]], None]] = {
    "iter_analysis": with_iter_analysis,
    "h5py": with_h5py,
    "PyTables": with_pytables,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure readers of analysis arrays side by side.")
    parser.add_argument("--root", type=Path, help="an MSD root")
    parser.add_argument("--files", type=int, help="only the first so many files")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with msd_root(options.root) as root:
        paths = files_below(root, options.files)
        print(f"{len(paths)} files, median of {options.rounds} rounds\n")
        print(f"{'arrays':<18}{'reader':<18}{'ms a file':>10}{'× iter_analysis':>17}")
        for fields in (["segments_timbre"], ANALYSIS_FIELDS):
            found = in_turns(
                {name: partial(read, paths, fields) for name, read in READERS.items()}, options.rounds
            )
            what = fields[0] if len(fields) == 1 else f"all {len(fields)}"
            for name, seconds in found.items():
                a_file = statistics.median(seconds) / len(paths) * 1000
                print(f"{what:<18}{name:<18}{a_file:>10.3f}{ratio(seconds, found['iter_analysis']):>17.2f}")


if __name__ == "__main__":
    main()
