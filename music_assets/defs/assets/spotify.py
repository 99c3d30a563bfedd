"""What Spotify knows: the results of searches, and the tracks, artists and features in them.

These stages spend requests; what was answered once is in the ledger and costs nothing. Which source is
searched for which song is decided in `music_assets.resolution`, requests are sent by
`music_assets.sources.spotify`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from music_assets.defs.assets.common import SPOTIFY, SPOTIFY_REQUESTS, listed
from music_assets.defs.assets.mapped_rows import song_of
from music_assets.defs.resources import SpotifyResource
from music_assets.defs.source_resources import ResolutionResource, SourcesResource
from music_assets.defs.stages import Partition, stage
from music_assets.matching import decide
from music_assets.resolution import ResolutionOutcome, candidate_of
from music_assets.sources.spotify import Fetched, SearchResult, SongQuery, SpotifyCatalog
from music_assets.staging.partitions import Metadata, Staged
from music_assets.staging.rows import Row
from music_assets.staging.store import StagedFile

VERSION = "5"
FILE_ONLY_OF_A_HIT = ("question", "listed_album")  # what no table has
_ABOUT: dict[str, Any] = {"group": SPOTIFY, "kinds": {"spotify"}}

NOT_SEARCHED = "it has not been searched for"  # of a song: nothing to note of a run
NO_SOURCE = (
    "Spotify is off, and no source that knows its ids is in use. Download dumps (`music-assets doctor` says "
    "which), or leave sources out of MUSIC_ASSETS_SKIP_SOURCES."
)


def source_in_use(spotify: SpotifyResource) -> Callable[[str], str]:
    """The rows depend on the source: Spotify, the sandbox or neither."""
    return lambda key: spotify.source


def lookups_in_use(resolution: ResolutionResource) -> Callable[[str], str]:
    """The rows depend on the sources that songs are looked up in, and on what was searched for again."""
    text, backlog = resolution.lookups(), resolution.backlog()
    return lambda key: text + backlog.reopened(key)


def all_cached(file: StagedFile) -> Metadata:
    """What an unchanged partition spent: nothing."""
    return {"requests_spent": 0, "requests_saved": file.metadata.get("answered", 0)}


@stage(
    "spotify_search",
    inputs=("msd_songs",),
    after=("musicbrainz_recordings", "spotify_answers"),  # which searches in order of priority
    version=VERSION,
    depends_on=lookups_in_use,
    when_unchanged=all_cached,
    pool=SPOTIFY_REQUESTS,
    attributes=_ABOUT,
    description=(
        "What Spotify or a source without a key found for each MSD track, hits included. Results come from "
        "the ledger where the track was resolved before; the rest is looked up, then searched while the "
        "budget lasts, and what is left then is `pending`. Materializing again requests only what is pending."
    ),
)
def spotify_search(
    partition: Partition, msd_songs: list[Row], spotify: SpotifyResource, resolution: ResolutionResource
) -> Staged:
    add_to_backlog(resolution, partition.inputs["msd_songs"], lambda: msd_songs)
    before = resolution.sources.request_counts()
    outcome = resolution.resolver().resolve(partition=partition.key)
    catalog = spotify.catalog()
    results = search_results(catalog, msd_songs, outcome)
    statuses = Counter(result.status for result in results)
    over = outcome.out_of_budget if statuses["pending"] else None
    popular = _add_popularity(msd_songs, results, resolution.sources)
    reasons = {*outcome.unreached.values(), *(one.reason for one in results), popular.reason}
    metadata = {
        **{status: statuses[status] for status in ("answered", "pending", "error")},
        "reasons": listed(sorted(filter(None, reasons - {NOT_SEARCHED}))),
        "go_on_at": over.until.isoformat(timespec="seconds") if over else None,
        "access": catalog.mode,
        "source": catalog.settings.source,
        "missing": list(catalog.missing("tracks")),
    }
    run_metadata = {
        "requests_spent": sum(outcome.requests.values()),
        "requests_saved": statuses["answered"] - outcome.resolved["search"],
        **{f"requests_for_{kind}": count for kind, count in outcome.requests.items()},
        **resolution.sources.requests_since(before),
    }
    # Where a source was not reached the partition is not complete: the next run asks that one.
    complete = statuses["answered"] == len(results) and not (outcome.unreached or popular.pending)
    return Staged([_search_row(result) for result in results], metadata, run_metadata, complete)


def add_to_backlog(resolution: ResolutionResource, file: StagedFile, read: Callable[[], list[Row]]) -> None:
    """Have the backlog know a partition's songs as they are staged now; they are read where it does not."""
    if not resolution.backlog().has(file.partition_key, file.checksum):
        resolution.backlog().put(file.partition_key, file.checksum, read())


