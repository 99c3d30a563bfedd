"""The data files of an export: written by DuckDB, the same bytes for the same rows.

Rows are in the order of their key and written by one thread, and nothing of now is in a file. The fingerprint
of a table depends on its rows alone, so that both formats of one state have the same version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column

from music_assets.export.selection import Chosen
from music_assets.tables import Super
from music_assets.tables.terms import TERMS
from music_assets.warehouse.duckdb_file import writable

# Times are UTC without a zone, as in the tables. Text is exact: what a spreadsheet takes for a formula is a
# title here.
_FORMATS = {
    "csv": "FORMAT csv, HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%f', DATEFORMAT '%Y-%m-%d'",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
FORMATS = tuple(_FORMATS)

# By which column of a table the songs of a list are found, and what it is compared with.
_OF_LISTED = {
    "track_id": "SELECT track_id FROM listed",
    "artist_id": "SELECT artist_id FROM listed",
    "recording_mbid": "SELECT recording_mbid FROM listed",
    "mbid": "SELECT recording_mbid FROM listed UNION SELECT artist_mbid FROM listed",
}
LISTED = ("track_id", "artist_id", "recording_mbid", "artist_mbid")


@dataclass(frozen=True)
class DataFile:
    """A written table. `fingerprint` is of its rows, `sha256` and `bytes` are the file's; `sources` are the
    values of its column `source`; `fetched` is when the oldest and the newest of its rows were fetched;
    `listed` whether it has the rows of a list's songs alone."""

    chosen: Chosen
    name: str
    rows: int
    fingerprint: str
    sha256: str
    bytes: int
    sources: tuple[str, ...]
    fetched: tuple[str, str] | None
    listed: bool

    @property
    def description(self) -> str:
        """What the rows are, as the table declares it of all of them."""
        comment = self.chosen.table.comment or ""
        return f"{comment} Here: those of the selection alone." if self.listed else comment


def owners_of(files: Sequence[DataFile]) -> list[str]:
    """Whose terms apply to these files, in the order of `TERMS`."""
    return [owner for owner in TERMS if any(owner in file.chosen.owners for file in files)]


def write_table(database: Any, chosen: Chosen, form: str, folder: Path, *, listed: bool = False) -> DataFile:
    """Write one table of a DuckDB connection into a folder; with `listed`, the rows of its table `listed`."""
    name = f"{chosen.table.fullname}.{form}"
    columns = ", ".join(map(_column, chosen.columns))
    rows = f"SELECT {columns} FROM {chosen.table.fullname}"
    if listed:
        by = next(column for column in _OF_LISTED if column in chosen.table.c)
        rows += f" WHERE {by} IN ({_OF_LISTED[by]})"
    order = ", ".join(f'"{key}" NULLS LAST' for key in chosen.keys)
    with writable(folder / name) as path:
        quoted = str(path).replace("'", "''")
        database.execute(f"COPY ({rows} ORDER BY {order}) TO '{quoted}' ({_FORMATS[form]})")
    about = "count(*), coalesce(bit_xor(md5_number(CAST(exported AS VARCHAR))), 0)"
    names = [column.name for column in chosen.columns]
    about += ", list(DISTINCT source ORDER BY source)" if "source" in names else ", []"
    dated = "fetched_at" in names
    about += ", min(fetched_at), max(fetched_at)" if dated else ", NULL, NULL"
    count, digest, sources, first, last = database.execute(
        f"SELECT {about} FROM ({rows}) exported"
    ).fetchone()
    with (folder / name).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return DataFile(
        chosen,
        name,
        count,
        hashlib.sha256(f"{name.removesuffix(form)} {names} {count} {digest}".encode()).hexdigest(),
        sha256,
        (folder / name).stat().st_size,
        tuple(source for source in sources or () if source),
        (first.isoformat(), last.isoformat()) if first else None,
        listed,
    )


def _column(column: Column[Any]) -> str:
    """A column as it is written: lists and maps as their JSON text, which readers of both formats take, and
    JSON's null as NULL."""
    name = f'"{column.name}"'
    return f"nullif(CAST({name} AS VARCHAR), 'null') AS {name}" if isinstance(column.type, Super) else name
