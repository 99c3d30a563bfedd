"""The forecast of commands: what this data folder has counted of each source, and what to expect of the rest.

`music-assets plan` and `status` show it; how it is made is in `music_assets.resolution.forecast`. What a
sandbox counted is not used: it invents its answers, and how many there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from music_assets.cli import staging_store
from music_assets.cli.console import counted
from music_assets.cli.ledger import budget_and_access, existing_ledger
from music_assets.ids import PARTITION_KEYS
from music_assets.resolution.forecast import Counted, Forecast, forecast
from music_assets.resolution.plan import EXAMPLE_PER_DAY
from music_assets.settings import Settings
from music_assets.sources.ledger import Ledger
from music_assets.sources.spotify.budget import KINDS
from music_assets.sources.spotify.resolutions import PURPOSE
from music_assets.staging.store import StagingStore

# Where the staged files of a source say how many songs it settled: a kind, and what of its metadata (its
# rows where that is empty).
_STAGED = {
    "musicbrainz": ("musicbrainz_recordings", "linked"),
    "listenbrainz": ("listenbrainz_popularity", "recordings"),
    "acousticbrainz": ("acousticbrainz_features", ""),
    "reccobeats": ("audio_features", ""),
}
# How the ledger names the source of the ids that a song was resolved by.
_RESOLVED_BY = {"echonest": "echonest", "labs": "listenbrainz", "artists": "artist"}


def read_forecast(
    settings: Settings,
    songs: int,
    releases: int,
    *,
    resolved: int = 0,
    clock: Callable[[], float] = time.time,
) -> Forecast:
    """The forecast for so many open songs of so many releases, beside `resolved` ones.

    It is by the settings and by what the ledger knows of the real services: the app's access mode, and the
    requests per day of late. `clock` gives seconds since 1970.

    Raises:
        StagingError, LedgerError: the staging area or the ledger cannot be read.
    """
    per_day, of_late = settings.spotify.requests_per_day, None
    mode: str | None = settings.spotify.mode
    known = Counted()
    if not settings.is_sandbox:
        settled, requests = dict(_count_staged(staging_store(settings), settings.ledger_source)), {}
        with existing_ledger(settings) as ledger:
            if ledger is not None:
                mode = budget_and_access(settings, ledger, clock)[1].mode
                requests = ledger.request_counts()
                of_late = _requests_a_day(ledger, datetime.fromtimestamp(clock(), UTC).date())
                by = ledger.count_queries(PURPOSE, _RESOLVED_BY.values())
                settled |= {source: (by[name], resolved) for source, name in _RESOLVED_BY.items()}
        known = Counted(resolved, settled, requests)
    return forecast(
        songs,
        releases,
        known,
        uses=settings.sources.uses,
        resolved=known.songs,
        spotify_off=settings.spotify.source == "off",
        per_day=per_day or of_late,
        rate="as set" if per_day else "as of late",
        retention_days=settings.retention_days,
        refresh_share=settings.refresh.share,
        per_request=50 if mode == "extended" else 1,
    )


def _requests_a_day(ledger: Ledger, today: date) -> int | None:
    """The mean of Spotify's requests on the days with any in the last two weeks."""
    days = [ledger.request_counts(today - timedelta(days=back)) for back in range(14)]
    sent = [count for counts in days if (count := sum(counts.get(kind, 0) for kind in KINDS))]
    return round(sum(sent) / len(sent)) if sent else None


def _count_staged(store: StagingStore, responses_of: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """By source, the songs it settled of those of the partitions that it was used for.

    Partitions that are filled from responses of another place, as the sandbox is, do not count.
    """
    searches = store.staged_files("spotify_search", PARTITION_KEYS)
    keys = [
        file.partition_key
        for file in searches
        if file and file.metadata.get("source", responses_of) == responses_of
    ]
    songs = store.staged_files("msd_songs", keys)
    for source, (kind, name) in _STAGED.items():
        staged = store.staged_files(kind, keys)
        both = [(one, of) for one, of in zip(staged, songs, strict=True) if one and of]
        found = sum(one.metadata.get(name, 0) if name else one.rows for one, _ in both)
        yield source, (found, sum(of.rows for _, of in both))


def forecast_lines(found: Forecast) -> Iterator[tuple[str, str]]:
    """The forecast as names and texts, for `music-assets status`."""
    for each in found.sources:
        hours = f", {each.hours:,.1f} h" if each.requests else ""
        songs = "songs not known beforehand" if each.songs is None else counted(each.songs, "song")
        yield (
            "to expect",
            f"{each.source}: {songs}, {counted(each.requests, 'request')}{hours} ({each.gives})",
        )
    yield "", found.basis
    if found.spotify is None:
        yield "left", f"{counted(found.left, 'song')} without a Spotify id, as Spotify is off"
        return
    days = -(-found.spotify.requests // (found.spotify.per_day or EXAMPLE_PER_DAY))
    rate = found.spotify.rate if found.spotify.per_day else "as some report"
    per_day = f"{found.spotify.per_day or EXAMPLE_PER_DAY:,} requests per day, {rate}"
    yield (
        "left for Spotify",
        f"{counted(found.left, 'song')}, {counted(found.spotify.requests, 'request')}, "
        f"{counted(days, 'day')} at {per_day}",
    )
    yield "kept fresh", f"at most {counted(found.fresh, 'song')}: {found.fresh_basis}"
