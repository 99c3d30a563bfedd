"""Our load beside the engine's own bare load of the same files, and readers while all is loaded again.

    python -m benchmarks.load [--rows N …] [--rounds N] [--readers N] [--engines duckdb redshift]

Staged songs are the real ones (or the sample's), repeated under other ids, 1,480 to a file as in the whole
MSD.
Both loads go into an empty table, in turns:

- bare: one statement over all files, read_json on DuckDB, COPY with a manifest on the stand-in; and commit.
- ours: `Warehouse.load`, which also looks at tables and `meta.loads`, deletes slices, holds what arrived
  against the manifests, looks for sandbox rows, and notes each slice, in one transaction.

Redshift is the stand-in of the tests, PostgreSQL behind a proxy: its seconds say nothing of a cluster, and
their ratio says what our statements add to a COPY. What the readers show is PostgreSQL's isolation under
our statements.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd
from sqlalchemy import make_url, text

from benchmarks.common import files_below, machine, msd_root, ratio
from music_assets.defs.partitions import KEYS
from music_assets.sources.msd import read_msd
from music_assets.staging.rows import encode
from music_assets.staging.s3 import S3Files
from music_assets.staging.store import checksum
from music_assets.tables import STAGED
from music_assets.warehouse.connect import open_warehouse
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.manifest import CopyFrom, Manifest, copy_manifest
from music_assets.warehouse.redshift import RedshiftWarehouse
from music_assets_tests.support.standin import Standin, running_standin

KIND = "msd_songs"
TABLE = STAGED[KIND]
A_FILE = 1_480  # songs in a partition of the whole MSD
A_RUN = 26  # partitions
READING_PROCESSES = 4
A_THOUGHT = 1.0  # seconds between two questions of a reader, on average


class Loads(NamedTuple):
    """An engine's two ways, and how its table is emptied before each."""

    empty: Callable[[], object]
    bare: Callable[[], object]
    ours: Callable[[], object]


