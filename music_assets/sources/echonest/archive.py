"""`EchoNestArchive`: the Spotify ids of songs, from an archive's index or from its unpacked folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from music_assets.sources.echonest.errors import ArchiveMissing, IndexUnusable
from music_assets.sources.echonest.index import Counts, OnProgress, ensure_index, read_counts
from music_assets.sources.echonest.members import MOST_BYTES, spotify_ids

_FOLDER = "millionsongdataset_echonest"  # what the archive unpacks to
_AT_ONCE = 500  # songs looked up in one query


class EchoNestArchive:
    """The archive as the pipeline sees it; close it after use (a context manager too).

    `counts` is what the archive holds; of a folder, what was met so far.
    """

    def __init__(self, folder: Path | None, index: Path | None) -> None:
        self._folder = folder
        self._index = index
        self._db: sqlite3.Connection | None = None
        self.counts = Counts()
        if index is not None:
            self._db = sqlite3.connect(
                f"{index.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            self.counts = read_counts(self._db)

    @classmethod
    def open(cls, path: Path, cache: Path, progress: OnProgress | None = None) -> EchoNestArchive:
        """Open an archive (tar, whatever its compression) or the folder it was unpacked to.

        An archive is read once from beginning to end, which `progress` hears of; its index stays in the
        folder `cache` for the next time.

        Raises:
            ArchiveMissing: there is nothing at the path, or a folder of something else.
            ArchiveDamaged: the archive cannot be read to its end.
            IndexUnusable: the cache cannot be written or read.
        """
        if path.is_dir():
            return cls(_songs_folder(path), None)
        if not path.is_file():
            raise ArchiveMissing(path, "the path leads nowhere")
        return cls(None, ensure_index(path, cache, progress))

    def ids_of(self, song_ids: Iterable[str]) -> dict[str, list[str]]:
        """The Spotify ids of these songs, in the archive's order; songs without any are left out.

        None of them is verified: they may be wrong, and Spotify may know them no more.
        """
        wanted = list(dict.fromkeys(song_ids))
        return self._from_index(wanted) if self._folder is None else self._from_folder(wanted, self._folder)

    def close(self) -> None:
        """Let go of the index."""
        if self._db is not None:
            self._db.close()

    def __enter__(self) -> EchoNestArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _from_index(self, wanted: list[str]) -> dict[str, list[str]]:
        assert self._db is not None and self._index is not None
        found: dict[str, list[str]] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            sql = f"SELECT song_id, spotify_ids FROM songs WHERE song_id IN ({','.join('?' * len(some))})"
            try:
                rows = dict(self._db.execute(sql, some).fetchall())
            except sqlite3.Error as error:
                raise IndexUnusable(self._index, str(error)) from error
            found |= {song_id: rows[song_id].split() for song_id in some if song_id in rows}
        return found

    def _from_folder(self, wanted: list[str], folder: Path) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for song_id in wanted:
            file = folder / song_id[2:4] / f"{song_id}.json"
            try:
                content = file.read_bytes() if file.stat().st_size <= MOST_BYTES else b""
            except FileNotFoundError:
                continue
            except OSError:  # such as a bad sector: the file's trouble alone
                content = b""
            self.counts.songs += 1
            try:
                ids = spotify_ids(content)
            except ValueError:
                self.counts.broken += 1
                continue
            if ids:
                self.counts.with_ids += 1
                found[song_id] = ids
        return found


def _songs_folder(path: Path) -> Path:
    """The folder that holds `AA/` to `ZZ/`: the path, or the one that the archive unpacks to in it."""
    for folder in (path, path / _FOLDER):
        if folder.is_dir() and any(next(each.glob("SO*.json"), None) for each in folder.glob("[A-Z][A-Z]")):
            return folder
    raise ArchiveMissing(path, "the folder holds no XX/SOXX….json")
