"""What the sources of open dumps share: members of an archive, and an index in DuckDB made of them once.

A dump is one archive (`.tar.zst`, `.tar.bz2`) or the folder it unpacks to. It is too large to be read for
each partition: `open_index` builds a DuckDB file of what is needed from it, and builds it again where the
dump is another. What is in a dump is known to its source; downloading is in `music_assets.sources.download`.
"""

from __future__ import annotations

import bz2
import contextlib
import csv
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import IO, Self

import duckdb
import filelock
import zstandard
from rich.filesize import decimal

from music_assets.errors import MusicAssetsError
from music_assets.sources.bounded import plain

MEMORY = "1GB"  # of DuckDB; what needs more spills to the disk
_SPARE = 64 << 20  # bytes that stay free
_DAMAGE = (tarfile.TarError, EOFError, zstandard.ZstdError, ValueError)


class DumpError(MusicAssetsError):
    """A dump that is there cannot be used."""


class DumpDamaged(DumpError):
    """A dump ends early, is not what its checksum says, or has another form than is known."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be used: {why}. Delete it and download it again.")


class IndexUnusable(DumpError):
    """The index of a dump cannot be built or read."""

    def __init__(self, path: Path, why: str) -> None:
        advice = "Free some disk, or delete it to have it rebuilt."
        super().__init__(f"The index {path} cannot be used: {why}. {advice}")


def identity(files: Sequence[Path]) -> str:
    """What tells these files of a dump from others: their names, which have the date, and their sizes."""
    return json.dumps([[file.parent.name, file.name, file.stat().st_size] for file in files])


def open_index(
    path: Path,
    files: Sequence[Path],
    version: int,
    build: Callable[[duckdb.DuckDBPyConnection, Path], None],
) -> None:
    """Have an index of these files at `path`: build it unless it is of this version and their present state.

    `build` fills the tables of an empty DuckDB file; the folder it is given is for what it unpacks, and is
    removed. The index is renamed when it is whole, so a build that is interrupted is repeated.

    Raises:
        DumpDamaged: a file is damaged, or is not the one of its checksum.
        IndexUnusable: the folder of the index cannot be written or read, or is full.
    """
    work = path.with_suffix(".building")
    if "?" in str(path):  # DuckDB takes what follows it for options, and cannot write there
        work = Path(tempfile.gettempdir(), f"{path.stem}.{os.getpid()}.building")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        state = json.dumps([version, identity(files), [file.stat().st_mtime_ns for file in files]])
        with filelock.FileLock(path.with_suffix(".lock")):  # one process builds it, the others wait
            for left in path.parent.glob(f"{path.stem}.*building"):  # by processes that were killed
                shutil.rmtree(left)
            if _state_of(path) == state:
                return
            work.mkdir()
            try:
                _build(work, path, files, state, build)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except (OSError, duckdb.Error) as error:
        raise IndexUnusable(path, str(error).partition("\n")[0]) from error


def _build(
    work: Path,
    path: Path,
    files: Sequence[Path],
    state: str,
    build: Callable[[duckdb.DuckDBPyConnection, Path], None],
) -> None:
    for file in files:
        _verify(file)
    with contextlib.closing(connect(work / path.name, work)) as db:
        build(db, work)
        db.execute("CREATE TABLE about (state VARCHAR)")
        db.execute("INSERT INTO about VALUES (?)", [state])
    fresh = path.with_suffix(".fresh")
    shutil.move(work / path.name, fresh)  # which may be on another disk
    fresh.replace(path)


class Indexed:
    """A source that reads indexes, opened read-only; close it after use (a context manager too)."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db

    @classmethod
    def _open(
        cls,
        index: Path,
        files: Sequence[Path],
        version: int,
        build: Callable[[duckdb.DuckDBPyConnection, Path], None],
    ) -> Self:
        """Have an index of these files as `open_index` does, which says what is raised, and open it."""
        open_index(index, files, version, build)
        try:
            return cls(duckdb.connect(str(index), read_only=True))
        except duckdb.Error as error:
            raise IndexUnusable(index, str(error)) from error

    def close(self) -> None:
        """Close the indexes."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(path: Path | str, folder: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB database in bounded memory, which spills to the folder, where it leaves nothing."""
    db = duckdb.connect(str(path))
    db.execute(f"SET memory_limit = '{MEMORY}'")
    db.execute(f"SET temp_directory = {quoted(folder / f'spill-{os.getpid()}')}")
    db.execute("SET preserve_insertion_order = false")
    return db


