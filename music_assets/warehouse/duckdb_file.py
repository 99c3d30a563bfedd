"""A DuckDB file as this project opens it: under a lock that names its holder, at any path, for any DuckDB.

What is in the file, and when it is opened, is in `duckdb`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from music_assets.warehouse.errors import WarehouseError, WarehouseInUse

# The format of files that are written: what every DuckDB since 1.0 reads, in R, Julia and shells as well.
STORAGE_VERSION = "v1.0.0"
# Of what DuckDB holds; the process holds some 300 MB beside it.
MEMORY_LIMIT = "1200MB"


@contextmanager
def held(path: Path, purpose: str, wait_s: float) -> Iterator[None]:
    """Hold the lock of a file, beside another that names the holder; it dies with the process.

    Raises:
        WarehouseInUse: another process held it for `wait_s` seconds; it is named.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock")
    holder_file = Path(f"{path}.holder.json")
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise WarehouseInUse(
            f"{path} is in use by {_holder(holder_file)}. Waited {wait_s:g} s; try again when it is done."
        ) from None
    try:
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "purpose": purpose}
        since = datetime.now(UTC).isoformat(timespec="seconds")
        holder_file.write_text(json.dumps({**holder, "since": since}))
        yield
    finally:
        remove(holder_file)
        lock.release()


@contextmanager
def connected(path: Path | None, wait_s: float, advice: str = "") -> Iterator[Connection]:
    """A connection that writes to a file (None: to memory); it waits for programs that ignore our lock.

    Raises:
        WarehouseInUse: another program had it open for `wait_s` seconds; `advice` says what to do instead.
        WarehouseError: it cannot be opened as a DuckDB file.
    """
    database = ":memory:" if path is None else str(path)
    options = {"config": {"storage_compatibility_version": STORAGE_VERSION}}
    engine = create_engine(URL.create("duckdb", database=database), poolclass=NullPool, connect_args=options)
    give_up = time.monotonic() + wait_s
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
                    f"{path} is open in another program: {first_line(cause)} Close it there{advice}."
                ) from error
            raise WarehouseError(
                f"{path} cannot be opened as a DuckDB file: {first_line(cause)} "
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


@contextmanager
def writable(path: Path) -> Iterator[Path]:
    """Where DuckDB is to write a file, which is at `path` once the context ends without an error.

    DuckDB takes what follows a `?` in a path for options, and cannot write there: there it writes a copy.
    """
    if "?" not in str(path):
        yield path
        return
    fresh = unfinished(path)
    with tempfile.TemporaryDirectory(prefix="music_assets_") as folder:
        copy = Path(folder, "copy.duckdb")
        if path.exists():
            shutil.copyfile(path, copy)
        yield copy
        try:
            shutil.copyfile(copy, fresh)
            os.replace(fresh, path)
        finally:
            remove(fresh)


def attach(raw: Any, path: Path, name: str, *, read_only: bool = False) -> None:
    """Attach a file to a connection of DuckDB's own, under a name."""
    quoted = str(path).replace("'", "''")
    options = "READ_ONLY" if read_only else f"STORAGE_VERSION '{STORAGE_VERSION}'"
    raw.execute(f"ATTACH '{quoted}' AS {name} ({options})")


def unfinished(path: Path) -> Path:
    """What this process writes before it takes the place of the file at `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def log_of(path: Path) -> Path:
    """DuckDB's log of changes to a file; there is none beside a file that was closed."""
    return path.with_name(f"{path.name}.wal")


def remove(*paths: Path) -> None:
    """Remove files, or nothing where there are none."""
    for path in paths:
        with suppress(FileNotFoundError):
            path.unlink()


def first_line(error: BaseException | None) -> str:
    """The first line of an error, and the cause that DuckDB names further on: it adds the statement, too."""
    text = str(error or "").strip()
    cause = text.partition("Original error: ")[2]
    return " ".join(line.strip() for part in (text, cause) for line in part.splitlines()[:1]) or repr(error)


def _holder(holder_file: Path) -> str:
    with suppress(OSError, ValueError, KeyError):
        holder = json.loads(holder_file.read_text())
        return f"process {holder['pid']} on {holder['host']} ({holder['purpose']}, since {holder['since']})"
    return "another process"
