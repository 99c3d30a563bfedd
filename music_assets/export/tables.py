"""The published tables for DuckDB, wherever they are: the readers' copy, or files that Redshift unloads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from duckdb_engine import Dialect
from sqlalchemy import Connection, select

from music_assets.errors import MusicAssetsError
from music_assets.export.selection import Chosen
from music_assets.lookup import reading
from music_assets.tables import PUBLISHED
from music_assets.warehouse.duckdb_file import first_line


class ExportFailed(MusicAssetsError):
    """The tables cannot be read, or the folder cannot be written."""


# Writes the rows of a table as Parquet files into a folder of this machine.
Unload = Callable[[Connection, Chosen, Path], None]


@contextmanager
def opened(
    warehouse: str | Path, chosen: Sequence[Chosen], unload: Unload | None
) -> Iterator[tuple[Any, list[str]]]:
    """A DuckDB connection that has these tables, and the versions of the matcher that made their matches.

    Raises:
        ExportFailed: DuckDB cannot read or write them.
        LookupFailed: there are no tables at that place.
    """
    version = PUBLISHED["mapped.songs"].c.matcher_version
    with reading(warehouse) as (connection, place):
        of_matches = select(version).where(version.is_not(None)).distinct().order_by(version)
        matchers = [str(found) for found in connection.execute(of_matches).scalars()]
        try:
            if connection.dialect.name == "duckdb":
                yield connection.connection.driver_connection, matchers
                return
            assert unload is not None, "a warehouse that is no DuckDB file is unloaded"
            with tempfile.TemporaryDirectory(prefix="music_assets_") as folder, duckdb.connect() as database:
                for one in chosen:
                    files = Path(folder, one.table.fullname)
                    files.mkdir()
                    unload(connection, one, files)
                    _view(database, one, files)
                yield database, matchers
        except duckdb.Error as error:
            raise ExportFailed(
                f"The tables at {place} cannot be exported: {first_line(error)} If they are of an earlier "
                "version, `music-assets run` brings them up to date."
            ) from error


def _view(database: duckdb.DuckDBPyConnection, chosen: Chosen, files: Path) -> None:
    """A table of DuckDB's over unloaded files, with the declared types."""
    database.execute(f"CREATE SCHEMA IF NOT EXISTS {chosen.table.schema}")
    quote = Dialect().identifier_preparer.quote
    paths = sorted(str(path) for path in files.glob("*.parquet"))
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    columns = ", ".join(  # of no row there may be no file
        f"CAST({quote(column.name) if paths else 'NULL'} AS {column.type.compile(Dialect())}) "
        f"AS {quote(column.name)}"
        for column in chosen.columns
    )
    of = f"FROM read_parquet([{quoted}])" if paths else "WHERE false"
    database.execute(f"CREATE VIEW {chosen.table.fullname} AS SELECT {columns} {of}")
