"""The MSD's songs as far as asking goes: their release, how much they are wanted, whether they are settled.

A cache in one SQLite file beside the ledger, made of the staged songs: what it says of answers, the ledger
says too, so it may be lost. What to ask is in `asker`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from music_assets.matching import Song, normalise

_VERSION = 2  # 1 did not put songs off
_SCHEMA = """
CREATE TABLE IF NOT EXISTS songs (
    track_id TEXT PRIMARY KEY, partition TEXT NOT NULL, song_id TEXT, artist_id TEXT,
    title TEXT, artist_name TEXT, release TEXT, duration REAL, year INTEGER,
    hotttnesss REAL NOT NULL, release_key TEXT NOT NULL, listed INTEGER NOT NULL, state INTEGER NOT NULL,
    put_off INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS wanted ON songs (state, listed DESC, put_off, hotttnesss DESC, track_id);
CREATE INDEX IF NOT EXISTS released ON songs (release_key);
CREATE INDEX IF NOT EXISTS placed ON songs (partition, state);
CREATE TABLE IF NOT EXISTS partitions (key TEXT PRIMARY KEY, checksum TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS listed (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS chances (name TEXT PRIMARY KEY, tries REAL NOT NULL, brought REAL NOT NULL);
"""


class SongState(IntEnum):
    """What has become of a song. A miss was searched for without a match: an album may still bring one."""

    OPEN = 0
    RESOLVED = 1
    MISSED = 2
    FAILED = 3


_FIELDS = (
    "track_id, song_id, artist_id, title, artist_name, release, duration, year, release_key, state, put_off, "
    "listed"
)


@dataclass(frozen=True)
class BacklogSong:
    """A song of the MSD, with what asking needs; `duration` in seconds."""

    track_id: str
    song_id: str | None
    artist_id: str | None
    title: str | None
    artist_name: str | None
    release: str | None
    duration: float | None
    year: int | None
    release_key: str
    state: SongState
    deferred: bool = False  # looked for in vain; what is left is a search of its own
    priority: bool = False  # wanted before all others

    @property
    def song(self) -> Song:
        """As the matcher takes it."""
        return Song(self.title, self.artist_name, self.release, self.duration, self.year)


def release_key(artist_id: str | None, release: str | None, track_id: str) -> str:
    """What the songs of one artist and release have in common; a song without one has its own.

    A compilation of many artists is so many releases: its album says nothing of what else is on it.
    """
    name = normalise(release)
    return f"{artist_id}/{name}" if artist_id and name else f"/{track_id}"


class SearchBacklog:
    """The index in one file. Safe to use from several threads; a file is for one process at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        # Nothing here is worth a sync: it can be made again.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            for name in ("songs", "partitions", "listed", "chances"):
                self._db.execute(f"DROP TABLE IF EXISTS {name}")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def has(self, partition: str, checksum: str) -> bool:
        """Whether a partition's songs are here as that staged file has them."""
        row = self._one("SELECT checksum FROM partitions WHERE key = ?", partition)
        return row is not None and row[0] == checksum

    def put(self, partition: str, checksum: str, songs: Iterable[Mapping[str, Any]]) -> list[BacklogSong]:
        """Take in a partition's staged songs, in place of what was here of it; gives back what is new.

        What is known of a song whose names are the same stays known.
        """
        with self._transaction():
            had = {song.track_id: song for song in self._songs("partition = ?", partition)}
            listed = {id_ for (id_,) in self._db.execute("SELECT id FROM listed")}
            self._db.execute("DELETE FROM songs WHERE partition = ?", (partition,))
            fresh = []
            for row in songs:
                song = _indexed(row)
                before = had.get(song.track_id)
                if before and _names(before) == _names(song):
                    song = before
                else:
                    fresh.append(song)
                wanted = bool({song.track_id, song.song_id, song.artist_id} & listed)
                self._db.execute(
                    "INSERT OR REPLACE INTO songs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(song.track_id, partition, song.song_id, song.artist_id, song.title),
                        *(song.artist_name, song.release, song.duration, song.year),
                        *(row["song_hotttnesss"] or 0.0, song.release_key, wanted, song.state, song.deferred),
                    ),
                )
            self._db.execute("INSERT OR REPLACE INTO partitions VALUES (?, ?)", (partition, checksum))
        return fresh

    def prioritize(self, ids: Iterable[str]) -> int:
        """Make these tracks, songs and artists come first, and no others; says how many songs they are."""
        with self._transaction():
            self._db.execute("DELETE FROM listed")
            self._db.executemany("INSERT OR IGNORE INTO listed VALUES (?)", ((id_,) for id_ in ids))
            self._db.execute("UPDATE songs SET listed = 0 WHERE listed = 1")
            return self._db.execute(
                "UPDATE songs SET listed = 1 WHERE track_id IN (SELECT id FROM listed) "
                "OR song_id IN (SELECT id FROM listed) OR artist_id IN (SELECT id FROM listed)"
            ).rowcount

    def next(self, count: int, partition: str | None = None) -> list[BacklogSong]:
        """The songs to ask about next: listed ones first, those put off last; by `song_hotttnesss`, by id."""
        where, values = (
            ("state = 0", ()) if partition is None else ("state = 0 AND partition = ?", (partition,))
        )
        order = "listed DESC, put_off, hotttnesss DESC, track_id"
        with self._lock:
            return self._songs(f"{where} ORDER BY {order} LIMIT {int(count)}", *values)

    def of_releases(self, keys: Iterable[str]) -> dict[str, list[BacklogSong]]:
        """The songs without a match of these releases, by release: open ones and misses."""
        found: dict[str, list[BacklogSong]] = {}
        with self._lock:
            for key in keys:
                if songs := self._songs("release_key = ? AND state <> 1 ORDER BY track_id", key):
                    found[key] = songs
        return found

    def mark(self, track_ids: Iterable[str], state: SongState) -> None:
        """Note what has become of these songs."""
        with self._transaction():
            self._db.executemany(
                "UPDATE songs SET state = ? WHERE track_id = ?", ((state, id_) for id_ in track_ids)
            )

    def defer(self, track_ids: Iterable[str]) -> None:
        """Have these songs wait until the others have been asked about."""
        with self._transaction():
            self._db.executemany(
                "UPDATE songs SET put_off = 1 WHERE track_id = ?", ((id_,) for id_ in track_ids)
            )

    def retry_failed(self) -> None:
        """Open the songs again whose questions failed: this is another day."""
        with self._transaction():
            self._db.execute(f"UPDATE songs SET state = {SongState.OPEN} WHERE state = {SongState.FAILED}")

    def count(self) -> dict[str, int]:
        """How many songs are `open`, `resolved`, `missed` and `failed`, and how many `releases` there are."""
        names = ("open", "resolved", "missed", "failed")
        with self._lock:
            states = dict(self._db.execute("SELECT state, count(*) FROM songs GROUP BY state").fetchall())
            (releases,) = self._db.execute("SELECT count(DISTINCT release_key) FROM songs").fetchone()
        return {**{name: states.get(state, 0) for state, name in enumerate(names)}, "releases": releases}

    def release_sizes(self) -> dict[int, int]:
        """How many releases have how many songs that are open."""
        with self._lock:
            return dict(
                self._db.execute(
                    "SELECT n, count(*) FROM (SELECT count(*) AS n FROM songs "
                    f"WHERE state = {SongState.OPEN} GROUP BY release_key) GROUP BY n"
                ).fetchall()
            )

    def chances(self) -> dict[str, tuple[float, float]]:
        """What was tried and what it brought, by name."""
        with self._lock:
            rows = self._db.execute("SELECT name, tries, brought FROM chances").fetchall()
        return {name: (tries, brought) for name, tries, brought in rows}

    def keep_chances(self, chances: Mapping[str, tuple[float, float]]) -> None:
        """Keep what was tried and what it brought."""
        with self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO chances VALUES (?, ?, ?)",
                ((name, *said) for name, said in chances.items()),
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _songs(self, where: str, *values: Any) -> list[BacklogSong]:
        rows = self._db.execute(f"SELECT {_FIELDS} FROM songs WHERE {where}", values)
        return [BacklogSong(*row) for row in rows]

    def _one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        with self._lock:
            row: tuple[Any, ...] | None = self._db.execute(sql, values).fetchone()
            return row

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _indexed(row: Mapping[str, Any]) -> BacklogSong:
    return BacklogSong(
        track_id=row["track_id"],
        song_id=row["song_id"],
        artist_id=row["artist_id"],
        title=row["title"],
        artist_name=row["artist_name"],
        release=row["release"],
        duration=row["duration"],
        year=row["year"],
        release_key=release_key(row["artist_id"], row["release"], row["track_id"]),
        state=SongState.OPEN,
    )


def _names(song: BacklogSong) -> tuple[Any, ...]:
    return song.title, song.artist_name, song.release_key, song.duration
