"""What a day's change costs the published tables, beside filling them as a whole.

    python -m benchmarks.updates [--rows N]

N songs with a matched track each, made by DuckDB itself in 676 slices; then one slice changes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from sqlalchemy import Boolean, Column, Connection, Date, DateTime, Double, Integer, String, Table, text

from benchmarks.common import machine, resident_mb
from music_assets.tables import PUBLISHED, STAGED, Super
from music_assets.warehouse.changes import replacing
from music_assets.warehouse.duckdb import DuckDBWarehouse

SLICE = "chr(65 + (i % 676) // 26) || chr(65 + i % 26)"  # 26 divides 676: every slice has its share
IDS = {"slice": SLICE, "track_id": f"'TR' || {SLICE} || lpad(CAST(i AS VARCHAR), 14, '0')"}
IDS |= dict.fromkeys(("spotify_track_id", "spotify_album_id"), "lpad(CAST(i AS VARCHAR), 22, '0')")
IDS |= dict.fromkeys(("artist_id", "artist_name"), "'AR' || lpad(CAST(i % 50000 AS VARCHAR), 16, '0')")
IDS |= {"spotify_artist_id": "lpad(CAST(i % 50000 AS VARCHAR), 22, '0')", "status": "'matched'", "rank": "1"}
CHANGED = ("msd_songs", "mapped_songs", "spotify_tracks")


def made_up(column: Column[object]) -> str:
    """SQL for a value of a column in row `i`."""
    if column.name in IDS:
        return IDS[column.name]
    match column.type:
        case Super():
            return "NULL"
        case Boolean():
            return "true"
        case Double():
            return "(i % 1000) / 1000.0"
        case Integer():
            return "i % 100"
        case DateTime() | Date():
            return "TIMESTAMP '2026-11-22 07:00:00'"
        case String():
            return f"'{column.name} ' || (i % 1000)"
    raise TypeError(column)


def stage(connection: Connection, table: Table, rows: int) -> None:
    values = ", ".join(f'{made_up(column)} AS "{column.name}"' for column in table.columns)
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    made = f"SELECT {values} FROM (SELECT CAST(range AS INTEGER) AS i FROM range({rows}))"
    connection.execute(text(f"INSERT INTO {table.fullname} ({names}) {made.replace(':', chr(92) + ':')}"))


def updated(warehouse: DuckDBWarehouse, what: str) -> None:
    """Update every table; print the seconds of each, by the clock and of a core."""
    total, total_cpu = time.perf_counter(), time.process_time()
    for name, table in PUBLISHED.items():
        began, cpu = time.perf_counter(), time.process_time()
        warehouse.update(table)
        line(what, name, began, cpu)
    line(what, "all", total, total_cpu)


def line(what: str, name: str, began: float, cpu: float) -> None:
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(f"{what:<10}{name:<34}{seconds:>9.1f}{cpu:>9.1f}{resident_mb(peak=True):>8.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A day's change beside filling the published tables.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="songs, and as many matched tracks")
    rows = parser.parse_args().rows
    print(machine())
    with tempfile.TemporaryDirectory(prefix="music_assets_updates_") as folder:
        warehouse = DuckDBWarehouse(Path(folder, "w.duckdb"), Path(folder, "p.duckdb"))
        with warehouse.transaction("staging") as connection:
            for kind in CHANGED:
                stage(connection, STAGED[kind], rows)
            stage(connection, STAGED["msd_artists"], 50_000)
        print(f"{rows:,} songs, {rows // 676:,} of them changed")
        print(f"{'update':<10}{'table':<34}{'s':>9}{'cpu s':>9}{'MB':>8}")
        updated(warehouse, "whole")
        with warehouse.transaction("a day's change") as connection:
            for kind in CHANGED:
                table = STAGED[kind]
                with replacing(connection, warehouse.insert, table, table.c.slice == "AB"):
                    column = "title" if kind == "msd_songs" else "source"
                    connection.execute(text(f"UPDATE {table.fullname} SET {column} = 'x' WHERE slice = 'AB'"))
        updated(warehouse, "changed")


if __name__ == "__main__":
    main()
