"""Spotify as it is today: what is stalest asked about again, and what matched artists have released since.

Within a share of the requests, once a day: each kind is staged as a slice named by its UTC day, judged and
loaded beside the slices of the partitions; the published tables take the newest of both. What is stalest is
chosen in `music_assets.warehouse.refresh_queries`; first answers are `spotify`'s matter.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dagster import AssetExecutionContext, Failure, MaterializeResult, asset
from sqlalchemy import Select, select

from music_assets.defs.assets.common import OWNERS, REFRESH, column_schema, listed
from music_assets.defs.assets.spotify import requests_spent
from music_assets.defs.assets.staging import judge
from music_assets.defs.json_lines import write_slice
from music_assets.defs.manifests import read_verdicts, write_verdict
from music_assets.defs.resources import RefreshResource, SpotifyResource, StagingResource, WarehouseResource
from music_assets.defs.slices import Made
from music_assets.progress import advanced
from music_assets.sources.spotify import Fetched, SpotifyCatalog
from music_assets.staging.rows import decode
from music_assets.staging.store import StagedFile, StagingStore
from music_assets.staging.validation import gate_version
from music_assets.tables import LOADS, STAGED_BY_DAY, key_columns, row_columns
from music_assets.warehouse.engine import Warehouse
from music_assets.warehouse.manifest import CopyFrom
from music_assets.warehouse.refresh_queries import artists_to_list, stale_artists, stale_tracks

CODE_VERSION = "1"
NAME, RELEASES, SLICES = "spotify_refresh", "artist_releases", "refreshed_slices"
FIRST_YEAR = 2011  # the MSD ends in 2010
_SHARE, _STATE = ".share.json", ".state.json"
# How much of the day's requests is spent when a kind is done: a third each, and what one leaves the next has.
_UNTIL = {"spotify_artists_refresh": 1 / 3, "spotify_tracks_refresh": 2 / 3, RELEASES: 1.0}
_BATCH = 50  # tracks or artists a request, with extended access
_AT_ONCE = 20  # requests between two looks at what is spent

Row = dict[str, Any]
_ABOUT: dict[str, Any] = {
    "group_name": REFRESH,
    "owners": OWNERS,
    "kinds": {"spotify", "json"},
    "tags": {"terms": "spotify", "spends": "requests"},
    "code_version": CODE_VERSION,
}


@dataclass(frozen=True)
class Day:
    """One UTC day's refresh: how many requests it may spend, and what was staged of it so far."""

    date: date
    requests: int
    client: SpotifyCatalog
    store: StagingStore
    warehouse: Warehouse
    now: Callable[[], datetime]
    run_id: str

    @property
    def name(self) -> str:
        """The slice."""
        return self.date.isoformat()

    @property
    def start(self) -> datetime:
        return datetime.combine(self.date, time(), UTC)

    def staged_file(self, kind: str) -> StagedFile | None:
        return self.store.staged_file(kind, self.name)

    def spent(self) -> int:
        """Requests that went into what is staged of the day."""
        receipts = (self.staged_file(kind) for kind in STAGED_BY_DAY)
        return sum(receipt.metadata["requests_spent"] for receipt in receipts if receipt)

    def ids(self, query: Select[Any]) -> list[str]:
        with self.warehouse.transaction("choosing what to refresh") as connection:
            return list(connection.execute(query).scalars())


@asset(
    name=NAME,
    **_ABOUT,
    description=(
        "Asks Spotify again about the matched tracks and artists not asked about for longest, those first "
        "whose details lack since they came within an album. It spends a share of the day's requests "
        "(MUSIC_ASSETS_REFRESH_SHARE, MUSIC_ASSETS_REFRESH_REQUESTS) and stages a slice named by the day; "
        "materialising again the same day asks nothing that was answered. Tracks that Spotify does not know "
        "any more or answers under another id are recorded. In development mode it gives no popularity: "
        "`missing` says so."
    ),
)
def spotify_refresh(
    context: AssetExecutionContext,
    spotify: SpotifyResource,
    staging: StagingResource,
    warehouse: WarehouseResource,
    refresh: RefreshResource,
) -> MaterializeResult[Any]:
    day = _today(spotify, staging, warehouse, refresh, context.run.run_id)
    client, before = day.client, requests_spent(day.client)
    artists = None
    if client.mode != "development" or client.settings.artist_gets:
        artists = _take(day, "spotify_artists_refresh", stale_artists, lambda ids: _artists(day, ids))
    tracks = _take(day, "spotify_tracks_refresh", stale_tracks, lambda ids: _tracks(day, ids))
    return MaterializeResult(
        metadata={
            "artists": artists.rows if artists else 0,
            "tracks": tracks.rows,
            **{name: tracks.metadata[name] for name in ("vanished", "relinked")},
            "with_popularity": sum(one.metadata["with_popularity"] for one in (artists, tracks) if one),
            "missing": sorted({*client.missing("tracks"), *client.missing("artists")}),
            "requests_spent": requests_spent(client) - before,
            **_told(day, *(one for one in (artists, tracks) if one)),
        }
    )


