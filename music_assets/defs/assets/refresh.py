"""Spotify as it is today: what is stalest requested again, and what matched artists have released since.

Three stages partitioned by day (UTC). A day has a share of the requests; each stage spends up to its part of
it and the next has what is left. A stage that ended early goes on the same day; a past day is never requested
again. What is stalest is chosen by SQL in `music_assets.warehouse.refresh_queries`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from dagster import AllPartitionMapping, AssetDep, AssetKey
from sqlalchemy import Select

from music_assets.defs.assets.common import REFRESH, SPOTIFY_REQUESTS, listed
from music_assets.defs.assets.spotify import requests_spent
from music_assets.defs.resources import RefreshResource, SpotifyResource, StagingResource, WarehouseResource
from music_assets.defs.source_resources import SourcesResource
from music_assets.defs.stages import Partition, stage
from music_assets.progress import advanced
from music_assets.sources.spotify import Fetched, SpotifyCatalog
from music_assets.staging.partitions import Metadata, Staged
from music_assets.staging.rows import Row
from music_assets.staging.store import StagingStore
from music_assets.tables import STAGED_BY_DAY, key_columns, row_columns
from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.refresh_queries import artists_to_list, stale_artists, stale_tracks

VERSION = "2"
ARTISTS, TRACKS, RELEASES = "spotify_artists_refresh", "spotify_tracks_refresh", "artist_releases"
FIRST_YEAR = 2011  # the MSD ends in 2010
# The part of the day's requests that may be spent when a stage ends: a third each, and what one leaves the
# next has.
_UP_TO = {ARTISTS: 1 / 3, TRACKS: 2 / 3, RELEASES: 1.0}
_BATCH = 50  # tracks or artists per request, with extended access
_AT_ONCE = 20  # requests between two looks at what is spent


def nothing_spent() -> Metadata:
    """What a day that is complete, or past, spends."""
    return {"requests_spent": 0}


@dataclass(frozen=True)
class Day:
    """One UTC day's refresh: how many requests it may spend, and what was staged of it so far."""

    date: date
    requests: int
    client: SpotifyCatalog
    store: StagingStore
    warehouse: Warehouse
    now: Callable[[], datetime]

    @property
    def start(self) -> datetime:
        return datetime.combine(self.date, time(), UTC)

    @property
    def is_today(self) -> bool:
        return self.now().date() == self.date

    def spent(self) -> int:
        """Requests behind what is staged of the day."""
        files = (self.store.staged_file(kind, self.date.isoformat()) for kind in _UP_TO)
        return sum(file.metadata.get("requests_used", 0) for file in files if file)

    def ids(self, query: Select[Any]) -> list[str]:
        with self.warehouse.transaction("choosing what to refresh") as connection:
            return list(connection.execute(query).scalars())


DayOf = Callable[[Partition], Day]


@contextmanager
def refreshing(
    keys: Sequence[str],
    spotify: SpotifyResource,
    staging: StagingResource,
    warehouse: WarehouseResource,
    refresh: RefreshResource,
) -> Iterator[DayOf]:
    """A function that gives a partition's day, with the share of requests that it got when its refresh
    began."""

    def day_of(partition: Partition) -> Day:
        client, name = spotify.catalog(), f"refresh requests {partition.key}"
        share = spotify.ledger.open().get_state(name)
        if share is None:
            left = [client.budget.left(kind) for kind in ("tracks", "artists", "artist-albums")]
            most = max((count for count in left if count is not None), default=None)
            share = {"requests": refresh.allowance(most)}
            spotify.ledger.open().set_state(name, share)
        day = date.fromisoformat(partition.key)
        return Day(day, share["requests"], client, staging.store(), warehouse.open(), now)

    def now() -> datetime:
        return datetime.fromtimestamp(spotify.clock(), UTC)

    yield day_of


