"""The index of an archive: an SQLite file of song ids and Spotify ids, made in one pass.

Written beside its final place and put there whole, so an interrupted pass leaves nothing half-made and the
next one begins anew. It remembers the archive's path, size and time, and is made again when they change.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import filelock

from music_assets.sources.echonest.errors import ArchiveDamaged, IndexUnusable
from music_assets.sources.echonest.members import MOST_BYTES, song_id_of, spotify_ids

_VERSION = 1
_SCHEMA = """
CREATE TABLE songs (song_id TEXT PRIMARY KEY, spotify_ids TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE about (archive TEXT NOT NULL, counts TEXT NOT NULL);
"""
_CHUNK = 2000  # songs to a transaction, and between two reports of progress


@dataclass
class Counts:
    """What an archive holds: songs, those of them with a Spotify id, and files set aside as broken."""

    songs: int = 0
    with_ids: int = 0
    broken: int = 0


@dataclass(frozen=True)
class Progress:
    """How far the pass is: bytes of the archive read, of how many, and songs met."""

    read: int
    size: int
    songs: int


OnProgress = Callable[[Progress], None]


def ensure_index(archive: Path, cache: Path, progress: OnProgress | None) -> Path:
    """The index of this archive in the cache folder, made where it is missing or of another archive.

    Raises:
        ArchiveDamaged: the archive cannot be read to its end.
        IndexUnusable: the cache cannot be written.
    """
    index = cache / "echonest.sqlite"
    with _or_unusable(index):
        cache.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(cache / "echonest.lock"):  # one process makes it, the others wait
            about = _about(archive)
            if read_about(index) != about:
                _make(archive, about, index, progress)
    return index


def read_counts(db: sqlite3.Connection) -> Counts:
    """What was counted when the index was made."""
    ((counts,),) = db.execute("SELECT counts FROM about")
    return Counts(**json.loads(counts))


def read_about(index: Path) -> str | None:
    """Which archive the index is of; None where there is none, or one that cannot be read."""
    if not index.is_file():
        return None
    with contextlib.closing(sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            ((about,),) = db.execute("SELECT archive FROM about")
        except (sqlite3.Error, ValueError):
            return None
    return str(about)


def _about(archive: Path) -> str:
    state = archive.stat()
    return json.dumps([_VERSION, str(archive.resolve()), state.st_size, state.st_mtime_ns])


def _make(archive: Path, about: str, index: Path, progress: OnProgress | None) -> None:
    building = index.with_suffix(".building")
    building.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(building, isolation_level=None)) as db:
        # A pass that is interrupted is done again, so nothing here needs a journal.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(_SCHEMA)
        counts = Counts()
        for rows in _read(archive, counts, progress):
            db.execute("BEGIN")
            db.executemany("INSERT OR REPLACE INTO songs VALUES (?, ?)", rows)
            db.execute("COMMIT")
        db.execute("INSERT INTO about VALUES (?, ?)", [about, json.dumps(asdict(counts))])
    with building.open("rb") as written:
        os.fsync(written.fileno())
    building.replace(index)


def _read(archive: Path, counts: Counts, progress: OnProgress | None) -> Iterator[list[tuple[str, str]]]:
    """The songs that have Spotify ids, some thousands at a time; `counts` grows beside."""
    size = archive.stat().st_size
    rows: list[tuple[str, str]] = []
    with archive.open("rb") as file:
        for song_id, content in _members(archive, file, counts):
            counts.songs += 1
            try:
                ids = spotify_ids(content)
            except ValueError:
                counts.broken += 1
                ids = []
            if ids:
                counts.with_ids += 1
                rows.append((song_id, " ".join(ids)))
            if counts.songs % _CHUNK == 0:
                yield rows
                rows = []
                if progress:
                    progress(Progress(file.tell(), size, counts.songs))
    yield rows
    if progress:
        progress(Progress(size, size, counts.songs))


def _members(archive: Path, file: BinaryIO, counts: Counts) -> Iterable[tuple[str, bytes]]:
    """Each song's file in a tar of any compression, in one pass and flat memory."""
    try:
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep a million of them
                song_id = song_id_of(member.name) if member.isfile() else None
                if song_id is None:
                    continue
                content = tar.extractfile(member) if member.size <= MOST_BYTES else None
                yield song_id, content.read() if content else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ArchiveDamaged(archive, str(error) or type(error).__name__, counts.songs) from error


@contextlib.contextmanager
def _or_unusable(index: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise IndexUnusable(index, str(error)) from error
