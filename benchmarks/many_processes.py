"""Whether throughput adds up: the same partitions matched and loaded by one process and by two at once.

    python -m benchmarks.many_processes [--root DIR | --data DIR] [--songs N] [--processes N …] [--rounds N]

The songs are extracted and asked about before, by the main job over `--root` (the songs of `subset` unless
given; `--data` names the data folder of a run that was made already). Staged files of so many of them are put
on S3, and the job `match_and_load` goes over them, in as many ranges as there are processes. Each process is
one run, as an ECS task is, with everything loaded when the clock starts. All write to one warehouse.

S3 and Redshift are the stand-ins of the tests, all in one process on this same machine, and PostgreSQL: they
take their part of its cores, so that what more processes bring here is the least they can bring. Seconds say
nothing of a cluster; whether the processes' own CPU time stays the same, however many they are, does: it is
the work that tasks share. The tables must come out the same, row by row.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import ratio
from benchmarks.growth_job import main_job_over
from benchmarks.subset import written_subset
from music_assets.defs.partitions import KEYS
from music_assets.settings import Settings
from music_assets.staging.store import StagedFile, StagingStore
from music_assets_tests.support.standin import Standin, running_standin

ROOT = Path(__file__).resolve().parents[1]
BEFORE = ("msd_songs", "msd_artists", "spotify_search", "spotify_artists", "audio_features")


class Took(NamedTuple):
    """Seconds by the clock, of a core in all processes together, and in that of the stand-ins."""

    clock: float
    processes: float
    standin: float


def known_songs(data: Path, songs: int) -> list[StagedFile]:
    """The first partitions of a run that have so many songs."""
    found: list[StagedFile] = []
    for receipt in StagingStore(str(data / "staging")).staged_files("msd_songs", KEYS):
        if receipt and sum(one.rows for one in found) < songs:
            found.append(receipt)
    return found


def put(data: Path, known: list[StagedFile], staging: str, endpoint: str) -> None:
    """Put what comes before matching on S3."""
    here, there = StagingStore(str(data / "staging")), StagingStore(staging, endpoint=endpoint)
    for kind in BEFORE:
        for receipt in here.staged_files(kind, [one.partition_key for one in known]):
            assert receipt
            there.write(receipt, here.read(receipt))


def ranges(known: list[StagedFile], count: int) -> list[list[str]]:
    """The partitions in so many ranges of about as many songs."""
    wanted = sum(receipt.rows for receipt in known) / count
    found: list[list[str]] = [[]]
    songs = 0.0
    for receipt in known:
        if songs + receipt.rows / 2 > wanted and len(found) < count:
            found.append([])
            songs = 0
        found[-1].append(receipt.partition_key)
        songs += receipt.rows
    return found


def work(settings: dict[str, str], keys: list[str]) -> None:
    """A run of `match_and_load` over these partitions, in this process; a line on its input starts it."""
    from music_assets.definitions import build_defs
    from music_assets.defs.instance import dagster_instance

    ends = {"start": keys[0], "end": keys[-1]}
    tags = {f"dagster/asset_partition_range_{end}": key for end, key in ends.items()}
    ours = Settings.from_environment({}, **settings)
    job = build_defs(settings=ours).resolve_job_def("match_and_load")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dagster_instance(ours.dagster_home) as instance:
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.process_time()
        done = job.execute_in_process(instance=instance, tags=tags, run_config=quiet)
    assert done.success
    print(time.process_time() - began, flush=True)


@contextmanager
def worker(settings: dict[str, str], keys: list[str], environment: dict[str, str]) -> Iterator[Any]:
    """A process that is ready to work."""
    command = [sys.executable, "-m", "benchmarks.many_processes", "--work", json.dumps([settings, keys])]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    try:
        assert process.stdout and process.stdout.readline() == "ready\n", "a process did not come up"
        yield process
    finally:
        process.kill()
        process.wait()


def one_round(
    data: Path, known: list[StagedFile], folder: Path, standin: Standin, processes: int
) -> tuple[Took, Settings]:
    """What it took until all was loaded, and where it is."""
    name = f"{folder.name}-{processes}-{time.monotonic_ns()}"
    shared = {
        "staging": f"s3://{standin.bucket}/{name}",
        "warehouse": standin.new_database(),
        "s3_endpoint": standin.s3_endpoint,
        "spotify": "sandbox",
    }
    put(data, known, shared["staging"], standin.s3_endpoint)
    environment = {**os.environ, **standin.environment}
    with ExitStack() as stack:
        workers = []
        for number, keys in enumerate(ranges(known, processes)):
            own = {**shared, "data": str(folder / name / str(number))}
            workers.append(stack.enter_context(worker(own, keys, environment)))
        began, served = time.perf_counter(), time.process_time()
        for process in workers:
            process.stdin.write("go\n")
            process.stdin.flush()
        cores = sum(float(process.stdout.readline() or "nan") for process in workers)
        took = Took(time.perf_counter() - began, cores, time.process_time() - served)
        if any(process.wait() for process in workers):
            raise SystemExit("a process failed")
    return took, Settings.from_environment({}, data=str(folder / name), **shared)


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether throughput adds up over processes.")
    parser.add_argument("--root", type=Path, help="an MSD root to run the main job over")
    parser.add_argument("--data", type=Path, help="the data folder of a run over it that was made before")
    parser.add_argument("--songs", type=int, default=3000)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*json.loads(options.work))
        return
    from music_assets_tests.support.same_rows import assert_same_rows

    with tempfile.TemporaryDirectory() as name, running_standin() as standin:
        folder = Path(name)
        os.environ |= standin.environment
        data = options.data or main_job_over(options.root or written_subset(folder, 10_000), folder / "data")
        known = known_songs(data, options.songs)
        rounds: dict[int, list[Took]] = {count: [] for count in options.processes}
        first: Settings | None = None
        for _ in range(options.rounds):
            for count in options.processes:
                took, settings = one_round(data, known, folder, standin, count)
                rounds[count].append(took)
                first = first or settings
                assert_same_rows(first, settings)
        songs = sum(receipt.rows for receipt in known)
        print(f"{'processes':>10}{'s':>8}{'songs/s':>10}{'×':>7}{'their cpu':>12}{'stand-in':>10}")
        one = rounds[options.processes[0]]
        for count, mine in rounds.items():
            clock, processes, standins = (statistics.median(each) for each in zip(*mine, strict=True))
            faster = ratio([took.clock for took in one], [took.clock for took in mine])
            print(f"{count:>10}{clock:>8.1f}{songs / clock:>10,.0f}{faster:>7.2f}", end="")
            print(f"{processes:>12.1f}{standins:>10.1f}")
        print(f"{songs:,} songs; every table the same, row by row")


if __name__ == "__main__":
    main()
