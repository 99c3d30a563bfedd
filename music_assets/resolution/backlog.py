"""The MSD's songs as a queue: their release, their priority, and whether they are resolved.

Its tables are in the ledger's database, so that every machine finds them there. They are a cache, made of the
staged songs and the ledger's responses, so they may be lost. What is searched for, and how, is in `resolver`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import sqlalchemy as sa

from music_assets.ids import partition_of
from music_assets.matching import Song, normalise
from music_assets.sources.ledger import Ledger
from music_assets.sources.ledger.schema import RESPONSES


class SongState(IntEnum):
    """The state of a song. A miss was searched for without a match: an album may still bring one."""

    OPEN = 0  # to be looked up where it costs no request to Spotify
    RESOLVED = 1
    MISSED = 2
    FAILED = 3  # until the next run
    SEARCHABLE = 4  # no other source knows it: what is left is to search Spotify
    UNREACHED = 5  # a source could not be reached: the next run tries that, this one may search Spotify
    UNLISTED = 6  # no id of it is known: its artist's tracks are still to be read


_UNMATCHED = (int(SongState.SEARCHABLE), int(SongState.MISSED))
_REOPENED = "backlog reopened/"  # … by partition
_MARKET = "backlog market"
_LOOKUPS = "backlog lookups"  # the name of a state in the ledger
_UNRESOLVED = (SongState.OPEN, SongState.UNLISTED, SongState.SEARCHABLE, SongState.UNREACHED)


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
    deferred: bool = False  # not found with its release; what is left is a search of its own
    priority: bool = False  # before all others
    state: SongState = SongState.OPEN

    @property
    def is_open(self) -> bool:
        """Whether a request may still resolve it."""
        return self.state in _UNRESOLVED

    @property
    def song(self) -> Song:
        """As the matcher takes it."""
        return Song(self.title, self.artist_name, self.release, self.duration, self.year)


_TABLES = sa.MetaData()
# `source` (the ledger's) comes late in keys and indexes: SQLite takes its first column for a selective one.
_SONGS = sa.Table(
    "backlog_songs",
    _TABLES,
    sa.Column("track_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("partition", sa.Text, nullable=False),
    *(sa.Column(name, sa.Text) for name in ("song_id", "artist_id", "title", "artist_name", "release")),
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
_SONG = _SONGS.c
_ORDER = (_SONG.priority.desc(), _SONG.deferred, _SONG.hotttnesss.desc(), _SONG.track_id)
sa.Index("backlog_order", _SONG.state, _SONG.source, *_ORDER)
sa.Index("backlog_partition_order", _SONG.partition, _SONG.state, _SONG.source, *_ORDER)
sa.Index("backlog_releases", _SONG.release_key, _SONG.source)
sa.Index("backlog_artists", _SONG.artist_id, _SONG.source)

# Statements are built once, as that takes longer than to execute them. `mine` is the ledger's source.
_MINE: sa.BindParameter[str] = sa.bindparam("mine")
_SELECT = sa.select(*(_SONG[field.name] for field in fields(BacklogSong))).where(_SONG.source == _MINE)
_OF_PARTITION = _SELECT.where(_SONG.partition == sa.bindparam("of"))
_NEXT = _SELECT.where(_SONG.state == sa.bindparam("now")).order_by(*_ORDER).limit(sa.bindparam("most"))
_NEXT_OF_PARTITION = _NEXT.where(_SONG.partition == sa.bindparam("of"))
_OF_RELEASES = _SELECT.where(
    _SONG.release_key.in_(sa.bindparam("keys", expanding=True)), _SONG.state != int(SongState.RESOLVED)
).order_by(_SONG.track_id)
_OF_ARTISTS = _SELECT.where(
    _SONG.artist_id.in_(sa.bindparam("keys", expanding=True)), _SONG.state == int(SongState.UNLISTED)
).order_by(_SONG.track_id)
_OF_KNOWN_ALBUMS = (
    _SELECT.where(
        _SONG.state == int(SongState.SEARCHABLE),
        _SONG.track_id > sa.bindparam("after"),
        _SONG.release_key.in_(
            sa.select(RESPONSES.c.id).where(
                RESPONSES.c.source == _MINE,
                RESPONSES.c.purpose == sa.bindparam("purpose"),
                RESPONSES.c.entity == "release",
            )
        ),
    )
    .order_by(_SONG.track_id)
    .limit(400)
)
_CHECKSUM = sa.select(_PARTITIONS.c.checksum).where(
    _PARTITIONS.c.source == _MINE, _PARTITIONS.c.partition == sa.bindparam("of")
)
_LISTED = sa.select(_PRIORITIES.c.id).where(_PRIORITIES.c.source == _MINE)
_PRIORITY_PARTITIONS = sa.select(_SONG.partition).distinct().where(_SONG.source == _MINE, _SONG.priority)
_UPDATE = sa.update(_SONGS).where(_SONG.source == _MINE)
_THESE = _UPDATE.where(_SONG.track_id.in_(sa.bindparam("ids", expanding=True)))
_MARK = _THESE.values(state=sa.bindparam("now"))
_DEFER = _THESE.values(deferred=True)
_RETRY = _UPDATE.where(_SONG.state.in_([int(SongState.FAILED), int(SongState.UNREACHED)])).values(
    state=int(SongState.OPEN)
)
_REOPEN = _THESE.values(state=int(SongState.OPEN), deferred=True)
_AT_ONCE = 500  # ids per statement
_REMOVE = sa.delete(_SONGS).where(_SONG.source == _MINE, _SONG.partition == sa.bindparam("of"))
_OPEN_RELEASES = sa.select(sa.func.count(_SONG.release_key.distinct())).where(
    _SONG.source == _MINE, _SONG.state.in_([*map(int, _UNRESOLVED), int(SongState.FAILED)])
)
_COUNT = sa.select(_SONG.state, sa.func.count()).where(_SONG.source == _MINE).group_by(_SONG.state)


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

    def __init__(self, ledger: Ledger, *, only_priority: bool = False) -> None:
        self.only_priority = only_priority  # whether `next` leaves out all other songs
        self._ledger = ledger
        self._database = ledger.database
        self._source = ledger.source
        self._database.create(_TABLES)

    def has(self, partition: str, checksum: str) -> bool:
        """Whether a partition's songs are here as the staged file of that checksum has them."""
        return [checksum] == [row[0] for row in self._run(_CHECKSUM, of=partition)]

    def put(self, partition: str, checksum: str, songs: Iterable[Mapping[str, Any]]) -> list[BacklogSong]:
        """Store a partition's staged songs, in place of what was here of it; returns those that are new.

        The state of a song whose names are the same stays.
        """
        of = {"mine": self._source, "of": partition}
        new, rows = [], []
        with self._database.transaction() as connection:
            # First, as another process that stores this partition waits for the row.
            row = {"source": self._source, "partition": partition, "checksum": checksum}
            connection.execute(self._database.upsert(_PARTITIONS), row)
            listed = set(connection.scalars(_LISTED, of))
            before = {song.track_id: song for song in map(_song, connection.execute(_OF_PARTITION, of))}
            for staged in songs:
                song = _staged_song(staged)
                known = before.get(song.track_id)
                if known and _names(known) == _names(song):
                    song = known
                else:
                    new.append(song)
                stored = {
                    "source": self._source,
                    "partition": partition,
                    "hotttnesss": staged["song_hotttnesss"] or 0.0,
                    "state": int(song.state),
                    "priority": bool({song.track_id, song.song_id, song.artist_id} & listed),
                }
                rows.append({**vars(song), **stored})
            if before:
                connection.execute(_REMOVE, of)
            if rows:
                connection.execute(self._database.upsert(_SONGS), rows)
        return new

    def prioritize(self, ids: Iterable[str]) -> int:
        """Have these tracks, songs and artists come first, and no others; returns how many songs they are."""
        mine, wanted = {"mine": self._source}, set(ids)
        with self._database.transaction() as connection:
            if wanted != set(connection.scalars(_LISTED, mine)):
                connection.execute(sa.delete(_PRIORITIES).where(_PRIORITIES.c.source == self._source))
                if wanted:
                    rows = [{"source": self._source, "id": id_} for id_ in sorted(wanted)]
                    connection.execute(sa.insert(_PRIORITIES), rows)
                is_listed = sa.or_(
                    *(_SONG[name].in_(_LISTED) for name in ("track_id", "song_id", "artist_id"))
                )
                connection.execute(_UPDATE.where(_SONG.priority).values(priority=False), mine)
                connection.execute(_UPDATE.where(is_listed).values(priority=True), mine)
            count = sa.select(sa.func.count()).where(_SONG.source == _MINE, _SONG.priority)
            return (connection.scalar(count, mine) or 0) if wanted else 0

    def next(
        self, count: int, partition: str | None = None, state: SongState = SongState.OPEN
    ) -> list[BacklogSong]:
        """The next songs in a state: by priority, deferred ones last, by `song_hotttnesss`, by id."""
        query, of = (_NEXT, {}) if partition is None else (_NEXT_OF_PARTITION, {"of": partition})
        if self.only_priority:
            query = query.where(_SONG.priority)
        return list(map(_song, self._run(query, most=count, now=int(state), **of)))

    def of_releases(self, keys: Iterable[str]) -> dict[str, list[BacklogSong]]:
        """The songs without a match of these releases, by release: open, missed and failed ones."""
        found: dict[str, list[BacklogSong]] = {key: [] for key in keys}
        for song in map(_song, self._run(_OF_RELEASES, keys=list(found)) if found else ()):
            found[song.release_key].append(song)
        return {key: songs for key, songs in found.items() if songs}

    def of_artists(self, ids: Collection[str]) -> list[BacklogSong]:
        """The songs of these artists (by the MSD's ids) of which no id is known."""
        return list(map(_song, self._run(_OF_ARTISTS, keys=list(ids)))) if ids else []

    def with_known_albums(self, purpose: str, after: str) -> list[BacklogSong]:
        """Songs to search for whose releases have albums recorded for a purpose; by id, those `after`."""
        return list(map(_song, self._run(_OF_KNOWN_ALBUMS, purpose=purpose, after=after)))

    def mark(self, track_ids: Iterable[str], state: SongState) -> None:
        """Set the state of these songs."""
        self._update(_MARK, track_ids, now=int(state))

    def defer(self, track_ids: Iterable[str]) -> None:
        """Have these songs wait until the others were searched for."""
        self._update(_DEFER, track_ids)

    def retry_failed(self, lookups: str = "") -> None:
        """Open the songs again whose requests failed, or that a source could not be reached for.

        Where `lookups`, which says what the sources are, is another than the last time, those without a match
        too; all, where there was no last time: up to commit 571ee3e, songs without one counted as resolved.
        """
        before = self._ledger.get_state(_LOOKUPS)
        with self._database.connection() as connection:
            connection.execute(_RETRY, {"mine": self._source})
            if before != {"lookups": lookups}:
                again = _UPDATE.where(_SONG.state.in_(_UNMATCHED)) if before else _UPDATE
                connection.execute(again.values(state=int(SongState.OPEN)), {"mine": self._source})
        self._ledger.set_state(_LOOKUPS, {"lookups": lookups})

    def priority_partitions(self) -> set[str]:
        """The partitions with songs that come first."""
        return {row[0] for row in self._run(_PRIORITY_PARTITIONS)}

    def reopen(self, track_ids: Sequence[str]) -> None:
        """Open songs again that were searched for long ago, after all others."""
        for start in range(0, len(track_ids), _AT_ONCE):
            self._update(_REOPEN, track_ids[start : start + _AT_ONCE])
        for key in {partition_of(track_id) for track_id in track_ids}:
            self._ledger.set_state(_REOPENED + key, {"at": datetime.now(UTC).isoformat()})

    def reopened(self, partition: str) -> str:
        """When songs of a partition were opened again last: what is known of them may be new since."""
        return str((self._ledger.get_state(_REOPENED + partition) or {}).get("at", ""))

    def count(self, partition: str | None = None) -> dict[str, int]:
        """How many songs (of a partition) are `open` in any state, `resolved`, `missed` and `failed`."""
        counts = _COUNT if partition is None else _COUNT.where(_SONG.partition == sa.bindparam("of"))
        states = dict(self._run(counts, **({} if partition is None else {"of": partition})))
        closed = {s.name.lower(): states.get(s, 0) for s in SongState if s not in _UNRESOLVED}
        return {"open": sum(states.get(state, 0) for state in _UNRESOLVED), **closed}

    def open_releases(self) -> int:
        """How many releases have songs that are open or failed."""
        ((count,),) = self._run(_OPEN_RELEASES)
        return int(count)

    def follow_market(self, market: str | None) -> None:
        """Forget all songs where they were resolved in another market: responses are cached by market."""
        if (self._ledger.get_state(_MARKET) or {}).get("market") != market:
            self.clear()
            self._ledger.set_state(_MARKET, {"market": market})

    def clear(self) -> None:
        """Forget all songs: what resolved them is no longer in the ledger."""
        with self._database.transaction() as connection:
            for table in _TABLES.sorted_tables:
                connection.execute(sa.delete(table).where(table.c.source == self._source))

    def _run(self, query: sa.Select[Any], **values: Any) -> list[Any]:
        with self._database.connection() as connection:
            return list(connection.execute(query, {"mine": self._source, **values}))

    def _update(self, statement: sa.Update, track_ids: Iterable[str], **values: Any) -> None:
        if ids := list(track_ids):
            with self._database.connection() as connection:
                connection.execute(statement, {"mine": self._source, "ids": ids, **values})


def _song(row: Iterable[Any]) -> BacklogSong:
    values = list(row)
    values[-1] = SongState(values[-1])
    return BacklogSong(*values)


def _staged_song(staged: Mapping[str, Any]) -> BacklogSong:
    names = ("track_id", "song_id", "artist_id", "title", "artist_name", "release", "duration", "year")
    key = release_key(staged["artist_id"], staged["release"], staged["track_id"])
    return BacklogSong(**{name: staged[name] for name in names}, release_key=key)


def _names(song: BacklogSong) -> tuple[Any, ...]:
    return song.title, song.artist_name, song.release_key, song.duration
