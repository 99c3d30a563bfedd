"""The warehouse on a laptop: one DuckDB file, one writer, and a copy for readers.

DuckDB locks its file for the process that has it open, readers included. So this engine opens the
file for each load, under a lock of our own that says who holds it, and gives readers a copy that
is swapped whole.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, Table, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import DDLElement, SetColumnComment, SetTableComment
from sqlalchemy.types import TypeEngine

from music_assets.tables import LOADS, PUBLISHED
from music_assets.warehouse.engine import Warehouse, load_failed, wrong_objects
from music_assets.warehouse.errors import WarehouseError, WarehouseInUse
from music_assets.warehouse.manifest import Files, Manifest
from music_assets.warehouse.migrations import ExistingColumn, ExistingTable, steps

# Long enough for another run's load, short enough to hear soon who is in the way.
DEFAULT_WAIT_S = 60.0
# Of what DuckDB holds; the process holds some 300 MB beside it.
MEMORY_LIMIT = "1200MB"
# Files fetched from S3 at once.
_AT_ONCE = 16


class DuckDBWarehouse(Warehouse):
    """A DuckDB file at `path`; `published` is where readers find their copy."""

    is_local = True

    def __init__(
        self, path: Path, published: Path, wait_s: float = DEFAULT_WAIT_S, files: Files | None = None
    ) -> None:
        self.path = path
        self.published = published
        self.wait_s = wait_s
        self._files = files

    @contextmanager
    def transaction(self, purpose: str) -> Iterator[Connection]:
        with self._held(purpose):
            engine = create_engine(f"duckdb:///{self.path}", poolclass=NullPool)
            with self._connected(engine) as connection:
                try:
                    self._make_tables(connection)
                    yield connection
                    connection.commit()
                except DBAPIError as error:
                    raise WarehouseError(f"{self.path}, {purpose}: {_first_line(error.orig)}") from error
                except duckdb.Error as error:
                    raise WarehouseError(f"{self.path}, {purpose}: {_first_line(error)}") from error

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
                    "maximum_object_size=16777216)",
                    {"files": files},
                )
            except duckdb.Error as error:
                local = dict(zip((one.url for one in manifests), files, strict=True))
                wrong = wrong_objects(manifests, lambda url: Path(local[url]).read_bytes())
                message = _first_line(error)
                named = [one for one in manifests if local[one.url] in message]
                wrong = wrong or [
                    f"slice {one.slice}: {message.replace(local[one.url], one.url)}" for one in named
                ]
                raise load_failed(table, manifests, wrong, message) from error

    def publish(self) -> Path:
        """Write the readers' copy beside the one in use, then put it in its place."""
        self.published.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.published.with_name(f".{self.published.name}.{os.getpid()}")
        _remove(fresh)
        try:
            with self._held("publishing"):
                engine = create_engine(f"duckdb:///{self.path}", poolclass=NullPool)
                with self._connected(engine) as connection:
                    self._make_tables(connection)
                    connection.commit()  # a file cannot be detached within a transaction
                    raw: Any = connection.connection.driver_connection
                    (database,) = raw.execute("SELECT current_database()").fetchone()
                    raw.execute(f"ATTACH '{_quoted(fresh)}' AS published")
                    for schema in sorted({table.schema or "" for table in _for_readers()}):
                        raw.execute(f"CREATE SCHEMA published.{schema}")
                    for table in _for_readers():
                        names = ", ".join(f'"{column.name}"' for column in table.columns)
                        raw.execute(
                            f"CREATE TABLE published.{table.fullname} AS "
                            f"SELECT {names} FROM {table.fullname} ORDER BY ALL"
                        )
                    raw.execute("USE published")
                    raw.execute(";".join(_comments(connection)))
                    raw.execute(f'USE "{database}"')
                    raw.execute("DETACH published")
            os.replace(fresh, self.published)
        finally:
            _remove(fresh)
        return self.published

    def exists(self) -> bool:
        return self.path.exists()

    def vacuum(self) -> None:
        """Rewrite the file: DuckDB leaves what was deleted in it until its place is used again.

        What publishing and loading left beside the file when they were killed goes too.
        """
        if not self.path.exists():
            return
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        with self._held("rewriting"):
            for left in self._leftovers():
                _remove(left)
            shutil.rmtree(f"{self.path}.tmp", ignore_errors=True)  # rows that were too many for memory
            # In a database of our own, so that both files can be let go of.
            engine = create_engine("duckdb:///:memory:", poolclass=NullPool)
            try:
                with self._connected(create_engine(f"duckdb:///{self.path}", poolclass=NullPool)):
                    pass  # waits until nobody else has it open, and writes its log into it
                with self._connected(engine) as connection:
                    raw: Any = connection.connection.driver_connection
                    connection.rollback()
                    raw.execute(f"ATTACH '{_quoted(self.path)}' AS held")
                    raw.execute(f"ATTACH '{_quoted(fresh)}' AS fresh")
                    raw.execute("COPY FROM DATABASE held TO fresh")
                    raw.execute("DETACH held")
                    raw.execute("DETACH fresh")
                os.replace(fresh, self.path)
            finally:
                _remove(fresh)

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
    def _held(self, purpose: str) -> Iterator[None]:
        """Hold our lock, beside a file that names its holder; it dies with the process."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{self.path}.lock")
        holder_file = Path(f"{self.path}.holder.json")
        try:
            lock.acquire(timeout=self.wait_s)
        except Timeout:
            raise WarehouseInUse(
                f"{self.path} is in use by {_holder(holder_file)}. Waited {self.wait_s:g} s; "
                "try again when it is done."
            ) from None
        try:
            holder_file.write_text(
                json.dumps(
                    {
                        "pid": os.getpid(),
                        "host": socket.gethostname(),
                        "purpose": purpose,
                        "since": datetime.now(UTC).isoformat(timespec="seconds"),
                    }
                )
            )
            yield
        finally:
            _remove(holder_file)
            lock.release()

    @contextmanager
    def _local_files(self, urls: Sequence[str]) -> Iterator[list[str]]:
        """The files on this machine: DuckDB's own reader of `s3://…` would be a separate download."""
        if not any("://" in url for url in urls):
            yield list(urls)
            return
        if self._files is None:
            raise WarehouseError(f"{self.path} was opened without a way to read {urls[0]}.")
        read = self._files.read
        with (
            tempfile.TemporaryDirectory(prefix="music_assets_") as folder,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            local = [Path(folder) / f"{place}.json.gz" for place in range(len(urls))]
            list(pool.map(lambda url, path: path.write_bytes(read(url)), urls, local))
            yield [str(path) for path in local]

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        """A connection to the file, waiting out readers that do not know of our lock."""
        give_up = time.monotonic() + self.wait_s
        while True:
            try:
                connection = engine.connect()
                break
            except (DBAPIError, duckdb.Error) as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                if "lock" in str(cause).lower():
                    if time.monotonic() < give_up:
                        time.sleep(0.2)
                        continue
                    raise WarehouseInUse(
                        f"{self.path} is open in another program: {_first_line(cause)} "
                        f"Close it there, or read {self.published} instead."
                    ) from error
                raise WarehouseError(
                    f"{self.path} cannot be opened as a DuckDB file: {_first_line(cause)} "
                    "Move it away, or name another with MUSIC_ASSETS_WAREHOUSE or --data."
                ) from error
        try:
            connection.execute(text("SET preserve_insertion_order = false"))
            # What is too much for this goes to disk, beside the file, so any number of songs can be loaded.
            connection.execute(text(f"SET memory_limit = '{MEMORY_LIMIT}'"))
            yield connection
        finally:
            connection.close()
            engine.dispose()


def _for_readers() -> list[Table]:
    return [*PUBLISHED.values(), LOADS]


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


def _holder(holder_file: Path) -> str:
    with suppress(OSError, ValueError, KeyError):
        holder = json.loads(holder_file.read_text())
        return f"process {holder['pid']} on {holder['host']} ({holder['purpose']}, since {holder['since']})"
    return "another process"


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0] if error and str(error).strip() else repr(error)
