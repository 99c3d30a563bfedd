"""The forecast of commands: what this data folder has counted of each source, and what to expect of the rest.

`music-assets plan` and `status` show it; how it is made is in `music_assets.resolution.forecast`. What a
sandbox counted is not used: it invents its answers, and how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from music_assets.cli import staging_store
from music_assets.cli.console import counted
from music_assets.cli.ledger import existing_ledger
from music_assets.ids import PARTITION_KEYS
from music_assets.resolution.forecast import Counted, Forecast, forecast, shown_songs
from music_assets.resolution.plan import EXAMPLE_PER_DAY
from music_assets.settings import Settings
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
    mode: str | None = None,
    of_late: int | None = None,
) -> Forecast:
    """The forecast for so many open songs of so many releases, beside `resolved` ones.

    `of_late` are Spotify's requests per day, for where the settings set no limit.

    Raises:
        StagingError, LedgerError: the staging area or the ledger cannot be read.
    """
    known = Counted() if settings.is_sandbox else _count(settings, resolved)
    return forecast(
        songs,
        releases,
        known,
        uses=settings.sources.uses,
        resolved=0 if settings.is_sandbox else resolved,
        spotify_off=settings.spotify.source == "off",
        per_day=settings.spotify.requests_per_day or of_late,
        rate="as set" if settings.spotify.requests_per_day else "as of late",
        retention_days=settings.retention_days,
        refresh_share=settings.refresh.share,
        per_request=50 if mode == "extended" else 1,
    )


def _count(settings: Settings, resolved: int) -> Counted:
    settled = dict(_count_staged(staging_store(settings)))
    requests: dict[str, int] = {}
    with existing_ledger(settings) as ledger:
        if ledger is not None:
            requests = ledger.request_counts()
            by = ledger.count_queries(PURPOSE, _RESOLVED_BY.values())
            settled |= {source: (by[name], resolved) for source, name in _RESOLVED_BY.items()}
    return Counted(resolved, settled, requests)


def _count_staged(store: StagingStore) -> Iterator[tuple[str, tuple[int, int]]]:
    """By source, the songs it settled of those of the partitions that it was used for."""
    songs = store.staged_files("msd_songs", PARTITION_KEYS)
    for source, (kind, name) in _STAGED.items():
        staged = store.staged_files(kind, PARTITION_KEYS)
        both = [(one, of) for one, of in zip(staged, songs, strict=True) if one and of]
        found = sum(one.metadata.get(name, 0) if name else one.rows for one, _ in both)
        yield source, (found, sum(of.rows for _, of in both))


def forecast_lines(found: Forecast) -> Iterator[tuple[str, str]]:
    """The forecast as names and texts, for `music-assets status`."""
    for each in found.sources:
        hours = f", {each.hours:,.1f} h" if each.requests else ""
        amount = f"{shown_songs(each)} songs, {counted(each.requests, 'request')}{hours}"
        yield "to expect", f"{each.source}: {amount} ({each.gives})"
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
