"""`EchoNestArchive`: the ids of MSD songs elsewhere, from an archive's index or from the unpacked folder.

One JSON file per song, `XX/SOXX….json`, is a response of The Echo Nest's with the ids it knew.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import orjson

from music_assets.ids import MBID, MSD_SONG_ID, SPOTIFY_ID
from music_assets.sources.dumps import DumpDamaged, IndexUnusable

NAME = "millionsongdataset_echonest.tar.bz2"
_FOLDER = "millionsongdataset_echonest"  # what the archive unpacks to
_MAX_BYTES = 16 * 1024 * 1024  # of one song's file; the real ones have some 10 KB
_MEMBER = re.compile(rf"(?:^|/)({MSD_SONG_ID.pattern})\.json$")
_TRACK = re.compile(rf"spotify(?:-[A-Z]{{2}})?:track:({SPOTIFY_ID.pattern})")
_ALBUM = re.compile(rf"spotify(?:-[A-Z]{{2}})?:album:({SPOTIFY_ID.pattern})")
_RECORDING = re.compile(rf"musicbrainz:track:({MBID.pattern})", re.IGNORECASE)
_VERSION = 3  # of the index
_SCHEMA = """
CREATE TABLE songs (song_id TEXT PRIMARY KEY, ids TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE about (archive TEXT NOT NULL);
"""


def find_archive(folder: Path) -> Path | None:
    """The archive in a folder of downloads, or the folder it unpacks to; None where there is neither."""
    return next((path for path in (folder / NAME, folder / _FOLDER) if path.exists()), None)


class SongIds(NamedTuple):
    """The ids that the archive has for a song, in its order.

    `tracks` are Spotify's, each with the name of its album where the archive names it, `albums` the Spotify
    album of a track; `recordings` are MusicBrainz ids, which may have been merged into others since.
    """

    tracks: dict[str, str | None]
    albums: dict[str, str]
    recordings: list[str]


class EchoNestArchive:
    """The archive as the pipeline sees it; close it after use (a context manager too)."""

    def __init__(self, path: Path, index: sqlite3.Connection | None) -> None:
        self._path = path  # of the index, or of the folder where there is no index
        self._index = index

    @classmethod
    def open(cls, path: Path, cache: Path) -> EchoNestArchive:
        """Open an archive (tar, whatever its compression) or the folder it was unpacked to.

        An archive is read once from beginning to end, into an index in the folder `cache`.

        Raises:
            DumpDamaged: the archive cannot be read to its end, or the folder is of something else.
            IndexUnusable: the cache cannot be written or read.
        """
        if path.is_dir():
            return cls(_songs_folder(path), None)
        index = cache / "echonest.sqlite"
        with _named_errors(index):
            cache.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(cache / "echonest.lock"):  # one process builds it, the others wait
                _ensure_index(path, index)
            return cls(index, sqlite3.connect(index, check_same_thread=False))

    def ids_of(self, song_ids: Iterable[str]) -> dict[str, SongIds]:
        """What it has for these songs; songs without any id are left out.

        None is verified: they may be wrong, and Spotify may not know them any more.
        """
        found = {song_id: self._ids_of(song_id) for song_id in song_ids}
        return {song_id: ids for song_id, ids in found.items() if ids and any(ids)}

    def _ids_of(self, song_id: str) -> SongIds | None:
        if self._index is not None:
            with _named_errors(self._path):
                wanted = "SELECT ids FROM songs WHERE song_id = ?"
                row = self._index.execute(wanted, [song_id]).fetchone()
            return SongIds(*orjson.loads(row[0])) if row else None
        file = self._path / song_id[2:4] / f"{song_id}.json"
        try:
            return ids_in(file.read_bytes()) if file.stat().st_size <= _MAX_BYTES else None
        except (OSError, ValueError):  # missing, unreadable (a bad sector) or broken
            return None

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()

    def __enter__(self) -> EchoNestArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _songs_folder(path: Path) -> Path:
    """The folder that holds `AA/` to `ZZ/`: the path, or the one that the archive unpacks to in it."""
    for folder in (path, path / _FOLDER):
        if any(next(each.glob("SO*.json"), None) for each in folder.glob("[A-Z][A-Z]")):
            return folder
    raise DumpDamaged(path, "the folder holds no XX/SOXX….json")


@contextlib.contextmanager
def _named_errors(index: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise IndexUnusable(index, str(error)) from error


def _ensure_index(archive: Path, index: Path) -> None:
    """Build the index of this archive where there is none, or one of another state of it.

    It is renamed when it is whole, so a pass that is interrupted is repeated.
    """
    state = archive.stat()
    about = json.dumps([_VERSION, str(archive.resolve()), state.st_size, state.st_mtime_ns])
    if index.is_file():
        with contextlib.closing(sqlite3.connect(index)) as db, contextlib.suppress(sqlite3.Error):
            if db.execute("SELECT archive FROM about").fetchone() == (about,):
                return
    building = index.with_suffix(".building")
    building.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(building)) as db:
        db.executescript(_SCHEMA)
        db.executemany("INSERT OR REPLACE INTO songs VALUES (?, ?)", _songs(archive))
        db.execute("INSERT INTO about VALUES (?)", [about])
        db.commit()
    building.replace(index)


def _songs(archive: Path) -> Iterator[tuple[str, str]]:
    """The songs that have ids, in a tar of any compression, in one pass and flat memory."""
    try:
        with tarfile.open(archive, mode="r|*") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would hold a million of them
                song_id = song_id_of(member.name) if member.isfile() else None
                content = tar.extractfile(member) if song_id and member.size <= _MAX_BYTES else None
                # A file that cannot be parsed is left out, and nothing beside it is lost.
                with contextlib.suppress(ValueError):
                    if song_id and content and any(ids := ids_in(content.read())):
                        yield song_id, orjson.dumps(list(ids)).decode()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DumpDamaged(archive, str(error) or type(error).__name__) from error


def song_id_of(name: str) -> str | None:
    """The song that a member of this name is about; None for folders and other files in an archive.

    The name counts: the song id inside may be another, to which The Echo Nest had moved the song.
    """
    found = _MEMBER.search(name)
    return found[1] if found else None


def ids_in(content: bytes) -> SongIds:
    """The ids in a song's file; none where no song was found.

    They are at `response.songs[0].tracks[]`, as `foreign_id` and `foreign_release_id` beside `album_name`.
    Raises `ValueError` where the content is not a response of The Echo Nest's.
    """
    body: Any = orjson.loads(content)
    response = body.get("response") if isinstance(body, dict) else None
    songs = response.get("songs") if isinstance(response, dict) else None
    if not isinstance(songs, list):
        raise ValueError("it holds no response with a list of songs")
    first = songs[0] if songs else {}
    tracks = first.get("tracks") if isinstance(first, dict) else None
    found = SongIds({}, {}, [])
    for track in tracks if isinstance(tracks, list) else []:
        if not isinstance(track, dict):
            continue
        if id_ := _id_in(track.get("foreign_id"), _TRACK):
            name, album = track.get("album_name"), _id_in(track.get("foreign_release_id"), _ALBUM)
            found.tracks.setdefault(id_, name if isinstance(name, str) else None)
            if album:
                found.albums.setdefault(id_, album)
        mbid = (_id_in(track.get("foreign_id"), _RECORDING) or "").lower()
        if mbid and mbid not in found.recordings:
            found.recordings.append(mbid)
    return found


def _id_in(foreign: Any, of: re.Pattern[str]) -> str | None:
    match = of.fullmatch(foreign) if isinstance(foreign, str) else None
    return match[1] if match else None
