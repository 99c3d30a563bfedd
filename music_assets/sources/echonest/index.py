"""The index of an archive: an SQLite file of song ids and Spotify ids, built in one pass.

Written beside its final place and renamed when it is whole, so an interrupted pass leaves nothing half-built
and the next one begins again. It holds the archive's path, size and time, and is rebuilt when they change.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from music_assets.sources.echonest.errors import ArchiveDamaged, IndexUnusable
from music_assets.sources.echonest.members import MAX_BYTES, song_id_of, spotify_ids

_VERSION = 1
_SCHEMA = """
CREATE TABLE songs (song_id TEXT PRIMARY KEY, spotify_ids TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE about (archive TEXT NOT NULL);
"""


def ensure_index(archive: Path, cache: Path) -> Path:
    """The index of this archive in the cache folder, built where it is missing or of another archive.

    Raises:
        ArchiveDamaged: the archive cannot be read to its end.
        IndexUnusable: the cache cannot be written.
    """
    index = cache / "echonest.sqlite"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(cache / "echonest.lock"):  # one process builds it, the others wait
            state = archive.stat()
            about = json.dumps([_VERSION, str(archive.resolve()), state.st_size, state.st_mtime_ns])
            if _read_about(index) != about:
                _build(archive, about, index)
    except (OSError, sqlite3.Error) as error:
        raise IndexUnusable(index, str(error)) from error
    return index


def _read_about(index: Path) -> str | None:
    """Which archive the index is of; None where there is none, or one that cannot be read."""
    if not index.is_file():
        return None
    with contextlib.closing(sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            ((about,),) = db.execute("SELECT archive FROM about")
        except (sqlite3.Error, ValueError):
            return None
    return str(about)


def _build(archive: Path, about: str, index: Path) -> None:
    building = index.with_suffix(".building")
    building.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(building)) as db:
        # An interrupted pass is repeated, so nothing here needs a journal.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.executescript(_SCHEMA)
        db.executemany("INSERT OR REPLACE INTO songs VALUES (?, ?)", _songs(archive))
        db.execute("INSERT INTO about VALUES (?)", [about])
        db.commit()
    with building.open("rb") as written:
        os.fsync(written.fileno())
    building.replace(index)


def _songs(archive: Path) -> Iterator[tuple[str, str]]:
    """The songs that have Spotify ids, in a tar of any compression, in one pass and flat memory."""
    songs = 0
    try:
        with tarfile.open(archive, mode="r|*") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would hold a million of them
                song_id = song_id_of(member.name) if member.isfile() else None
                content = tar.extractfile(member) if song_id and member.size <= MAX_BYTES else None
                songs += song_id is not None
                # A file that cannot be parsed is left out, and nothing beside it is lost.
                with contextlib.suppress(ValueError):
                    if song_id and content and (ids := spotify_ids(content.read())):
                        yield song_id, " ".join(ids)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ArchiveDamaged(archive, str(error) or type(error).__name__, songs) from error
