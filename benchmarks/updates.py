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


def updated(warehouse: DuckDBWarehouse) -> dict[str, tuple[float, float]]:
    """Seconds, by the clock and of a core, for each table."""
    found = {}
    for name, table in PUBLISHED.items():
        began, cpu = time.perf_counter(), time.process_time()
        warehouse.update(table)
        found[name] = (time.perf_counter() - began, time.process_time() - cpu)
    return found


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
        whole = updated(warehouse)
        with warehouse.transaction("a day's change") as connection:
            for kind in CHANGED:
                table = STAGED[kind]
                with replacing(connection, warehouse.insert, table, table.c.slice == "AB"):
                    column = "title" if kind == "msd_songs" else "source"
                    connection.execute(text(f"UPDATE {table.fullname} SET {column} = 'x' WHERE slice = 'AB'"))
        day = updated(warehouse)
    print(f"{rows:,} songs, {rows // 676:,} of them changed; most {resident_mb(peak=True):.0f} MB")
    print(f"{'table':<32}{'whole s':>9}{'cpu':>8}{'changed s':>11}{'cpu':>8}")
    for name in PUBLISHED:
        print(
            f"{name:<32}{whole[name][0]:>9.1f}{whole[name][1]:>8.1f}{day[name][0]:>11.1f}{day[name][1]:>8.1f}"
        )
    total = [sum(one[place] for one in found.values()) for found in (whole, day) for place in (0, 1)]
    print(f"{'all':<32}{total[0]:>9.1f}{total[1]:>8.1f}{total[2]:>11.1f}{total[3]:>8.1f}")


if __name__ == "__main__":
    main()
