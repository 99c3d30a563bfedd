"""What more cores bring, from which number of files on, and how much memory each takes.

    python -m benchmarks.cores [--root DIR] [--files N …] [--rounds N]

Partitions are read as the asset reads them, which come back encoded, by one process (this one) and by one
per core. What the machine gives at most is measured beside them, against `read_msd`: as many readers as
cores, each on its part of the files, that have started before the clock does and return nothing. Processes
are started again each time, as in a run.

Without `--root` the songs are those of `subset`, written to a temporary folder.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from loky.process_executor import ProcessPoolExecutor

from benchmarks.common import children, in_turns, ratio, read_only, resident_mb
from benchmarks.subset import written_subset
from music_assets.defs.assets.msd_partition import read_partition
from music_assets.sources.msd import MsdRoot, cores, read_msd, read_partitions


def at_once(workers: ProcessPoolExecutor, paths: list[str], count: int) -> None:
    list(workers.map(read_only, [paths[number::count] for number in range(count)]))


def partitions(root: MsdRoot, keys: list[str], processes: int) -> None:
    for _ in read_partitions(root, keys, processes, read_partition, many_files=0):
        pass


@contextmanager
def workers_memory() -> Iterator[list[float]]:
    """The most that the children of this process, and it itself, held together, in MB."""
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], resident_mb() + sum(map(_held, children())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def _held(pid: str) -> float:
    try:
        return resident_mb(pid)
    except (OSError, StopIteration):  # it has just ended
        return 0.0


def first_keys(root: MsdRoot, files: int) -> list[str]:
    """The first partitions that have so many files, and no more than are needed."""
    keys: list[str] = []
    held = 0
    for key in root.partitions():
        if held >= files:
            break
        keys.append(key)
        held += root.count(key)
    return keys


def measure(root: MsdRoot, files: int, rounds: int) -> None:
    keys = first_keys(root, files)
    paths = [str(path) for key in keys for path in root.files(key)]
    count = cores()
    with ProcessPoolExecutor(count, env={"OPENBLAS_NUM_THREADS": "1"}) as workers:
        at_once(workers, paths, count)
        things: dict[str, Callable[[], object]] = {
            "read_msd": partial(read_msd, paths),
            "partitions, 1": partial(partitions, root, keys, 1),
            "partitions": partial(partitions, root, keys, count),
            "at once": partial(at_once, workers, paths, count),
        }
        found = in_turns(things, rounds)
    one = statistics.median(found["read_msd"]) / len(paths) * 1000
    gains = (
        ratio(found["partitions, 1"], found["partitions"]),
        ratio(found["read_msd"], found["at once"]),
    )
    with workers_memory() as most:
        partitions(root, keys, count)
        time.sleep(0.05)
    print(
        f"{len(paths):>8,}{len(keys):>12}{one:>12.3f}" + "".join(f"{gain:>12.2f}" for gain in gains), end=""
    )
    print(f"{most[0]:>10.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What more cores bring.")
    parser.add_argument("--root", type=Path, help="an MSD root")
    parser.add_argument("--files", type=int, nargs="*", default=[1000, 2500, 5000, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = MsdRoot.open(options.root or written_subset(Path(folder), max(options.files)))
        print(f"1 process, and {cores()}; median of {options.rounds} rounds\n")
        print(f"{'':>32}{'times as fast with all':>24}{'MB of':>10}")
        print(f"{'files':>8}{'partitions':>12}{'ms, frames':>12}{'partitions':>12}{'at most':>12}{'all':>10}")
        for files in options.files:
            measure(root, files, options.rounds)


if __name__ == "__main__":
    main()