def search_results(
    catalog: SpotifyCatalog, songs: list[Row], outcome: ResolutionOutcome
) -> list[SearchResult]:
    """What is known of each song now, in order: its result, or why there is none."""
    queries = [SongQuery(song["track_id"], song["title"], song["artist_name"]) for song in songs]
    cached, over = catalog.cached(queries), outcome.out_of_budget
    is_off, source = catalog.settings.off, catalog.settings.source
    pending = SearchResult(
        "",
        "pending",
        reason=str(over) if over else NO_SOURCE if is_off else NOT_SEARCHED,
        until=over.until if over else None,
        source=None if is_off and source != "sandbox" else source,
    )

    def unanswered(track_id: str) -> SearchResult:
        if track_id in outcome.unreached and not over:
            return replace(pending, track_id=track_id, reason=outcome.unreached[track_id])
        if track_id in outcome.errors:
            return replace(pending, track_id=track_id, status="error", reason=outcome.errors[track_id])
        return replace(pending, track_id=track_id)

    return [cached.get(query.track_id) or unanswered(query.track_id) for query in queries]


def _add_popularity(songs: list[Row], results: list[SearchResult], sources: SourcesResource) -> Fetched:
    """Give matches the popularity that Spotify shows to extended access alone, as ReccoBeats has it."""
    keyless = sources.reccobeats()
    if keyless is None:
        return Fetched()
    matched: list[Row] = []
    for song, result in zip(songs, results, strict=True):
        if any(row["popularity"] is None for row in result.tracks):
            best = decide(song_of(song), map(candidate_of, result.tracks), result.renamings).best
            matched += [row for row in result.tracks if row["spotify_track_id"] == best]
    return keyless.add_popularity(matched)


def _search_row(result: SearchResult) -> dict[str, Any]:
    return {
        "track_id": result.track_id,
        "status": result.status,
        "question": result.query,
        "hits": len(result.tracks) if result.status == "answered" else None,
        "reason": result.reason,
        "source": result.source,
        "fetched_at": result.fetched_at,
        "tracks": [
            {**row, "question": result.found_by.get(row["spotify_track_id"])} for row in result.tracks
        ],
        "renamings": sorted(result.renamings),
    }


@stage(
    "spotify_tracks",
    inputs=("spotify_search",),
    version=VERSION,
    attributes={"group": SPOTIFY, "kinds": {"spotify"}},
    description=(
        "Every Spotify track among the hits of this partition, once. The hits hold whole tracks, so this "
        "spends no request. Other partitions may have found the same track; `warehouse/spotify/tracks` "
        "keeps one."
    ),
)
def spotify_tracks(spotify_search: list[Row]) -> Staged:
    tracks = newest(hit for search in spotify_search for hit in search["tracks"])
    return Staged(tracks, {"tracks": len(tracks)})