# What the stages have in common.
_daily = partial(
    stage,
    version=VERSION,
    session=refreshing,
    when_unchanged=nothing_spent,
    pool=SPOTIFY_REQUESTS,
    attributes={"group": REFRESH, "kinds": {"spotify"}},
)
# What is stalest is chosen among what is loaded.
_LOADED = tuple(
    AssetDep(AssetKey(["warehouse", "staging", kind]), partition_mapping=AllPartitionMapping())
    for kind in ("mapped_songs", "artist_votes", "spotify_tracks", "spotify_artists")
)


@_daily(
    ARTISTS,
    after=_LOADED,
    description=(
        "The artists of matches that were not requested for longest, requested again, within a third of the "
        "day's share of requests (MUSIC_ASSETS_REFRESH_SHARE). In development mode Spotify gives no "
        "popularity: nothing is requested."
    ),
)
def spotify_artists_refresh(partition: Partition, session: DayOf) -> Staged:
    day = session(partition)

    def fetch(ids: Sequence[str]) -> tuple[list[Row], Fetched]:
        found = day.client.artists(ids, newer_than=day.start)
        gone = [_complete(ARTISTS, row) for row in _not_found(day, found, "spotify_artist_id")]
        return _new(day, found) + gone, found

    if day.client.mode == "development":
        return _staged(day, ARTISTS, partition, None, fetch)
    return _staged(day, ARTISTS, partition, stale_artists, fetch)


@_daily(
    TRACKS,
    after=(ARTISTS,),
    description=(
        "The matched tracks that were not requested for longest, requested again: first those whose details "
        "are missing since they came within an album. Tracks that Spotify does not know any more "
        "(`vanished`) or answers under another id (`relinked`) are recorded. The popularity that it does not "
        "give in development mode is ReccoBeats'; where Spotify is off, so is all of it."
    ),
)
def spotify_tracks_refresh(partition: Partition, session: DayOf, sources: SourcesResource) -> Staged:
    day, keyless = session(partition), sources.reccobeats()

    def fetch(ids: Sequence[str]) -> tuple[list[Row], Fetched]:
        if keyless and day.client.settings.off:
            found = keyless.tracks(ids, newer_than=day.start)[1]
            return _new(day, found), found
        found = day.client.tracks(ids, newer_than=day.start)
        gone = [{"vanished_at": day.now()} | one for one in _not_found(day, found, "spotify_track_id")]
        rows = _new(day, found)
        if keyless:
            keyless.add_popularity(rows, newer_than=day.start)
        return rows + [_complete(TRACKS, row) for row in gone], found

    return _staged(day, TRACKS, partition, stale_tracks, fetch, keyless=keyless is not None)


@_daily(
    RELEASES,
    after=(TRACKS,),
    description=(
        f"What matched artists have released since {FIRST_YEAR}, after the MSD: albums and singles. Artists "
        "with most matched songs come first, each once a month, with what is left of the day's share of "
        "requests."
    ),
)
def artist_releases(partition: Partition, session: DayOf, refresh: RefreshResource) -> Staged:
    day = session(partition)
    since = day.start - timedelta(days=refresh.releases_every_days - 1)

    def fetch(ids: Sequence[str]) -> tuple[list[Row], Fetched]:
        return _releases(day, ids, since)

    return _staged(day, RELEASES, partition, lambda _, limit: artists_to_list(since, limit), fetch)