@asset(
    name=RELEASES,
    **_ABOUT,
    deps=[NAME],
    metadata={"dagster/column_schema": column_schema(STAGED_BY_DAY[RELEASES])},
    description=(
        f"What matched artists have released since {FIRST_YEAR}, after the MSD: albums and singles. Artists "
        "with most matched songs are asked about first, each once in MUSIC_ASSETS_RELEASES_EVERY_DAYS days, "
        "with what the refresh has left of its share of requests."
    ),
)
def artist_releases(
    context: AssetExecutionContext,
    spotify: SpotifyResource,
    staging: StagingResource,
    warehouse: WarehouseResource,
    refresh: RefreshResource,
) -> MaterializeResult[Any]:
    day = _today(spotify, staging, warehouse, refresh, context.run.run_id)
    before = requests_spent(day.client)
    since = day.start - timedelta(days=refresh.releases_every_days - 1)
    found = _take(
        day,
        RELEASES,
        lambda _, limit: artists_to_list(since, limit),
        lambda ids: _releases(day, ids, since),
    )
    facts = {name: found.metadata[name] for name in ("artists", "releases")}
    spent = {"requests_spent": requests_spent(day.client) - before}
    return MaterializeResult(metadata={**facts, **spent, **_told(day, found)})


@asset(
    name=SLICES,
    group_name=REFRESH,
    owners=OWNERS,
    kinds={"sql", "table"},
    tags={"terms": "spotify"},
    deps=[NAME, RELEASES],
    description=(
        "The gate for the slices of days, and their load: what was refreshed, beside the slices of the "
        "partitions in `staging`. Loads the slices of earlier days too where the warehouse lacks them."
    ),
)
def refreshed_slices(
    context: AssetExecutionContext, staging: StagingResource, warehouse: WarehouseResource
) -> MaterializeResult[Any]:
    store, opened = staging.store(), warehouse.open()
    refused: list[str] = []
    rows = slices = 0
    for kind in STAGED_BY_DAY:
        manifests = []
        for receipt in _not_loaded(store, opened, kind):
            name = f"staged_json/{kind}"
            (verdict,) = read_verdicts(store, name, [receipt.partition_key])
            version = gate_version(STAGED_BY_DAY[kind])
            if verdict is None or not verdict.stands(receipt.checksum, version):
                verdict = judge(store, _with_all_columns(store, receipt))
                write_verdict(store, name, receipt.partition_key, verdict)
            if verdict.passed:
                manifests.append(verdict.manifest)
            else:
                refused.append(f"{kind} {receipt.partition_key}: {'; '.join(verdict.problems)}")
        done = opened.load(CopyFrom(kind, tuple(manifests)), context.run.run_id)
        slices, rows = slices + len(done.loaded), rows + sum(done.loaded.values())
    if refused:
        raise Failure("The staged files of days are refused: " + " ".join(refused), allow_retries=False)
    advanced("refreshed", "slices", 1, 1, rows)
    return MaterializeResult(metadata={"slices_loaded": slices, "rows_loaded": rows})


def read_state(store: StagingStore) -> dict[str, Any]:
    """The days that were refreshed (`days`), and when the last one was (`at`, UTC; None for never)."""
    return store.read_json(NAME, "all", _STATE) or {"days": [], "at": None}


def _today(
    spotify: SpotifyResource,
    staging: StagingResource,
    warehouse: WarehouseResource,
    refresh: RefreshResource,
    run_id: str,
) -> Day:
    """The day that it is, with the share of requests that it got when it began."""

    def now() -> datetime:
        return datetime.fromtimestamp(spotify.clock(), UTC)

    store, client, today = staging.store(), spotify.client(), now().date()
    kept = store.read_json(NAME, today.isoformat(), _SHARE)
    if kept is None:
        left = client.budget.left_today()
        kept = {"requests": refresh.requests if left is None else math.floor(refresh.share * left)}
        store.write_json(NAME, today.isoformat(), _SHARE, kept)
    return Day(today, kept["requests"], client, store, warehouse.open(), now, run_id)


