"""The MSD's songs as a queue: their release, their priority, and whether they are resolved.

Its tables are in the ledger's database, so that every machine finds them there. They are a cache, made of the
staged songs: what they say of responses the ledger says too, so they may be lost. What is searched for, and
how, is in `resolver`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from music_assets.matching import Song, normalise
from music_assets.sources.ledger import Ledger

_TABLES = sa.MetaData()
# `source` (the ledger's) comes late in keys and indexes: SQLite takes its first column for a selective one.
_SONGS = sa.Table(
    "backlog_songs",
    _TABLES,
    sa.Column("track_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("partition", sa.Text, nullable=False),
    sa.Column("song_id", sa.Text),
    sa.Column("artist_id", sa.Text),
    sa.Column("title", sa.Text),
    sa.Column("artist_name", sa.Text),
    sa.Column("release", sa.Text),
    sa.Column("duration", sa.Double),
    sa.Column("year", sa.Integer),
    sa.Column("hotttnesss", sa.Double, nullable=False),
    sa.Column("release_key", sa.Text, nullable=False),
    sa.Column("state", sa.Integer, nullable=False),
    sa.Column("priority", sa.Boolean, nullable=False),
    sa.Column("deferred", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)
_PARTITIONS = sa.Table(
    "backlog_partitions",
    _TABLES,
    sa.Column("partition", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("checksum", sa.Text, nullable=False),  # of the staged file
)
_PRIORITIES = sa.Table(
    "backlog_priorities",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),  # of a track, a song or an artist
    sa.Column("source", sa.Text, primary_key=True),
)
_ORDER = (
    _SONGS.c.priority.desc(),
    _SONGS.c.deferred,
    _SONGS.c.hotttnesss.desc(),
    _SONGS.c.track_id,
)
sa.Index("backlog_order", _SONGS.c.state, _SONGS.c.source, *_ORDER)
sa.Index("backlog_partition_order", _SONGS.c.partition, _SONGS.c.state, _SONGS.c.source, *_ORDER)
sa.Index("backlog_releases", _SONGS.c.release_key, _SONGS.c.source)


class SongState(IntEnum):
    """What has become of a song. A miss was searched for without a match: an album may still bring one."""

    OPEN = 0
    RESOLVED = 1
    MISSED = 2
    FAILED = 3


@dataclass(frozen=True)
class BacklogSong:
    """A song of the MSD, with what a search needs; `duration` in seconds."""

    track_id: str
    song_id: str | None
    artist_id: str | None
    title: str | None
    artist_name: str | None
    release: str | None
    duration: float | None
    year: int | None
    release_key: str
    state: SongState = SongState.OPEN
    deferred: bool = False  # not found with its release; what is left is a search of its own
    priority: bool = False  # before all others

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
    """The backlog of a ledger's source. Safe to use from several threads, and several processes.

    Every method raises `LedgerUnusable` where the database cannot be used.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._database = ledger.database
        self._source = ledger.source
        self._mine = _SONGS.c.source == ledger.source
        self._database.create(_TABLES)

    def has(self, partition: str, checksum: str) -> bool:
        """Whether a partition's songs are here as the staged file of that checksum has them."""
        stored = sa.select(_PARTITIONS.c.checksum).where(
            _PARTITIONS.c.source == self._source, _PARTITIONS.c.partition == partition
        )
        with self._database.connection() as connection:
            return connection.scalar(stored) == checksum

    def put(self, partition: str, checksum: str, songs: Iterable[Mapping[str, Any]]) -> list[BacklogSong]:
        """Store a partition's staged songs, in place of what was here of it; returns those that are new.

        The state of a song whose names are the same stays.
        """
        here = _SONGS.c.partition == partition
        new, rows = [], []
        with self._database.transaction() as connection:
            # First, as another process that stores this partition waits for the row.
            row = {"source": self._source, "partition": partition, "checksum": checksum}
            connection.execute(self._database.upsert(_PARTITIONS), row)
            priorities = self._priorities(connection)
            before = {song.track_id: song for song in self._songs(connection, here)}
            for staged in songs:
                song = _song(staged)
                known = before.get(song.track_id)
                if known and _names(known) == _names(song):
                    song = known
                else:
                    new.append(song)
                rows.append(
                    {
                        **vars(song),
                        "source": self._source,
                        "partition": partition,
                        "hotttnesss": staged["song_hotttnesss"] or 0.0,
                        "state": int(song.state),
                        "priority": bool({song.track_id, song.song_id, song.artist_id} & priorities),
                    }
                )
            connection.execute(sa.delete(_SONGS).where(self._mine, here))
            if rows:
                connection.execute(self._database.upsert(_SONGS), rows)
        return new

    def prioritize(self, ids: Iterable[str]) -> int:
        """Have these tracks, songs and artists come first, and no others; returns how many songs they are."""
        wanted = set(ids)
        with self._database.transaction() as connection:
            before = self._priorities(connection)
            if wanted != before:
                mine = _PRIORITIES.c.source == self._source
                connection.execute(sa.delete(_PRIORITIES).where(mine))
                if wanted:
                    rows = [{"source": self._source, "id": id_} for id_ in sorted(wanted)]
                    connection.execute(sa.insert(_PRIORITIES), rows)
                listed = sa.select(_PRIORITIES.c.id).where(mine)
                columns = (_SONGS.c.track_id, _SONGS.c.song_id, _SONGS.c.artist_id)
                is_listed = sa.or_(*(column.in_(listed) for column in columns))
                songs = sa.update(_SONGS).where(self._mine)
                connection.execute(songs.where(_SONGS.c.priority).values(priority=False))
                connection.execute(songs.where(is_listed).values(priority=True))
            if not wanted:
                return 0
            count = sa.select(sa.func.count()).select_from(_SONGS).where(self._mine, _SONGS.c.priority)
            return connection.scalar(count) or 0

    def next(self, count: int, partition: str | None = None) -> list[BacklogSong]:
        """The open songs that come next: by priority, deferred ones last, by `song_hotttnesss`, by id."""
        which = [_SONGS.c.state == int(SongState.OPEN)]
        if partition is not None:
            which.append(_SONGS.c.partition == partition)
        with self._database.connection() as connection:
            return self._songs(connection, *which, order=_ORDER, limit=count)

    def of_releases(self, keys: Iterable[str]) -> dict[str, list[BacklogSong]]:
        """The songs without a match of these releases, by release: open, missed and failed ones."""
        keys = list(keys)
        which = [_SONGS.c.release_key.in_(keys), _SONGS.c.state != int(SongState.RESOLVED)]
        found: dict[str, list[BacklogSong]] = {}
        with self._database.connection() as connection:
            for song in self._songs(connection, *which, order=[_SONGS.c.track_id]):
                found.setdefault(song.release_key, []).append(song)
        return {key: found[key] for key in keys if key in found}

    def mark(self, track_ids: Iterable[str], state: SongState) -> None:
        """Store what has become of these songs."""
        self._update(track_ids, state=int(state))

    def defer(self, track_ids: Iterable[str]) -> None:
        """Have these songs wait until the others were searched for."""
        self._update(track_ids, deferred=True)

    def retry_failed(self) -> None:
        """Open the songs again whose requests failed: this is another day."""
        failed = sa.update(_SONGS).where(self._mine, _SONGS.c.state == int(SongState.FAILED))
        with self._database.transaction() as connection:
            connection.execute(failed.values(state=int(SongState.OPEN)))

    def count(self) -> dict[str, int]:
        """How many songs are `open`, `resolved`, `missed` and `failed`, and how many `releases` there are."""
        by_state = sa.select(_SONGS.c.state, sa.func.count()).where(self._mine).group_by(_SONGS.c.state)
        releases = sa.select(sa.func.count(_SONGS.c.release_key.distinct())).where(self._mine)
        with self._database.connection() as connection:
            states: dict[int, int] = dict(connection.execute(by_state).all())
            counts = {state.name.lower(): states.get(state, 0) for state in SongState}
            return {**counts, "releases": connection.scalar(releases) or 0}

    def release_sizes(self) -> dict[int, int]:
        """How many releases have how many open songs."""
        is_open = _SONGS.c.state == int(SongState.OPEN)
        songs = sa.func.count().label("songs")
        sizes = sa.select(songs).where(self._mine, is_open).group_by(_SONGS.c.release_key).subquery()
        counts = sa.select(sizes.c.songs, sa.func.count()).group_by(sizes.c.songs)
        with self._database.connection() as connection:
            return dict(connection.execute(counts).all())

    def clear(self) -> None:
        """Forget all songs: what resolved them is no longer in the ledger."""
        with self._database.transaction() as connection:
            for table in _TABLES.sorted_tables:
                connection.execute(sa.delete(table).where(table.c.source == self._source))

    def _update(self, track_ids: Iterable[str], **values: Any) -> None:
        these = sa.update(_SONGS).where(self._mine, _SONGS.c.track_id.in_(list(track_ids)))
        with self._database.transaction() as connection:
            connection.execute(these.values(**values))

    def _priorities(self, connection: sa.Connection) -> set[str]:
        mine = _PRIORITIES.c.source == self._source
        return set(connection.scalars(sa.select(_PRIORITIES.c.id).where(mine)))

    def _songs(
        self,
        connection: sa.Connection,
        *which: sa.ColumnElement[bool],
        order: Iterable[sa.ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> list[BacklogSong]:
        columns = [_SONGS.c[field.name] for field in fields(BacklogSong)]
        songs = sa.select(*columns).where(self._mine, *which).order_by(*order).limit(limit)
        rows = connection.execute(songs).mappings()
        return [BacklogSong(**{**row, "state": SongState(row["state"])}) for row in rows]


def _song(staged: Mapping[str, Any]) -> BacklogSong:
    names = ("track_id", "song_id", "artist_id", "title", "artist_name", "release", "duration", "year")
    key = release_key(staged["artist_id"], staged["release"], staged["track_id"])
    return BacklogSong(**{name: staged[name] for name in names}, release_key=key)


def _names(song: BacklogSong) -> tuple[Any, ...]:
    return song.title, song.artist_name, song.release_key, song.duration