def _staged(
    day: Day,
    kind: str,
    partition: Partition,
    stalest: Callable[[datetime, int], Select[Any]] | None,
    fetch: Callable[[Sequence[str]], tuple[list[Row], Fetched]],
    *,
    keyless: bool = False,
) -> Staged:
    """The day's rows of a kind: those staged before, and those requested now, as far as the requests go.

    With `keyless` there is something to fetch where Spotify is off, too.
    """
    key = key_columns(STAGED_BY_DAY[kind])[0]
    rows = [_complete(kind, row) for row in partition.previous_rows()]
    before = partition.previous.metadata if partition.previous else {}
    if not day.is_today or stalest is None or (day.client.settings.off and not keyless):
        return Staged(rows, {**_outcome(day, kind, rows, Fetched([]), 0), **before}, nothing_spent())
    had = {row[key] for row in rows}
    earlier = before.get("requests_used", 0)
    left = math.ceil(day.requests * _UP_TO[kind]) - day.spent()
    is_batched = day.client.settings.off or (day.client.mode == "extended" and kind != RELEASES)
    size = _BATCH if is_batched else 1
    ids = day.ids(stalest(day.start, left * size + len(had))) if left > 0 else []
    ids = [id_ for id_ in ids if id_ not in had][: left * size]
    at_first = requests_spent(day.client)
    found = Fetched([])
    failed = 0
    while ids and found.until is None and not found.denied and requests_spent(day.client) - at_first < left:
        at_once = 1 if kind == RELEASES else _AT_ONCE * size  # a list takes as many requests as it has pages
        some, ids = ids[:at_once], ids[at_once:]
        more, found = fetch(some)
        rows += more
        failed += len(found.failed)
        advanced("refreshed", kind, len(rows), len(rows) + len(ids), len(more))
    spent = requests_spent(day.client) - at_first
    rows.sort(key=lambda row: [str(row[name]) for name in key_columns(STAGED_BY_DAY[kind])])
    metadata = _outcome(day, kind, rows, found, failed) | {"requests_used": earlier + spent}
    return Staged(rows, metadata, {"requests_spent": spent}, complete=found.until is None)


def _releases(day: Day, ids: Sequence[str], since: datetime) -> tuple[list[Row], Fetched]:
    """The new ones; an artist without any has a row without a release, which says that it was requested."""
    found = day.client.artist_albums(ids, newer_than=since)
    rows = [row for row in found.rows if row["fetched_at"] >= since]
    new = [row for row in rows if (row["release_year"] or 0) >= FIRST_YEAR]
    # A release that is listed twice, as an album and as a single, is one.
    new = list({(row["spotify_artist_id"], row["spotify_album_id"]): row for row in new}.values())
    unanswered = {*found.pending, *found.failed}
    without = [id_ for id_ in ids if id_ not in unanswered | {row["spotify_artist_id"] for row in new}]
    about = {"source": day.client.settings.source, "fetched_at": day.now()}
    marks = [_complete(RELEASES, {"spotify_artist_id": id_, **about}) for id_ in without if not found.denied]
    return new + marks, found


def _new(day: Day, found: Fetched) -> list[Row]:
    """What was answered today; what could not be renewed comes as it was, and is left out."""
    return [row for row in found.rows if row["fetched_at"] >= day.start]


def _not_found(day: Day, found: Fetched, key: str) -> list[Row]:
    """For each id that Spotify does not know, a row that says when it said so."""
    unanswered = {*found.pending, *found.failed}
    about = {"source": day.client.settings.source, "fetched_at": day.now()}
    return [{key: id_, **about} for id_ in found.not_found if id_ not in unanswered]


def _complete(kind: str, row: Row) -> Row:
    """With every column that is declared now: a past day cannot be requested again."""
    return dict.fromkeys(row_columns(STAGED_BY_DAY[kind])) | row


def _outcome(day: Day, kind: str, rows: list[Row], found: Fetched, failed: int) -> dict[str, Any]:
    """What a partition shows of its rows and of what could not be requested; counts alone."""

    def having(name: str) -> int:
        return sum(row[name] is not None for row in rows)

    if kind == RELEASES:
        artists = {row["spotify_artist_id"] for row in rows}
        counts = {"artists": len(artists), "releases": having("spotify_album_id")}
    else:
        counts = {"with_popularity": having("popularity")}
    if kind == TRACKS:
        counts |= {"vanished": having("vanished_at"), "relinked": having("relinked_to")}
    return {
        **counts,
        "requests_used": 0,
        "requests_allowed": day.requests,
        "failed": failed,
        "denied": found.denied,
        "reasons": listed([found.reason] if found.reason else []),
        "go_on_at": found.until.isoformat(timespec="seconds") if found.until else "",
        "access": day.client.mode or "not known yet",
        "missing": list(day.client.missing({ARTISTS: "artists", TRACKS: "tracks"}.get(kind, ""))),
    }
