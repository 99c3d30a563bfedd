"""The sandbox's catalogue: an SQLite file of tracks, artists, albums, recordings, and the truth beside them.

Built from MSD songs one directory at a time, each in one transaction, so memory stays flat and a build that
was killed goes on where it was. How a song becomes tracks is in `generator`, how it becomes recordings in
`sandbox.recordings`; serving them is in `server`.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from music_assets.sandbox.recordings import Recording, recordings_of
from music_assets.sandbox.spotify.entities import VARIOUS, Song, Track
from music_assets.sandbox.spotify.generator import same_recording_key, tracks_of

if TYPE_CHECKING:
    import pandas as pd

_VERSION = 4
_DAY = 86_400  # in seconds
_APOSTROPHES = re.compile("['’‘`´]")


def ensure_catalogue(
    path: str | os.PathLike[str], directories: Iterable[tuple[str, str, Callable[[], pd.DataFrame]]]
) -> list[str]:
    """Bring the catalogue at `path` up to date with these directories, and say which were built.

    A directory is `(key, fingerprint, loader)`; `loader()` gives its songs as a frame with the columns
    of `msd.songs`, and is called only if the key is new or its fingerprint has changed. Directories not
    named stay. A file of another version, or that is not a catalogue, is built again.
    """
    built = []
    with contextlib.closing(_open_to_write(Path(path))) as db:
        for key, fingerprint, loader in directories:
            known = db.execute("SELECT fingerprint FROM directories WHERE key = ?", [key]).fetchone()
            if known != (fingerprint,):
                _build(db, key, fingerprint, songs_of(loader()))
                built.append(key)
    return built


def open_to_read(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """A connection for readers; raises `FileNotFoundError` where there is no catalogue yet."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no sandbox catalogue at {path}; build it with ensure_catalogue")
    return sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)


def search_words(text: str) -> str:
    """Text as it is indexed and searched: apostrophes closed up, so that `Didnt` finds `Didn't`."""
    return _APOSTROPHES.sub("", text)


def songs_of(frame: pd.DataFrame) -> Iterator[Song]:
    """The songs of a frame that have a title, an artist and a duration; other columns may be missing.

    A damaged file may have any number: a length that no song has counts as missing, a year as unknown.
    """
    columns = [_known(frame[name]) if name in frame else [None] * len(frame) for name in Song._fields]
    for values in zip(*columns, strict=True):
        song = Song(*values)
        if song.title and song.artist_name and 0 < (song.duration or 0) < _DAY:
            yield song._replace(
                release=song.release or song.title,
                year=int(song.year) if song.year and 1000 <= song.year <= 9000 else None,
                key=None if song.key is None else int(song.key),
                mode=None if song.mode is None else int(song.mode),
                time_signature=int(song.time_signature) if song.time_signature else None,
            )


def _known(column: pd.Series[Any]) -> list[Any]:
    """A column's values, None for every kind of missing (an Int64's NA is neither equal nor unequal)."""
    return column.astype(object).where(column.notna(), None).tolist()