def newest(tracks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each Spotify track once, by id: as the newest answer has it, the first of equally new ones.

    A track that came within an album has neither ISRC nor popularity, one from elsewhere no album: one that
    came whole is preferred. An id of which no details are known is not a track yet.
    """
    found: dict[str, dict[str, Any]] = {}
    for track in tracks:
        if track["name"] is None:
            continue
        held = found.get(track["spotify_track_id"])
        if held is None or _telling(track) > _telling(held):
            found[track["spotify_track_id"]] = track
    return [
        {name: value for name, value in found[id_].items() if name not in FILE_ONLY_OF_A_HIT}
        for id_ in sorted(found)
    ]


def _telling(track: dict[str, Any]) -> tuple[bool, bool, str]:
    has_isrc = track["isrc"] is not None
    return has_isrc and track["spotify_album_id"] is not None, has_isrc, track["fetched_at"]


@stage(
    "spotify_artists",
    inputs=("artist_votes",),
    version=VERSION,
    depends_on=source_in_use,
    when_unchanged=all_cached,
    pool=SPOTIFY_REQUESTS,
    attributes=_ABOUT,
    description=(
        "The Spotify artists credited on this partition's matches. Their genres, popularity and followers "
        "are requested where the access mode gives them, each artist once for all partitions; elsewhere a "
        "row has what the tracks say, the name."
    ),
)
def spotify_artists(artist_votes: list[Row], spotify: SpotifyResource) -> Staged:
    named = {
        vote["spotify_artist_id"]: {
            "name": vote["spotify_artist_name"],
            "source": vote["source"],
            "fetched_at": datetime.fromisoformat(vote["fetched_at"]),
        }
        for vote in artist_votes
    }
    ids = sorted(named)
    return _fetched(spotify, "artists", ids, lambda catalog: catalog.artists(ids, named=named))[1]


def features_in_use(spotify: SpotifyResource, sources: SourcesResource) -> Callable[[str], str]:
    """The rows depend on the source, and on who gives features beside it."""
    return lambda key: f"{spotify.source} {'reccobeats' if sources.uses('reccobeats') else 'spotify'}"


@stage(
    "audio_features",
    inputs=("mapped_songs", "spotify_tracks"),
    version=VERSION,
    depends_on=features_in_use,
    when_unchanged=all_cached,
    pool=SPOTIFY_REQUESTS,
    attributes=_ABOUT,
    description=(
        "Audio features of this partition's matches, from whoever gives them (`source` says who). Spotify "
        "itself refuses them to most applications; ReccoBeats, which needs no key, is requested for what "
        "Spotify did not give."
    ),
)
def audio_features(
    mapped_songs: list[Row],
    spotify_tracks: list[Row],
    spotify: SpotifyResource,
    sources: SourcesResource,
) -> Staged:
    matches = sorted({row["spotify_track_id"] for row in mapped_songs if row["accepted"]})
    found, staged = _fetched(
        spotify, "audio_features", matches, lambda catalog: catalog.audio_features(matches)
    )
    keyless = sources.reccobeats()
    if keyless is None:
        return staged
    had = {row["spotify_track_id"] for row in found.rows}
    isrcs = {track["spotify_track_id"]: track["isrc"] for track in spotify_tracks if track["isrc"]}
    spent, saved = keyless.requests, keyless.cache_hits
    more = keyless.audio_features([id_ for id_ in matches if id_ not in had], isrcs=isrcs)
    metadata = {
        **staged.metadata,
        **_metadata(more, len(matches)),
        "answered": len(found.rows) + len(more.rows),
        "from_reccobeats": len(more.rows),
        "reasons": [*staged.metadata["reasons"], *([more.reason] if more.reason else [])],
    }
    run_metadata = {
        "requests_spent": staged.run_metadata["requests_spent"],
        "requests_saved": staged.run_metadata["requests_saved"] + keyless.cache_hits - saved,
        "requests_to_reccobeats": keyless.requests - spent,
    }
    return Staged([*found.rows, *more.rows], metadata, run_metadata, not (more.pending or more.failed))


def _fetched(
    spotify: SpotifyResource, table: str, ids: Sequence[str], fetch: Callable[[SpotifyCatalog], Fetched]
) -> tuple[Fetched, Staged]:
    """Rows fetched by id, and as a partition with the outcome for the ids that gave none."""
    catalog = spotify.catalog()
    spent, saved = requests_spent(catalog), sum(catalog.cache_hits.values())
    found = fetch(catalog)
    metadata = {**_metadata(found, len(ids)), "missing": list(catalog.missing(table)), "access": catalog.mode}
    run_metadata = {
        "requests_spent": requests_spent(catalog) - spent,
        "requests_saved": sum(catalog.cache_hits.values()) - saved,
    }
    return found, Staged(found.rows, metadata, run_metadata, not (found.pending or found.failed))


def _metadata(found: Fetched, requested: int) -> dict[str, Any]:
    return {
        "answered": len(found.rows),
        "requested": requested,
        "not_found": len(found.not_found),
        "pending": len(found.pending),
        "failed": listed(found.failed),
        "denied": found.denied,
        "reasons": [found.reason] if found.reason else [],
        "go_on_at": found.until.isoformat(timespec="seconds") if found.until else None,
    }


def requests_spent(catalog: SpotifyCatalog) -> int:
    """Requests that were sent and count against Spotify's limits: all but those for a token."""
    return sum(count for kind, count in catalog.request_counts.items() if kind != "token")
