"""Run all benchmarks, one after another, each in a process of its own.

    python -m benchmarks [--quick] [NAME …]

A benchmark is a module beside this one that can be run by itself; here is with which arguments it is
run, in full and quickly. Quick runs show that they still run; their figures mean nothing. One that needs
what is not here says so, and the others go on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import REAL_SONGS, SHARED, machine
from benchmarks.subset import written_subset

ROOT = Path(__file__).resolve().parents[1]
SONGS, FEW_SONGS = "SONGS", "FEW_SONGS"  # stand for folders of 10,000 and of 200 songs in the MSD's layout
PAIRS = SHARED / "matching_dev.csv"
SIZES = {SONGS: 10_000, FEW_SONGS: 200}


class Benchmark(NamedTuple):
    """A module, and what it is run with; `needs` is a file or folder it cannot do without."""

    name: str
    full: Sequence[str | Path] = ()
    quick: Sequence[str | Path] = ()
    needs: Path | None = None


BENCHMARKS = (
    Benchmark("reader", [], ["--files", "20", "--rounds", "1"]),
    Benchmark("arrays", [], ["--files", "20", "--rounds", "1"]),
    Benchmark("lowlevel", [], ["--files", "20", "--rounds", "1"]),
    Benchmark("cores", ["--root", SONGS], ["--root", FEW_SONGS, "--files", "200", "--rounds", "1"]),
    Benchmark("growth", ["--root", SONGS], ["--root", FEW_SONGS, "--songs", "100", "400"]),
    Benchmark("encoding", [], ["--rows", "200", "--rounds", "1"]),
    Benchmark("matching", ["--pairs", PAIRS], ["--pairs", PAIRS], needs=PAIRS),
    Benchmark("matching_sandbox", [], ["--songs", "100"], needs=SHARED / "msd_subset_10k.csv.gz"),
    Benchmark("load", [], ["--rows", "2000", "--rounds", "1", "--readers", "0"]),
    Benchmark("requests", ["--songs", "5000"], ["--songs", "200"]),
    Benchmark("musicbrainz", [], ["--rows", "2000", "--songs", "500"]),
    Benchmark("million", [], ["--songs", "3000", "--listed", "50"]),
    Benchmark("main_job", [SONGS], [FEW_SONGS]),
    Benchmark(
        "growth_job",
        ["--root", SONGS, "--songs", "1000", "10000", "100000"],
        ["--root", FEW_SONGS, "--songs", "100", "400"],
    ),
    Benchmark("updates", [], ["--rows", "20000"]),
    Benchmark("many_processes", ["--root", SONGS], ["--root", FEW_SONGS, "--songs", "100", "--rounds", "1"]),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run all benchmarks, or those named.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="show that they run; the figures mean nothing")
    options = parser.parse_args()
    known = [one.name for one in BENCHMARKS]
    if unknown := set(options.names) - set(known):
        parser.error(f"there is no benchmark {sorted(unknown)[0]!r}; there are {', '.join(known)}")

    print(machine())
    print(f"Real songs: {'those beside the repository' if REAL_SONGS.is_dir() else 'none here'}")
    failed = []
    with tempfile.TemporaryDirectory(prefix="music_assets_benchmarks_") as folder:
        for one in BENCHMARKS:
            if not options.names or one.name in options.names:
                arguments = one.quick if options.quick else one.full
                if not run(one, arguments, Path(folder)):
                    failed.append(one.name)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def run(one: Benchmark, arguments: Sequence[str | Path], folder: Path) -> bool:
    """Run a benchmark; whether it went well. One whose needs are not met is left out, which is well."""
    print(f"\n== {one.name}", flush=True)
    if one.needs is not None and not one.needs.exists():
        print(f"Left out: it needs {one.needs.name} beside the repository, which is not part of it.")
        return True
    began = time.perf_counter()
    words = [str(_songs(folder, word) if word in SIZES else word) for word in arguments]
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{one.name}", *words], cwd=ROOT)
    print(f"({time.perf_counter() - began:.0f} s)", flush=True)
    return done.returncode == 0


def _songs(folder: Path, size: str | Path) -> Path:
    """The folder of songs of this size, written when it is first needed."""
    place = folder / str(size)
    if not place.is_dir():
        place.mkdir()
        written_subset(place, SIZES[str(size)])
    return place / "msd"


if __name__ == "__main__":
    main()
