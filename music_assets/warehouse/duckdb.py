"""The warehouse on a laptop: one DuckDB file, one writer, and a copy for readers.

DuckDB locks its file for the process that has it open, readers included. So this engine opens the
file for each load, under a lock of our own that says who holds it, and gives readers a copy that
is swapped whole.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, Table, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema, CreateTable

from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.errors import WarehouseError, WarehouseInUse
from music_assets.warehouse.manifest import Files, Manifest
from music_assets.warehouse.schema import LOADS, METADATA, PUBLISHED, SCHEMAS

# Long enough for another run's load of a letter, short enough to be told who is in the way.
DEFAULT_WAIT_S = 60.0
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
                    self._create_missing(connection)
                    yield connection
                    connection.commit()
                except DBAPIError as error:
                    raise WarehouseError(f"{self.path}, {purpose}: {_first_line(error.orig)}") from error
                except duckdb.Error as error:
                    raise WarehouseError(f"{self.path}, {purpose}: {_first_line(error)}") from error

    def copy_files(self, connection: Connection, table: Table, manifests: Sequence[Manifest]) -> None:
        raw: Any = connection.connection.driver_connection
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        types = {column.name: _type_name(column.type, connection) for column in table.columns}
        declared = ", ".join(f"'{name}': '{type_}'" for name, type_ in types.items())
        with self._local_files([manifest.url for manifest in manifests]) as files:
            raw.execute(
                f"INSERT INTO {table.fullname} ({names}) SELECT {names} FROM read_json($files, "
                f"columns={{{declared}}}, format='newline_delimited', compression='gzip', "
                "maximum_object_size=16777216)",
                {"files": files},
            )

    def publish(self) -> Path:
        """Write the readers' copy beside the one in use, then put it in its place."""
        self.published.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.published.with_name(f".{self.published.name}.{os.getpid()}")
        _remove(fresh)
        try:
            with self._held("publishing"):
                engine = create_engine(f"duckdb:///{self.path}", poolclass=NullPool)
                with self._connected(engine) as connection:
                    self._create_missing(connection)
                    connection.commit()  # a file cannot be detached within a transaction
                    raw: Any = connection.connection.driver_connection
                    raw.execute(f"ATTACH '{_quoted(fresh)}' AS published")
                    for schema in sorted({table.schema or "" for table in _for_readers()}):
                        raw.execute(f"CREATE SCHEMA published.{schema}")
                    for table in _for_readers():
                        raw.execute(
                            f"CREATE TABLE published.{table.fullname} AS "
                            f"SELECT * FROM {table.fullname} ORDER BY ALL"
                        )
                    raw.execute("DETACH published")
            os.replace(fresh, self.published)
        finally:
            _remove(fresh)
        return self.published

    def _create_missing(self, connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        there = {
            f"{schema}.{name}"
            for schema, name in raw.execute(
                "SELECT table_schema, table_name FROM information_schema.tables"
            ).fetchall()
        }
        missing = [table for table in METADATA.sorted_tables if table.fullname not in there]
        if missing:
            for schema in SCHEMAS:
                connection.execute(CreateSchema(schema, if_not_exists=True))
            for table in missing:
                connection.execute(CreateTable(table))

    @contextmanager
    def _held(self, purpose: str) -> Iterator[None]:
        """Hold our lock, whose note tells others who has it; it dies with the process."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{self.path}.lock")
        note = Path(f"{self.path}.holder.json")
        try:
            lock.acquire(timeout=self.wait_s)
        except Timeout:
            raise WarehouseInUse(
                f"{self.path} is in use by {_holder(note)}. Waited {self.wait_s:g} s; "
                "try again when it is done."
            ) from None
        try:
            note.write_text(
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
            _remove(note)
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
            yield connection
        finally:
            connection.close()
            engine.dispose()


def _for_readers() -> list[Table]:
    return [*PUBLISHED.values(), LOADS]


def _type_name(type_: Any, connection: Connection) -> str:
    return str(type_.compile(connection.dialect))


def _holder(note: Path) -> str:
    with suppress(OSError, ValueError, KeyError):
        holder = json.loads(note.read_text())
        return f"process {holder['pid']} on {holder['host']} ({holder['purpose']}, since {holder['since']})"
    return "another process"


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().splitlines()[0] if error and str(error).strip() else repr(error)