def _take(
    day: Day,
    kind: str,
    stalest: Callable[[datetime, int], Select[Any]],
    look_up: Callable[[list[str]], tuple[list[Row], Fetched]],
) -> StagedFile:
    """Stage a kind's slice of the day; one that ended early today goes on where it did."""
    before = day.staged_file(kind)
    if before is not None and before.complete:
        return before
    key = key_columns(STAGED_BY_DAY[kind])[0]
    rows = decode(day.store.read(before)) if before is not None else []
    had = {row[key] for row in rows}
    earlier = before.metadata["requests_spent"] if before is not None else 0
    left = math.ceil(day.requests * _UNTIL[kind]) - day.spent()
    size = _BATCH if day.client.mode == "extended" and kind != RELEASES else 1
    ids = day.ids(stalest(day.start, left * size + len(had))) if left > 0 else []
    ids = [id_ for id_ in ids if id_ not in had][: left * size]
    at_first = requests_spent(day.client)
    found = Fetched([])
    failed = 0
    while ids and found.until is None and not found.denied and requests_spent(day.client) - at_first < left:
        some, ids = ids[: _AT_ONCE * size], ids[_AT_ONCE * size :]
        more, found = look_up(some)
        rows += more
        failed += len(found.failed)
        advanced("refreshed", kind, len(rows), len(rows) + len(ids), len(more))
    facts = {
        "requests_spent": earlier + requests_spent(day.client) - at_first,
        "failed": failed,
        "denied": found.denied,
        "reasons": [found.reason] if found.reason else [],
        "go_on_at": found.until.isoformat(timespec="seconds") if found.until else None,
        **_counted(kind, rows),
    }
    rows.sort(key=lambda row: [str(row[name]) for name in key_columns(STAGED_BY_DAY[kind])])
    made = Made(rows, facts, complete=found.until is None)
    receipt = write_slice(day.store, kind, day.name, CODE_VERSION, made, day.run_id)
    days = {*read_state(day.store)["days"], day.name}
    state = {"days": sorted(days), "at": day.now().isoformat()}
    day.store.write_json(NAME, "all", _STATE, state)
    return receipt


def _tracks(day: Day, ids: Sequence[str]) -> tuple[list[Row], Fetched]:
    found = day.client.tracks(ids, newer_than=day.start)
    gone = [{"vanished_at": day.now()} | one for one in _bare(day, found, "spotify_track_id")]
    return _new(day, found) + [_complete("spotify_tracks_refresh", row) for row in gone], found


def _artists(day: Day, ids: Sequence[str]) -> tuple[list[Row], Fetched]:
    found = day.client.artists(ids, newer_than=day.start)
    gone = [_complete("spotify_artists_refresh", row) for row in _bare(day, found, "spotify_artist_id")]
    return _new(day, found) + gone, found


def _releases(day: Day, ids: Sequence[str], since: datetime) -> tuple[list[Row], Fetched]:
    """The new ones; an artist without any has a row without a release, which says that it was asked about."""
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
    """What was answered today; what could not be renewed is given as it was, and is no news."""
    return [row for row in found.rows if row["fetched_at"] >= day.start]


def _bare(day: Day, found: Fetched, key: str) -> list[Row]:
    """For each id that Spotify does not know, a row that says when it said so."""
    unanswered = {*found.pending, *found.failed}
    about = {"source": day.client.settings.source, "fetched_at": day.now()}
    return [{key: id_, **about} for id_ in found.not_found if id_ not in unanswered]


def _complete(kind: str, row: Row) -> Row:
    return dict.fromkeys(row_columns(STAGED_BY_DAY[kind])) | row


def _counted(kind: str, rows: list[Row]) -> dict[str, int]:
    def having(name: str) -> int:
        return sum(row[name] is not None for row in rows)

    if kind == RELEASES:
        artists = {row["spotify_artist_id"] for row in rows}
        return {"artists": len(artists), "releases": having("spotify_album_id")}
    changed = (
        {"vanished": "vanished_at", "relinked": "relinked_to"} if kind == "spotify_tracks_refresh" else {}
    )
    return {
        "with_popularity": having("popularity"),
        **{name: having(column) for name, column in changed.items()},
    }


def _told(day: Day, *receipts: StagedFile) -> dict[str, Any]:
    """What a materialisation says of requests and of what could not be asked; counts alone."""
    return {
        "requests_allowed": day.requests,
        "failed": sum(one.metadata["failed"] for one in receipts),
        "denied": any(one.metadata["denied"] for one in receipts),
        "reasons": listed(sorted({reason for one in receipts for reason in one.metadata["reasons"]})),
        "go_on_at": max((one.metadata["go_on_at"] or "" for one in receipts), default=""),
        "access": day.client.mode or "not known yet",
        "slice": day.name,
    }


def _not_loaded(store: StagingStore, warehouse: Warehouse, kind: str) -> list[StagedFile]:
    """The staged files of days that are not in the warehouse as they are now."""
    query = select(LOADS.c.slice, LOADS.c.checksum).where(LOADS.c.table == kind)
    with warehouse.transaction("looking what is loaded") as connection:
        loaded = {row.slice: row.checksum for row in connection.execute(query)}
    days = read_state(store)["days"]
    # Those of earlier days do not change: where one is loaded its file need not be looked at.
    todo = [day for day in days if not loaded.get(day) or day == days[-1]]
    found = [receipt for receipt in store.staged_files(kind, todo) if receipt is not None]
    return [receipt for receipt in found if loaded.get(receipt.partition_key) != receipt.checksum]


def _with_all_columns(store: StagingStore, receipt: StagedFile) -> StagedFile:
    """The file with every column that is declared now: a past day cannot be asked about again."""
    columns = row_columns(STAGED_BY_DAY[receipt.kind])
    rows = decode(store.read(receipt))
    if all(name in row for row in rows[:1] for name in columns):
        return receipt
    made = Made([_complete(receipt.kind, row) for row in rows], receipt.metadata, complete=receipt.complete)
    return write_slice(store, receipt.kind, receipt.partition_key, receipt.fingerprint, made, receipt.run_id)