def songs(real: pd.DataFrame, rows: int, a_file: int) -> Iterator[tuple[str, bytes, int]]:
    """Staged files of so many songs: slice, content, rows."""
    for number, start in enumerate(range(0, rows, a_file)):
        size = min(a_file, rows - start)
        frame = pd.concat([real] * (size // len(real) + 1), ignore_index=True).iloc[:size]
        frame["track_id"] = [f"TR{start + place:016d}" for place in range(size)]
        encoded = encode(frame, KEYS[number])
        yield KEYS[number], encoded.content, encoded.rows


def staged(files: Iterator[tuple[str, bytes, int]], put: Callable[[str, bytes], str]) -> list[Manifest]:
    return [
        Manifest(KIND, key, put(f"{KIND}/{key}.json.gz", content), count, len(content), checksum(content))
        for key, content, count in files
    ]


@contextmanager
def on_duckdb(files: Iterator[tuple[str, bytes, int]]) -> Iterator[Loads]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def put(name: str, content: bytes) -> str:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            return str(path)

        manifests = staged(files, put)
        warehouse = DuckDBWarehouse(folder / "w.duckdb", folder / "p.duckdb")

        def empty() -> None:
            warehouse.path.unlink(missing_ok=True)
            with warehouse.transaction("benchmark"):
                pass

        def bare() -> None:
            with duckdb.connect(str(warehouse.path)) as database:
                described = database.execute(f"DESCRIBE {TABLE.fullname}").fetchall()
                columns = ", ".join(f"'{one[0]}': '{one[1]}'" for one in described)
                urls = [one.url for one in manifests]
                database.execute(
                    f"INSERT INTO {TABLE.fullname} BY NAME SELECT * FROM read_json($urls, "
                    f"columns={{{columns}}}, format='newline_delimited', compression='gzip')",
                    {"urls": urls},
                )

        yield Loads(empty, bare, lambda: load(warehouse, manifests))


@contextmanager
def on_standin(standin: Standin, files: Iterator[tuple[str, bytes, int]]) -> Iterator[Loads]:
    warehouse, put = _redshift(standin), _put(standin)
    manifests = staged(files, put)
    merged = put("bare.manifest", json.dumps(copy_manifest(manifests)).encode())
    names = ", ".join(f'"{column.name}"' for column in TABLE.columns)
    database = make_url(warehouse.database).database

    def empty() -> None:
        standin.as_postgres(f"\\c {database}\nTRUNCATE {TABLE.fullname}, meta.loads;\nCHECKPOINT;")

    def bare() -> None:
        with warehouse.engine._engine.connect() as connection:
            connection.exec_driver_sql(
                f"COPY {TABLE.fullname} ({names}) FROM '{merged}' IAM_ROLE default FORMAT JSON 'auto' GZIP "
                "MANIFEST TIMEFORMAT 'auto'"
            )
            connection.commit()

    yield Loads(empty, bare, lambda: load(warehouse.engine, manifests))


class _Redshift(NamedTuple):
    engine: RedshiftWarehouse
    database: str


def _redshift(standin: Standin) -> _Redshift:
    """A new database with our tables."""
    url = standin.new_database()
    engine = open_warehouse(url, Path("none"), S3Files(endpoint=standin.s3_endpoint))
    assert isinstance(engine, RedshiftWarehouse)
    with engine.transaction("benchmark"):
        pass
    return _Redshift(engine, url)


def _put(standin: Standin, folder: str = "benchmark") -> Callable[[str, bytes], str]:
    s3 = standin.s3

    def put(name: str, content: bytes) -> str:
        s3.put_object(Bucket=standin.bucket, Key=f"{folder}/{name}", Body=content)
        return f"s3://{standin.bucket}/{folder}/{name}"

    return put


def load(warehouse: Warehouse, manifests: list[Manifest]) -> None:
    done = warehouse.load(CopyFrom(KIND, tuple(manifests)), "benchmark")
    assert len(done.loaded) == len(manifests)


def compare(name: str, rows: int, loads: Loads, rounds: int) -> None:
    """Both in turns, each into an empty table."""
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    for number in range(rounds + 1):  # the first one warms up
        for way in seconds:
            loads.empty()
            began = time.perf_counter()
            getattr(loads, way)()
            if number:
                seconds[way].append(time.perf_counter() - began)
    bare, ours = (statistics.median(seconds[way]) for way in seconds)
    print(
        f"{name:<10}{rows:>9,}{bare:>9.2f}{ours:>9.2f}{rows / ours:>11,.0f}"
        f"{ratio(seconds['ours'], seconds['bare']):>8.2f}",
        flush=True,
    )


def read(url: str, threads: int, expected: dict[str, int], until: Any, results: Any) -> None:
    """Readers of one process: each asks again and again how many rows each partition has."""
    told: list[tuple[float, str]] = []

    def reader() -> None:
        warehouse = open_warehouse(url, Path("none"), S3Files())
        while not until.is_set():
            began = time.perf_counter()
            try:
                with warehouse._engine.connect() as connection:  # type: ignore[attr-defined]
                    rows = connection.execute(
                        text(f"SELECT slice, count(*) FROM {TABLE.fullname} GROUP BY slice")
                    )
                    found = dict(tuple(row) for row in rows)
                wrong = sum(found.get(key, 0) != count for key, count in expected.items())
                said = f"{wrong} partitions empty, halved or doubled" if wrong else ""
            except Exception as error:
                said = f"{type(error).__name__}: {error}"[:200]
            told.append((time.perf_counter() - began, said))
            until.wait(random.uniform(0, 2 * A_THOUGHT))

    readers = [threading.Thread(target=reader) for _ in range(threads)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    results.put(told)


def readers(standin: Standin, real: pd.DataFrame, count: int, a_file: int) -> None:
    """Load all 676 partitions, then load others in their place while `count` people read."""
    warehouse = _redshift(standin)
    rows = len(KEYS) * a_file
    old = staged(songs(real, rows, a_file), _put(standin, "old"))
    new = staged(songs(real.assign(year=1999), rows, a_file), _put(standin, "new"))
    began = time.perf_counter()
    load_in_runs(warehouse.engine, old)
    alone = time.perf_counter() - began
    context = multiprocessing.get_context("spawn")
    until, results = context.Event(), context.Queue()
    expected = {one.slice: one.rows for one in old}
    each = count // READING_PROCESSES
    arguments = (warehouse.database, each, expected, until, results)
    processes = [context.Process(target=read, args=arguments, daemon=True) for _ in range(READING_PROCESSES)]
    for process in processes:
        process.start()
    time.sleep(5)  # until all of them read
    began = time.perf_counter()
    load_in_runs(warehouse.engine, new)
    beside = time.perf_counter() - began
    until.set()
    told = [one for _ in processes for one in results.get(timeout=120)]
    for process in processes:
        process.join()
    errors = sorted({said for _, said in told if said})
    seconds = sorted(took for took, _ in told)
    wrong, middle = sum(bool(said) for _, said in told), statistics.median(seconds)
    print(
        f"\n{each * READING_PROCESSES} readers, a question every {A_THOUGHT + middle:.1f} s each, during "
        f"a reload of all {len(old)} partitions\n({rows:,} rows, {A_RUN} partitions a transaction):\n"
        f"  {len(told):,} answers, {wrong} errors or wrong ones; median {middle:.2f} s, slowest "
        f"{seconds[-1]:.2f} s\n"
        f"  the reload took {beside:.1f} s; the first load, with nobody reading, {alone:.1f} s"
    )
    if errors:
        raise SystemExit("\n".join(errors[:10]))


def load_in_runs(warehouse: Warehouse, manifests: list[Manifest]) -> None:
    for start in range(0, len(manifests), A_RUN):
        load(warehouse, manifests[start : start + A_RUN])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 300_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readers", type=int, default=100, help="0 for none")
    parser.add_argument("--engines", nargs="+", default=["duckdb", "redshift"])
    options = parser.parse_args()

    print(machine())
    with msd_root(None) as root:
        real = read_msd(files_below(root)).songs
    print(f"{'engine':<10}{'rows':>9}{'bare s':>9}{'ours s':>9}{'rows/s':>11}{'ratio':>8}")
    if "duckdb" in options.engines:
        for rows in options.rows:
            with on_duckdb(songs(real, rows, A_FILE)) as loads:
                compare("DuckDB", rows, loads, options.rounds)
    if "redshift" in options.engines:
        with running_standin() as standin:
            os.environ.update(standin.environment)  # AWS's libraries look there for credentials
            for rows in options.rows:
                with on_standin(standin, songs(real, rows, A_FILE)) as loads:
                    compare("stand-in", rows, loads, options.rounds)
            if options.readers:
                readers(standin, real, options.readers, a_file=15)


if __name__ == "__main__":
    main()
