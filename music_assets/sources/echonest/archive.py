"""`EchoNestArchive`: the Spotify ids of songs, from an archive's index or from its unpacked folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from music_assets.sources.echonest.errors import ArchiveMissing, IndexUnusable
from music_assets.sources.echonest.index import ensure_index
from music_assets.sources.echonest.members import MAX_BYTES, spotify_ids

_FOLDER = "millionsongdataset_echonest"  # what the archive unpacks to
_BATCH = 500  # songs looked up in one query


class EchoNestArchive:
    """The archive as the pipeline sees it; close it after use (a context manager too)."""

    def __init__(self, path: Path, index: sqlite3.Connection | None = None) -> None:
        self._path = path  # of the index, or of the folder where there is no index
        self._index = index

    @classmethod
    def open(cls, path: Path, cache: Path) -> EchoNestArchive:
        """Open an archive (tar, whatever its compression) or the folder it was unpacked to.

        An archive is read once from beginning to end; its index stays in the folder `cache` for later.

        Raises:
            ArchiveMissing: there is nothing at the path, or a folder of something else.
            ArchiveDamaged: the archive cannot be read to its end.
            IndexUnusable: the cache cannot be written or read.
        """
        if path.is_dir():
            return cls(_songs_folder(path))
        if not path.is_file():
            raise ArchiveMissing(path, "there is no such file")
        index = ensure_index(path, cache)
        uri = f"{index.resolve().as_uri()}?mode=ro"
        return cls(index, sqlite3.connect(uri, uri=True, check_same_thread=False))

    def ids_of(self, song_ids: Iterable[str]) -> dict[str, list[str]]:
        """The Spotify ids of these songs, in the archive's order; songs without any are left out.

        None of them is verified: they may be wrong, and Spotify may not know them any more.
        """
        wanted = list(dict.fromkeys(song_ids))
        if self._index is None:
            return {song_id: ids for song_id in wanted if (ids := self._from_file(song_id))}
        found: dict[str, list[str]] = {}
        for start in range(0, len(wanted), _BATCH):
            some = wanted[start : start + _BATCH]
            sql = f"SELECT song_id, spotify_ids FROM songs WHERE song_id IN ({','.join('?' * len(some))})"
            try:
                rows = dict(self._index.execute(sql, some).fetchall())
            except sqlite3.Error as error:
                raise IndexUnusable(self._path, str(error)) from error
            found |= {song_id: rows[song_id].split() for song_id in some if song_id in rows}
        return found

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()

    def __enter__(self) -> EchoNestArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _from_file(self, song_id: str) -> list[str]:
        """The ids in a song's file; none where it is missing, unreadable (a bad sector) or broken."""
        file = self._path / song_id[2:4] / f"{song_id}.json"
        try:
            return spotify_ids(file.read_bytes()) if file.stat().st_size <= MAX_BYTES else []
        except (OSError, ValueError):
            return []


def _songs_folder(path: Path) -> Path:
    """The folder that holds `AA/` to `ZZ/`: the path, or the one that the archive unpacks to in it."""
    for folder in (path, path / _FOLDER):
        if folder.is_dir() and any(next(each.glob("SO*.json"), None) for each in folder.glob("[A-Z][A-Z]")):
            return folder
    raise ArchiveMissing(path, "the folder holds no XX/SOXX….json")