def extract(archive: Path, wanted: Sequence[str], folder: Path) -> dict[str, Path]:
    """Unpack the first member of each of these names (or patterns of one) as a file of the folder.

    They come from a stream: nothing else is unpacked, and reading stops when all are there.

    Raises:
        DumpDamaged: the archive cannot be read to the end of the last of them; those it lacks are left out.
        OSError: the disk is too small.
    """
    found: dict[str, Path] = {}
    try:
        with _stream(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = Path(member.name).name
                pattern = next((one for one in wanted if fnmatchcase(name, one)), None)
                if pattern is None or pattern in found or not member.isreg():
                    continue
                if (free := shutil.disk_usage(folder).free) < member.size + _SPARE:
                    raise OSError(
                        f"{decimal(member.size)} are needed to unpack {name}, {decimal(free)} are free"
                    )
                content = tar.extractfile(member)
                assert content is not None, "a regular file has content"
                with (folder / name).open("wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                found[pattern] = folder / name
                if len(found) == len(wanted):
                    break
    except _DAMAGE as error:
        raise DumpDamaged(archive, str(error) or type(error).__name__) from error
    except OSError as error:
        if error.errno is None and not str(error).endswith("are free"):  # bz2 calls damage an OSError
            raise DumpDamaged(archive, str(error)) from error
        raise
    return found


def read_csv(db: duckdb.DuckDBPyConnection, file: Path, needed: Sequence[str]) -> str:
    """SQL that reads a CSV with a header as texts; lines that are not CSV are counted by `rejected`.

    Raises:
        DumpDamaged: its first line is no header, or lacks a column that is needed.
    """
    with file.open("rb") as opened:
        line = io.TextIOWrapper(io.BytesIO(opened.readline(1 << 16)), "utf-8", "replace").read()
    try:
        header = [name.strip() for name in next(csv.reader([line.lstrip("\ufeff")]), [])]
    except csv.Error as error:
        raise DumpDamaged(file, f"its first line is not CSV ({error})") from None
    if missing := [name for name in needed if name not in header]:
        has = plain(", ".join(header)) or "none"
        raise DumpDamaged(file, f"it lacks the column {', '.join(missing)}; it has {has}")
    columns = ", ".join(f"{quoted(name or f'column{at}')}: 'VARCHAR'" for at, name in enumerate(header))
    return (
        f"read_csv({quoted(escape(str(file)))}, columns = {{{columns}}}, auto_detect = false, header = true, "
        "delim = ',', quote = '\"', escape = '\"', strict_mode = false, ignore_errors = true, "
        "store_rejects = true, hive_partitioning = false)"
    )


def rejected(db: duckdb.DuckDBPyConnection) -> int:
    """How many lines of the files read with `read_csv` were not CSV."""
    return count(db, "SELECT count(DISTINCT (scan_id, file_id, line)) FROM reject_errors")


def count(db: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The number that a query gives, or how many rows a statement changed."""
    row = db.execute(sql).fetchone()
    return int(row[0]) if row else 0


def quoted(text: object) -> str:
    """A text as a literal of SQL."""
    return "'" + str(text).replace("'", "''") + "'"


@contextlib.contextmanager
def _stream(archive: Path) -> Iterator[IO[bytes]]:
    """What is in the compression, whichever it is."""
    with archive.open("rb") as file:
        if file.read(4) == b"\x28\xb5\x2f\xfd":
            file.seek(0)
            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                yield stream
            return
    with bz2.open(archive, "rb") as stream:
        yield stream


def _state_of(index: Path) -> str | None:
    if not index.is_file():
        return None
    with (
        contextlib.suppress(duckdb.Error),
        contextlib.closing(duckdb.connect(str(index), read_only=True)) as db,
    ):
        row = db.execute("SELECT state FROM about").fetchone()
        return str(row[0]) if row else None
    return None


def _verify(file: Path) -> None:
    """Compare a file with the checksum beside it, where there is one."""
    beside = file.with_name(file.name + ".sha256")
    if not beside.is_file():
        return
    expected = beside.read_text(encoding="utf-8", errors="replace").split()[:1]
    with file.open("rb") as opened:
        if expected != [found := hashlib.file_digest(opened, "sha256").hexdigest()]:
            raise DumpDamaged(file, f"its SHA-256 is {found}, not that of {beside.name}")
