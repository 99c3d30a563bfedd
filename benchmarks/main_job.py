"""The main job over an MSD root, measured from outside: time by stage, memory from partition to partition.

    python -m benchmarks.subset /tmp/msd10k           # the 10,000 songs of the subset, in MSD's layout
    python -m benchmarks.main_job /tmp/msd10k [--data DIR] [--skip-sources NAMES]

Runs the job twice in processes of their own: all songs new, then nothing new. Memory is the resident
set of the running process (the sandbox Spotify is another), sampled as each partition is done.
"""

from __future__ import annotations

import argparse
import logging
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


class _Watch(logging.Handler):
    """Notes, as each stage is done with a partition, the time and the memory."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[float, float, dict[str, Any]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.notes.append((time.monotonic(), _resident_mb(), record.progress))  # type: ignore[attr-defined]


def _run(msd: str, data: str, skipped: str) -> None:
    from music_assets.cli.job import run_job
    from music_assets.progress import LOGGER
    from music_assets.settings import Settings

    watch = _Watch()
    LOGGER.addHandler(watch)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    started = time.monotonic()
    variables = {"MUSIC_ASSETS_SKIP_SOURCES": skipped} if skipped else {}
    summary = run_job(Settings.from_environment(variables, msd=msd, data=data))
    print(
        f"{summary.songs:,} songs in {summary.partitions} partitions, {summary.seconds:.1f} s: "
        f"{summary.matched:,} matched, {summary.requests_spent:,} requests spent, "
        f"{summary.requests_saved:,} saved, {len(summary.failed)} failed"
    )
    stages: dict[str, tuple[float, int, list[float]]] = {}
    before = started
    for at, memory, told in watch.notes:
        seconds, rows, seen = stages.get(told["stage"], (0.0, 0, []))
        stages[told["stage"]] = (seconds + at - before, rows + told["rows"], [*seen, memory])
        before = at
    print(f"{'stage':<18}{'s':>8}{'rows':>10}{'MB first':>10}{'median':>8}{'last':>8}{'most':>8}")
    for stage, (seconds, rows, seen) in stages.items():
        middle = statistics.median(seen)
        print(
            f"{stage:<18}{seconds:>8.1f}{rows:>10,}{seen[0]:>10.0f}{middle:>8.0f}{seen[-1]:>8.0f}{max(seen):>8.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("msd")
    parser.add_argument("--data", help="a folder to keep; a temporary one unless given")
    parser.add_argument("--skip-sources", default="", help="as in MUSIC_ASSETS_SKIP_SOURCES")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        _run(options.msd, options.data, options.skip_sources)
        return
    options.msd = str(Path(options.msd).absolute())
    data = str(Path(options.data).absolute()) if options.data else tempfile.mkdtemp(prefix="main_job_")
    print(f"Python {platform.python_version()} on {platform.machine()}")
    try:
        for title in ("all new", "nothing new"):
            print(f"\n{title}", flush=True)
            again = [sys.executable, "-m", "benchmarks.main_job", options.msd, "--data", data, "--once"]
            again += ["--skip-sources", options.skip_sources]
            subprocess.run(again, check=True, cwd=Path(__file__).resolve().parents[1])
    finally:
        if not options.data:
            shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
