"""Listed songs among a million: how long the index takes, in how much memory, and who is asked about first.

    python -m benchmarks.million [--songs N] [--listed N]

The songs are invented in the full MSD's shape (`benchmarks.shape`) and put into an index by partition, as the
pipeline does. Some are listed; a sandbox that knows these and the songs of their releases is asked until a
day's allowance ends, by one process, whose index and ledger are closed and opened again midway. What was
answered must be the listed songs, and those that came with them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import orjson
import pandas as pd

from benchmarks.common import resident_mb
from benchmarks.requests import records, settings_of
from benchmarks.shape import full_scale
from music_assets.resolution import Resolver, SearchBacklog, release_key
from music_assets.sandbox.process import running_sandbox
from music_assets.sandbox.spotify.catalogue import ensure_catalogue
from music_assets.sources.ledger import open_ledger
from music_assets.sources.spotify import SpotifyCatalog


def write_world(folder: Path, songs: int, listed: int) -> None:
    """Write the songs by partition, the list, and the catalogue; in a process of its own, for its memory."""
    frame = full_scale(songs)
    wanted = frame.sample(listed, random_state=0)
    (folder / "listed.json").write_bytes(orjson.dumps(wanted["track_id"].tolist()))
    mates = set(_keys(wanted))
    theirs = frame[[key in mates for key in _keys(frame)]]
    ensure_catalogue(folder / "catalogue.sqlite", [("listed", "", lambda: theirs)])
    for key, mine in frame.groupby(frame["track_id"].str[2:4]):
        (folder / f"{key}.json").write_bytes(orjson.dumps(records(mine)))
    print(f"{songs:,} songs, {listed:,} of them listed, whose releases have {len(theirs):,}", flush=True)


def _keys(frame: pd.DataFrame) -> list[str]:
    rows = zip(frame["artist_id"], frame["release"], frame["track_id"], strict=True)
    return [release_key(*row) for row in rows]


def timed(what: str, began: float) -> None:
    print(f"{what:<52}{time.perf_counter() - began:>8.2f} s{resident_mb():>8.0f} MB", flush=True)


def fill(folder: Path, index: SearchBacklog) -> None:
    """Put the songs into the index, a partition at a time."""
    for path in sorted(folder.glob("[A-Z][A-Z].json")):
        index.put(path.stem, "one", orjson.loads(path.read_bytes()))


def measure(folder: Path) -> None:
    listed: list[str] = orjson.loads((folder / "listed.json").read_bytes())
    timed("at the start", began := time.perf_counter())
    ledger = open_ledger(folder / "ledger.sqlite", source="sandbox")
    index = SearchBacklog(ledger)
    fill(folder, index)
    timed("the index is built", began)
    began = time.perf_counter()
    songs = sum(index.count()[name] for name in ("open", "resolved", "missed", "failed"))
    timed(f"{songs:,} songs are counted", began)
    began = time.perf_counter()
    assert index.prioritize(listed) == len(listed)
    timed("the list is taken in", began)
    began = time.perf_counter()
    index.next(64)
    timed("the next 64 are looked up", began)
    ledger.close()
    size = (folder / "ledger.sqlite").stat().st_size / 1e6
    print(f"the file of the ledger with the backlog alone: {size:,.0f} MB")
    with running_sandbox(folder / "catalogue.sqlite") as address:
        half = None
        for name in ("the first half is answered", "all are, the files opened anew"):
            began = time.perf_counter()
            with ExitStack() as stack:
                ledger = open_ledger(folder / "ledger.sqlite", source="sandbox")
                stack.callback(ledger.close)
                index = SearchBacklog(ledger)
                index.prioritize(listed)
                settings = replace(settings_of(address, "development"), requests_per_day=2 * len(listed))
                spotify = stack.enter_context(SpotifyCatalog.open(settings, ledger))
                resolver = Resolver(spotify, index)
                wanted = set(listed)
                spent = 0
                while {song.track_id for song in index.next(1)} & wanted:
                    outcome = resolver.resolve(most=min(64, _open(index, wanted)))
                    spent += sum(outcome.requests.values())
                    answered = len(listed) - _open(index, wanted)
                    if outcome.out_of_budget or (half is None and answered >= len(listed) / 2):
                        break
                timed(f"{name}: {answered:,}, {spent:,} requests", began)
                half = answered
                if answered == len(listed):
                    began = time.perf_counter()
                    resolver.resolve(most=512)
                    timed("512 more are answered, those wanted next", began)
    print(f"the most memory: {resident_mb(peak=True):.0f} MB")


def _open(index: SearchBacklog, wanted: set[str]) -> int:
    """How many of the wanted songs are open."""
    return sum(song.track_id in wanted for song in index.next(len(wanted)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--songs", type=int, default=1_000_000)
    parser.add_argument("--listed", type=int, default=2_000)
    parser.add_argument("--world", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.world:
        write_world(options.world, options.songs, options.listed)
        return
    with tempfile.TemporaryDirectory(prefix="million_") as folder:
        command = [sys.executable, "-m", "benchmarks.million", "--world", folder]
        subprocess.run([*command, "--songs", str(options.songs), "--listed", str(options.listed)], check=True)
        measure(Path(folder))


if __name__ == "__main__":
    main()
