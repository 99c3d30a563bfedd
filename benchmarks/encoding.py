"""How staged rows are best written: JSON Lines by whom, compressed by what, at which level.

    python -m benchmarks.encoding [--root DIR] [--rows N] [--rounds N]

Rows are songs and artists as they are staged, repeated up to the number. First the encoders, frames to
JSON Lines with igzip (to the others `slice` would have to be added as a column; that is not counted):

- ours: values a column at a time, orjson a row at a time.
- the gate's limits: ours, with each row held against what COPY takes.
- a row at a time: what a frame's `iterrows` and the standard library's `json` make of it.
- pandas: `to_json(lines=True)`, which rounds reals to 10 digits, at most 15.
- DuckDB: `COPY … TO … (FORMAT JSON)` of the frame, to a file.

pyarrow reads JSON Lines but does not write them. Then compressors on the songs' and artists' lines
together; COPY takes gzip, and igzip writes gzip.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from isal import igzip

from benchmarks.common import files_below, in_turns, msd_root, ratio
from music_assets.sources.msd import read_msd
from music_assets.staging.rows import encode
from music_assets.tables import STAGED


def ours(frame: pd.DataFrame) -> None:
    encode(frame, "AA")


def ours_fitting(kind: str, frame: pd.DataFrame) -> None:
    encode(frame, "AA", STAGED[kind])


def a_row_at_a_time(frame: pd.DataFrame) -> None:
    lines = [json.dumps(dict(row), default=_plain) for _, row in frame.iterrows()]
    igzip.compress("\n".join(lines).encode(), compresslevel=2)


def by_pandas(frame: pd.DataFrame) -> None:
    igzip.compress(frame.to_json(orient="records", lines=True).encode(), compresslevel=2)


def by_duckdb(frame: pd.DataFrame, folder: str) -> None:
    path = Path(folder) / "rows.json"
    with duckdb.connect() as connection:
        connection.register("rows", frame)
        connection.execute(f"COPY (FROM rows) TO '{path}' (FORMAT JSON)")
    igzip.compress(path.read_bytes(), compresslevel=2)


def _plain(value: Any) -> Any:
    return None if value is pd.NA else value.item()


def compressors() -> dict[str, Callable[[bytes], bytes]]:
    found: dict[str, Callable[[bytes], bytes]] = {}
    for level in (0, 1, 2, 3):
        found[f"igzip {level}"] = partial(igzip.compress, compresslevel=level, mtime=0)
    for level in (1, 6, 9):
        found[f"zlib {level}"] = partial(gzip.compress, compresslevel=level, mtime=0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure encoders and compressors of staged rows.")
    parser.add_argument("--root", type=Path, help="an MSD root")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with msd_root(options.root) as root, tempfile.TemporaryDirectory() as folder:
        read = read_msd(files_below(root, options.rows))
        print(f"{options.rows} rows, median of {options.rounds} rounds; all times with igzip 2")
        contents = []
        for kind, frame in (("msd_songs", read.songs), ("msd_artists", read.artists)):
            frame = pd.concat([frame] * (options.rows // len(frame) + 1), ignore_index=True).head(
                options.rows
            )
            contents.append(gzip.decompress(encode(frame, "AA").content))
            things = {
                "ours": partial(ours, frame),
                "ours, and COPY's limits": partial(ours_fitting, kind, frame),
                "a row at a time": partial(a_row_at_a_time, frame),
                "pandas": partial(by_pandas, frame),
                "DuckDB": partial(by_duckdb, frame, folder),
            }
            found = in_turns(things, options.rounds)
            print(f"\n{kind:<26}{'µs a row':>10}{'× ours':>10}")
            for name, seconds in found.items():
                a_row = statistics.median(seconds) / len(frame) * 1e6
                print(f"{name:<26}{a_row:>10.1f}{ratio(seconds, found['ours']):>10.2f}")
    lines = b"".join(contents)
    sizes = {name: len(compress(lines)) for name, compress in compressors().items()}
    named = {name: partial(compress, lines) for name, compress in compressors().items()}
    found = in_turns(named, options.rounds)
    print(f"\n{'compressor':<26}{'MB/s':>10}{'× igzip 2':>10}{'size':>8}")
    for name, seconds in found.items():
        speed, size = len(lines) / statistics.median(seconds) / 1e6, sizes[name] / len(lines)
        print(f"{name:<26}{speed:>10.0f}{ratio(seconds, found['igzip 2']):>10.2f}{size:>8.1%}")


if __name__ == "__main__":
    main()
