"""Whether time and memory a song stay flat, from a thousand songs to a hundred thousand.

    python -m benchmarks.growth [--root DIR] [--songs N …]

Partitions are read and encoded as the asset does it, by one process a core. A root of fewer songs than
asked for is read again and again, by the same processes: so many songs read, from so many files. Memory
is the most that this process ever held, and the most of any of its workers.

Without `--root` the songs are those of `subset`, written to a temporary folder.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

from benchmarks.common import children, resident_mb
from benchmarks.subset import written_subset
from music_assets.defs.assets.msd_partition import read_partition
from music_assets.sources.msd import MsdRoot, cores, read_partitions


def read(root: str, songs: int) -> None:
    """Read partitions until so many songs are read, and print a line of the table."""
    msd = MsdRoot.open(root)
    keys = msd.partitions()
    began, done = time.perf_counter(), 0
    workers = 0.0
    while done < songs:
        wanted: list[str] = []
        for key in keys:
            if done + sum(map(msd.count, wanted)) >= songs:
                break
            wanted.append(key)
        for _, partition in read_partitions(msd, wanted, cores(), read_partition, many_files=0):
            done += partition.songs
            workers = max([workers, *(resident_mb(pid, peak=True) for pid in children())])
    seconds = time.perf_counter() - began
    print(f"{done:>10,}{seconds:>10.1f}{seconds / done * 1000:>12.3f}", end="")
    print(f"{resident_mb(peak=True):>12.0f}{workers:>12.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether time and memory a song stay flat.")
    parser.add_argument("--root", type=Path, help="an MSD root")
    parser.add_argument("--songs", type=int, nargs="*", default=[1000, 10_000, 100_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = options.root or written_subset(Path(folder), min(10_000, max(options.songs)))
        print(f"{'songs':>10}{'s':>10}{'ms a song':>12}{'MB here':>12}{'a worker':>12}")
        for songs in options.songs:  # a process of its own each: the most it held is then its own
            process = multiprocessing.get_context("spawn").Process(target=read, args=(str(root), songs))
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
