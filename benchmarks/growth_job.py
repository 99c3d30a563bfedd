"""Whether time and memory a song stay flat in what follows reading: gate, loads, published tables.

    python -m benchmarks.growth_job [--root DIR | --data DIR] [--songs N …] [--each]

The main job runs once over the songs of `--root` (those of `subset` unless given; `--data` names the data
folder of a run that was made before), on the sandbox's Spotify. Its staged files are then repeated, with
other ids each time, until there are so many songs, in slices as large as those of the whole MSD at most. The
tracks in search answers are left out: they are in no table, and nothing here reads them.

Each number of songs is a process of its own with a DuckDB file of its own. Shown are milliseconds a song,
by the clock and of all cores together (`cpu`), and the most that the process held in that stage (`MB`).
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from isal import igzip

from benchmarks.common import resident_mb
from benchmarks.subset import written_subset
from music_assets.defs.partitions import KEYS, PARTITIONS_A_RUN
from music_assets.staging.store import StagingStore, checksum
from music_assets.staging.validation import check_file
from music_assets.tables import PUBLISHED, STAGED
from music_assets.warehouse.duckdb import DuckDBWarehouse
from music_assets.warehouse.manifest import CopyFrom, Manifest

ROOT = Path(__file__).resolve().parents[1]
A_SLICE = 5  # repetitions of a partition of the subset that make one as large as the whole MSD's: 1,500 songs
_IDS = re.compile(
    rb'("(?:track_id|song_id|artist_id|first_track_id|spotify_track_id|spotify_artist_id|spotify_album_id|'
    rb'mbid|artist_mbid|recording_mbid|release_mbid)":")([^"]+)"'
)
_SLICE = re.compile(rb'^\{"slice":"[^"]*"', re.MULTILINE)
_TRACKS = re.compile(rb',"tracks":\[.*\]\}$', re.MULTILINE)
_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEX = b"0123456789abcdef"
_MBID_LENGTH = 36  # no other id is as long


class Repeated:
    """The staged rows of one partition, cut at its ids, so that repeating it is putting it together again."""

    def __init__(self, content: bytes) -> None:
        text: bytes = _TRACKS.sub(b"}", igzip.decompress(content))  # type: ignore[no-untyped-call]
        self.rows = text.count(b"\n")
        self._pieces = _IDS.split(text)  # text, the field, its id, text, …

    def under(self, number: int, slice_: str) -> bytes:
        """The rows with other ids, for another slice."""
        other = cache(partial(_other, number))
        pieces = list(self._pieces)
        pieces[2::3] = [other(id_) + b'"' for id_ in pieces[2::3]]
        return _SLICE.sub(b'{"slice":"%b"' % slice_.encode(), b"".join(pieces))


def _other(number: int, id_: bytes) -> bytes:
    """Another id: its last two characters moved on, so that each number gives others."""
    digits, ending = (_HEX, id_[-2:]) if len(id_) == _MBID_LENGTH else (_DIGITS, id_[-2:].upper())
    places = zip(ending, divmod(number, len(digits)), strict=True)
    return id_[:-2] + bytes(digits[(digits.find(place) + by) % len(digits)] for place, by in places)


def stage(data: Path, folder: Path, songs: int) -> list[Manifest]:
    """Write the staged files of so many songs, made of a run's; their manifests."""
    store = StagingStore(str(data / "staging"))
    here = [key for key in KEYS if store.staged_file("msd_songs", key)]
    rows = {key: receipt.rows for key in here if (receipt := store.staged_file("msd_songs", key))}
    # A partition's repetitions follow each other, and a slice takes neighbours: it has no id twice.
    times, rest = divmod(songs, sum(rows.values()))
    parts = [(key, number) for key in here for number in range(times)]
    for key in here:
        if rest > 0:
            parts.append((key, times))
            rest -= rows[key]
    size = max(-(-len(parts) // len(KEYS)), min(times, A_SLICE), 1)
    slices = list(zip(KEYS, (parts[at : at + size] for at in range(0, len(parts), size)), strict=False))
    return [one for kind in STAGED for one in _stage(store, folder, kind, slices)]


def _stage(
    store: StagingStore, folder: Path, kind: str, slices: list[tuple[str, list[tuple[str, int]]]]
) -> Iterator[Manifest]:
    @cache
    def repeated(key: str) -> Repeated:
        receipt = store.staged_file(kind, key)
        assert receipt
        return Repeated(store.read(receipt))

    (folder / kind).mkdir()
    for slice_, parts in slices:
        text = b"".join(repeated(key).under(number, slice_) for key, number in parts)
        content = igzip.compress(text, compresslevel=1)
        path = folder / kind / f"{slice_}.json.gz"
        path.write_bytes(content)
        count = sum(repeated(key).rows for key, _ in parts)
        yield Manifest(kind, slice_, str(path), count, len(content), checksum(content))


def gate(manifests: list[Manifest]) -> None:
    for one in manifests:
        checked = check_file(STAGED[one.kind], Path(one.url).read_bytes(), one.slice)
        assert (checked.rows, checked.problems) == (one.rows, ()), (one.kind, one.slice, checked.problems)


def load(warehouse: DuckDBWarehouse, manifests: list[Manifest]) -> None:
    """As runs do it: so many partitions in one transaction."""
    for kind in STAGED:
        mine = [one for one in manifests if one.kind == kind]
        for start in range(0, len(mine), PARTITIONS_A_RUN):
            warehouse.load(CopyFrom(kind, tuple(mine[start : start + PARTITIONS_A_RUN])), "growth")


def measure(folder: Path, manifests: list[Manifest], songs: int, each: bool) -> None:
    """Print a line for each stage; of the tables one line, or one each."""
    warehouse = DuckDBWarehouse(folder / "w.duckdb", folder / "p.duckdb")
    stages: dict[str, Callable[[], object]] = {
        "gate": partial(gate, manifests),
        "load": partial(load, warehouse, manifests),
    }
    if each:
        stages |= {name: partial(warehouse.update, table) for name, table in PUBLISHED.items()}
    else:
        stages["tables"] = lambda: [warehouse.update(table) for table in PUBLISHED.values()]
    stages["readers' copy"] = warehouse.publish
    for name, do in stages.items():
        Path("/proc/self/clear_refs").write_text("5")  # the most it held is counted anew (Linux)
        began, cpu = time.perf_counter(), time.process_time()
        do()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        print(
            f"{songs:>10,}  {name:<28}{seconds:>8.1f}{seconds / songs * 1e3:>9.3f}{cpu / songs * 1e3:>9.3f}"
            f"{resident_mb(peak=True):>8.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether what follows reading stays flat as songs grow.")
    parser.add_argument("--root", type=Path, help="an MSD root to run the main job over")
    parser.add_argument("--data", type=Path, help="the data folder of a run over it that was made before")
    parser.add_argument("--songs", type=int, nargs="*", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--each", action="store_true", help="a line for each table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = options.data or main_job_over(options.root or written_subset(folder, 10_000), folder / "data")
        print(f"{'songs':>10}  {'stage':<28}{'s':>8}{'ms':>9}{'cpu':>9}{'MB':>8}")
        for songs in options.songs:
            here = folder / str(songs)
            here.mkdir()
            manifests = stage(data, here, songs)
            count = sum(one.rows for one in manifests if one.kind == "msd_songs")
            process = multiprocessing.get_context("spawn").Process(
                target=measure, args=(here, manifests, count, options.each)
            )
            process.start()
            process.join()
            shutil.rmtree(here)
            if process.exitcode:
                raise SystemExit(process.exitcode)


def main_job_over(msd: Path, data: Path) -> Path:
    """The main job's data folder over these songs."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.main_job",
        str(msd.absolute()),
        "--data",
        str(data),
        "--once",
    ]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return data


if __name__ == "__main__":
    main()
