"""The warehouse on a laptop: one DuckDB file, one writer, and a copy for readers.

DuckDB locks its file for the process that has it open, readers included. So this engine opens the
file for each load, under a lock of our own that says who holds it, and gives readers a copy that
is swapped whole.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DDLElement, SetColumnComment, SetTableComment
from sqlalchemy.types import TypeEngine

from music_assets.tables import LOADS, PUBLISHED
from music_assets.warehouse.duckdb_file import (
    attach,
    connected,
    first_line,
    held,
    log_of,
    remove,
    unfinished,
    writable,
)
from music_assets.warehouse.engine import Warehouse, load_failed, wrong_objects
from music_assets.warehouse.errors import WarehouseError
from music_assets.warehouse.manifest import Files, Manifest
from music_assets.warehouse.migrations import ExistingColumn, ExistingTable, steps

# Files fetched from S3 at once.
_AT_ONCE = 16


class DuckDBWarehouse(Warehouse):
    """A DuckDB file at `path`; `published` is where readers find their copy."""

    is_local = True

    def __init__(self, path: Path, published: Path, files: Files | None = None) -> None:
        self.path = path
        self.published = published
        self._files = files

    @contextmanager
    def transaction(self, purpose: str) -> Iterator[Connection]:
        with self._opened(purpose) as connection:
            try:
                self._make_tables(connection)
                yield connection
                connection.commit()
            except DBAPIError as error:
                raise WarehouseError(f"{self.path}, {purpose}: {first_line(error.orig)}") from error
            except duckdb.Error as error:
                raise WarehouseError(f"{self.path}, {purpose}: {first_line(error)}") from error

    def copy_files(
        self, connection: Connection, table: Table, manifests: Sequence[Manifest], run_id: str
    ) -> None:
        raw: Any = connection.connection.driver_connection
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        types = {column.name: _type_name(column.type, connection) for column in table.columns}
        declared = ", ".join(f"'{name}': '{type_}'" for name, type_ in types.items())
        with self._local_files([manifest.url for manifest in manifests]) as files:
            try:
                raw.execute(
                    f"INSERT INTO {table.fullname} ({names}) SELECT {names} FROM read_json($files, "
                    f"columns={{{declared}}}, format='newline_delimited', compression='gzip', "
                    "hive_partitioning=false, maximum_object_size=16777216)",
                    {"files": [glob.escape(file) for file in files]},  # a path is a name, never a pattern
                )
            except duckdb.Error as error:
                local = dict(zip((one.url for one in manifests), files, strict=True))
                wrong = wrong_objects(manifests, lambda url: Path(local[url]).read_bytes())
                message = first_line(error)
                named = [one for one in manifests if local[one.url] in message]
                wrong = wrong or [
                    f"slice {one.slice}: {message.replace(local[one.url], one.url)}" for one in named
                ]
                raise load_failed(table, manifests, wrong, message) from error

    def read_file(self, url: str) -> bytes:
        if "://" not in url:
            return Path(url).read_bytes()
        if self._files is None:
            raise WarehouseError(f"{self.path} was opened without a way to read {url}.")
        return self._files.read(url)

    def publish(self) -> Path:
        """Write the readers' copy beside the one in use, open it, then put it in its place.

        What killed processes left beside it goes, and the log of somebody's session that wrote to the copy:
        DuckDB would apply that to the new one.
        """
        self.published.parent.mkdir(parents=True, exist_ok=True)
        fresh = unfinished(self.published)
        with self._opened("publishing") as connection:
            remove(*self._leftovers())
            try:
                self._make_tables(connection)
                connection.commit()  # a file cannot be detached within a transaction
                with writable(fresh) as target:
                    _write_copy(connection, target)
                _check_readable(fresh)
                remove(log_of(self.published))
                os.replace(fresh, self.published)
                remove(log_of(self.published))
            except (DBAPIError, duckdb.Error) as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                raise WarehouseError(f"{self.published} cannot be written: {first_line(cause)}") from error
            finally:
                remove(fresh, log_of(fresh))
        _check_readable(self.published)
        return self.published

    def exists(self) -> bool:
        return self.path.exists()

    def vacuum(self) -> None:
        """Rewrite the file: DuckDB leaves what was deleted in it until its place is used again.

        What publishing and loading left beside the file when they were killed goes too.
        """
        if not self.path.exists():
            return
        fresh = unfinished(self.path)
        with held(self.path, "rewriting", self.wait_s):
            remove(*self._leftovers())
            shutil.rmtree(f"{self.path}.tmp", ignore_errors=True)  # rows that were too many for memory
            with writable(self.path) as path, connected(path, self.wait_s, self._advice):
                pass  # waits until nobody else has it open, and writes its log into it
            try:
                # In a database of our own, so that both files can be let go of.
                with writable(fresh) as target, connected(None, 0) as connection:
                    raw: Any = connection.connection.driver_connection
                    connection.rollback()
                    attach(raw, self.path, "held", read_only=True)
                    attach(raw, target, "fresh")
                    raw.execute("COPY FROM DATABASE held TO fresh")
                    raw.execute("DETACH held")
                    raw.execute("DETACH fresh")
                os.replace(fresh, self.path)
            finally:
                remove(fresh, log_of(fresh))

    def _leftovers(self) -> list[Path]:
        """The unfinished files of processes that were killed; ask while holding our lock."""
        return [
            left
            for path in (self.path, self.published)
            for left in path.parent.glob(f".{glob.escape(path.name)}.*")
        ]

    def _make_tables(self, connection: Connection) -> None:
        """Make the tables what is declared."""
        raw: Any = connection.connection.driver_connection
        comments = raw.execute("SELECT schema_name, table_name, comment FROM duckdb_tables()").fetchall()
        existing = {f"{schema}.{name}": ExistingTable(comment) for schema, name, comment in comments}
        columns = raw.execute(
            "SELECT schema_name, table_name, column_name, data_type, comment, is_nullable "
            "FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        for schema, name, column, type_, comment, nullable in columns:
            if f"{schema}.{name}" in existing:
                existing[f"{schema}.{name}"].columns[column] = ExistingColumn(type_, comment, nullable)
        todo = steps(existing, connection.dialect, partial(_held_name, connection))
        if todo:
            raw.execute(";".join(todo))

    @contextmanager
    def _opened(self, purpose: str) -> Iterator[Connection]:
        with (
            held(self.path, purpose, self.wait_s),
            writable(self.path) as path,
            connected(path, self.wait_s, self._advice) as connection,
        ):
            yield connection

    @property
    def _advice(self) -> str:
        return f", or read {self.published} instead"

    @contextmanager
    def _local_files(self, urls: Sequence[str]) -> Iterator[list[str]]:
        """The files on this machine: DuckDB's own reader of `s3://…` would be a separate download."""
        if not any("://" in url for url in urls):
            yield list(urls)
            return
        with (
            tempfile.TemporaryDirectory(prefix="music_assets_") as folder,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            local = [Path(folder) / f"{place}.json.gz" for place in range(len(urls))]
            list(pool.map(lambda url, path: path.write_bytes(self.read_file(url)), urls, local))
            yield [str(path) for path in local]


def _for_readers() -> list[Table]:
    return [*PUBLISHED.values(), LOADS]


def _write_copy(connection: Connection, target: Path) -> None:
    raw: Any = connection.connection.driver_connection
    (database,) = raw.execute("SELECT current_database()").fetchone()
    attach(raw, target, "published")
    for schema in sorted({table.schema or "" for table in _for_readers()}):
        raw.execute(f"CREATE SCHEMA published.{schema}")
    for table in _for_readers():
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        raw.execute(
            f"CREATE TABLE published.{table.fullname} AS SELECT {names} FROM {table.fullname} ORDER BY ALL"
        )
    raw.execute("USE published")
    raw.execute(";".join(_comments(connection)))
    raw.execute(f'USE "{database}"')
    raw.execute("DETACH published")


def _check_readable(path: Path) -> None:
    """Open a readers' copy as they do."""
    try:
        with duckdb.connect() as reader:
            attach(reader, path, "copy", read_only=True)
            for table in _for_readers():
                reader.execute(f"FROM copy.{table.fullname} LIMIT 1")
    except duckdb.Error as error:
        raise WarehouseError(
            f"{path} was written and cannot be read: {first_line(error)} Run again."
        ) from error


def _comments(connection: Connection) -> list[str]:
    """The comments of what readers get, as SQL."""
    comments: list[DDLElement] = []
    for table in _for_readers():
        comments += [SetTableComment(table), *map(SetColumnComment, table.columns)]
    return [str(comment.compile(dialect=connection.dialect)) for comment in comments]


def _type_name(type_: TypeEngine[Any], connection: Connection) -> str:
    return str(type_.compile(connection.dialect))


def _held_name(connection: Connection, type_: TypeEngine[Any]) -> str:
    """A declared type as DuckDB's catalogue names it: widths of text it does not keep."""
    return _type_name(type_, connection).split("(")[0]