def _open_to_write(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        db = sqlite3.connect(path, isolation_level=None, timeout=60)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("BEGIN IMMEDIATE")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                schema = files("music_assets.sandbox.spotify").joinpath("catalogue.sql").read_text("utf-8")
                for statement in schema.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {_VERSION}")
            db.execute("COMMIT")
            if version in (0, _VERSION):
                return db
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
        db.close()
        for suffix in ("", "-wal", "-shm"):  # it is only a cache
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    raise AssertionError("a fresh file is a catalogue")


def _build(db: sqlite3.Connection, key: str, fingerprint: str, songs: Iterable[Song]) -> None:
    """Replace one directory, whole or not at all."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        _remove_directory(db, key)
        added = db.execute("INSERT INTO directories (key, fingerprint) VALUES (?, ?)", [key, fingerprint])
        _insert(db, added.lastrowid, [(song, tracks_of(song)) for song in songs])


def _remove_directory(db: sqlite3.Connection, key: str) -> None:
    """Delete a directory's songs and tracks; its artists and albums may be others' too, and stay."""
    known = db.execute("SELECT number FROM directories WHERE key = ?", [key]).fetchone()
    if known:
        rows = db.execute(
            "SELECT number, name, artist_words, album_words FROM tracks WHERE directory = ?", known
        )
        # An index without content needs the texts that are removed.
        db.executemany(
            "INSERT INTO words (words, rowid, title, artist, album) VALUES ('delete', ?, ?, ?, ?)",
            [(number, *map(search_words, texts)) for number, *texts in rows.fetchall()],
        )
        for table in ("tracks", "songs", "recordings"):
            db.execute(f"DELETE FROM {table} WHERE directory = ?", known)
        db.execute("DELETE FROM directories WHERE number = ?", known)


def _insert(db: sqlite3.Connection, directory: int | None, made: list[tuple[Song, list[Track]]]) -> None:
    (last,) = db.execute("SELECT coalesce(max(number), 0) FROM tracks").fetchone()
    tracks = [track for _, tracks in made for track in tracks]
    numbered = [(last + number, track, _credits(track)) for number, track in enumerate(tracks, 1)]
    db.executemany(
        f"INSERT INTO tracks VALUES ({','.join('?' * 17)})",
        [
            (
                *(number, directory, t.id, t.name, " ".join(artist.id for artist in t.artists), t.album.id),
                *(t.isrc, t.duration_ms, t.popularity, t.number, t.key, t.mode, t.tempo, t.loudness),
                *(t.time_signature, credits, t.album.name),
            )
            for number, t, credits in numbered
        ],
    )
    db.executemany(
        "INSERT INTO words (rowid, title, artist, album) VALUES (?, ?, ?, ?)",
        [(number, *map(search_words, (t.name, credits, t.album.name))) for number, t, credits in numbered],
    )
    # Directories may disagree on an artist's spelling or an album's date: the larger name and popularity
    # and the earlier date win, whichever came first.
    db.executemany(
        "INSERT INTO artists VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "name = max(name, excluded.name), popularity = max(popularity, excluded.popularity)",
        list({VARIOUS: None} | {artist: None for t in tracks for artist in t.artists}),
    )
    db.executemany(
        "INSERT INTO albums VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "name = max(name, excluded.name), release_date = min(release_date, excluded.release_date)",
        list({t.album: None for t in tracks}),
    )
    # Several songs of a release share its album, which has room for all of them.
    db.executemany(
        "UPDATE albums SET total_tracks = max(total_tracks, "
        "(SELECT count(*) FROM tracks WHERE album_id = albums.id)) WHERE id = ?",
        [(id_,) for id_ in {t.album.id for t in tracks}],
    )
    db.executemany(
        f"INSERT OR REPLACE INTO songs VALUES ({','.join('?' * 8)})",
        [
            (
                *(song.track_id, directory, same_recording_key(song), song.duration),
                " ".join(track.id for track in of_song if track.right),
                *(song.song_id, song.title, song.artist_name),
            )
            for song, of_song in made
        ],
    )
    recordings = [recording for song, of_song in made for recording in recordings_of(song, of_song)]
    db.executemany(
        f"INSERT OR REPLACE INTO recordings VALUES ({','.join('?' * (len(Recording._fields) + 1))})",
        [(*recording, directory) for recording in recordings],
    )
    artists = {mbid for recording in recordings for mbid in recording.artist_mbids.split(",")}
    artists |= {song.artist_mbid for song, _ in made if song.artist_mbid}
    db.executemany("INSERT OR IGNORE INTO recorded_artists VALUES (?)", [(mbid,) for mbid in artists])


def _credits(track: Track) -> str:
    return " / ".join(artist.name for artist in track.artists)
