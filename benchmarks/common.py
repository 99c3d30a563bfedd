"""What the benchmarks share: where the real files are, timing in turns, and which machine it was.

What is measured stands in the modules beside this one; `python -m benchmarks` runs them all.
"""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import h5py

from music_assets.sandbox.msd.writer import write_sample
from music_assets.sources.msd import MsdRoot, read_msd

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"  # real files; no part of the repository
REAL_SONGS = SHARED / "msd"
PACKAGES = ("h5py", "tables", "isal", "numpy", "pandas", "orjson", "duckdb", "dagster")


def in_turns(things: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each thing in each round, after one round to warm up.

    All are measured in turn, so that what else the machine does meets all alike.
    """
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for number in range(rounds + 1):
        for name, do in things.items():
            began = time.perf_counter()
            do()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(one: list[float], other: list[float]) -> float:
    """How many times the other's time one takes: the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def machine() -> str:
    """The machine and the versions the figures belong to."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{platform.platform()}, {_processor()}, {cores} cores, load {os.getloadavg()[0]:.1f}\n"
        f"Python {platform.python_version()}, HDF5 {h5py.version.hdf5_version}, {packages}"
    )


@contextmanager
def msd_root(given: Path | None) -> Iterator[Path]:
    """The MSD root that was given, else the real songs beside the repository, else the sandbox's sample."""
    if given or REAL_SONGS.is_dir():
        yield given or REAL_SONGS
        return
    print(
        "There are no real songs beside the repository: the sandbox's sample is read, whose files are small."
    )
    with tempfile.TemporaryDirectory() as folder:
        yield write_sample(Path(folder) / "msd")


def files_below(root: Path, limit: int | None = None) -> list[str]:
    """The song files of a root, sorted."""
    msd = MsdRoot.open(root)
    return [str(path) for key in msd.partitions() for path in msd.files(key)][:limit]


def forget(paths: list[str]) -> None:
    """Have the system forget these files' contents, so that they are read from the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def bytes_from_disk() -> int:
    """What this process has had fetched from disks so far (Linux)."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["read_bytes"])


def resident_mb(pid: int | str = "self", *, peak: bool = False) -> float:
    """The memory a process holds, or the most it ever held (Linux)."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(wanted)) / 1000


def children() -> list[str]:
    """The processes this one has started and that still are there (Linux)."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split()]


def read_only(paths: list[str]) -> None:
    """Read files and return nothing, for other processes."""
    read_msd(paths)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
