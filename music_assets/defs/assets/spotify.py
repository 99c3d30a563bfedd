"""What Spotify knows: the answers to our questions, and the tracks, artists and features in them.

These assets alone spend requests, `spotify_search` all those for searching; what was answered once
is in the ledger and costs nothing. Asking is `music_assets.sources.spotify`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dagster import AssetExecutionContext, asset

from music_assets.defs.assets.common import SPOTIFY, listed, reporter, staged_kind
from music_assets.defs.resources import SpotifyResource
from music_assets.defs.slices import Made, Slices, StagedSlices
from music_assets.resolution import ResolutionOutcome
from music_assets.sources.spotify import Fetched, SearchResult, SongQuery, SpotifyCatalog
from music_assets.staging.store import StagedFile, fingerprint

CODE_VERSION = "3"
_ABOUT: dict[str, Any] = {"group": SPOTIFY, "kinds": {"spotify"}, "code_version": CODE_VERSION}


@asset(
    **staged_kind("spotify_search", **_ABOUT, spends="requests"),
    deps=["spotify_answers"],  # asked before, in order of what is wanted most
    description=(
        "What Spotify's search answered about each MSD track, hits included. Answers come from the ledger "
        "where the track was asked about before; the rest is asked while the budget lasts, and what is left "
        "then is `pending`. Materialising again asks only what is pending."
    ),
)
def spotify_search(
    context: AssetExecutionContext, msd_songs: StagedSlices, spotify: SpotifyResource
) -> Slices:
    def made_from(key: str) -> str:
        return search_from(msd_songs.staged_file(key), spotify.source)

    def make(key: str, before: StagedFile | None) -> Made:
        songs = msd_songs[key]
        take_in(spotify, key, msd_songs.staged_file(key), songs)
        outcome = spotify.resolver().resolve(partition=key)
        client = spotify.client()
        answers = answers_of(client, songs, outcome)
        statuses = Counter(answer.status for answer in answers)
        over = outcome.out_of_budget if statuses["pending"] else None
        facts = {
            **{status: statuses[status] for status in ("answered", "pending", "error")},
            "reasons": listed(sorted({answer.reason for answer in answers if answer.reason})),
            "go_on_at": over.until.isoformat(timespec="seconds") if over else None,
            "access": client.mode,
            "missing": list(client.missing("tracks")),
        }
        spent = {
            "requests_spent": sum(outcome.requests.values()),
            "requests_saved": statuses["answered"] - outcome.resolved["search"],
            **{f"requests_for_{kind}": count for kind, count in outcome.requests.items()},
        }
        complete = statuses["answered"] == len(answers)
        return Made([_search_row(answer) for answer in answers], facts, spent, complete)

    return Slices(context.partition_keys, made_from, make, reporter(context, "spotify_search"), _all_saved)


def take_in(spotify: SpotifyResource, key: str, receipt: StagedFile, songs: list[dict[str, Any]]) -> None:
    """Have the index know a partition's songs as they are staged now."""
    if not spotify.index().has(key, receipt.checksum):
        spotify.index().put(key, receipt.checksum, songs)


def answers_of(
    client: SpotifyCatalog, songs: list[dict[str, Any]], outcome: ResolutionOutcome
) -> list[SearchResult]:
    """What is known of each song now, in order: its answer, or why there is none."""
    questions = [
        SongQuery(
            song["track_id"],
            song["title"] or "",
            song["artist_name"] or "",
            song["release"],
            song["duration"],
        )
        for song in songs
    ]
    kept = client.cached(questions)
    pending = SearchResult(
        "",
        "pending",
        reason=str(outcome.out_of_budget) if outcome.out_of_budget else "it has not been asked about",
        until=outcome.out_of_budget.until if outcome.out_of_budget else None,
        source=client.settings.source,
    )

    def unanswered(track_id: str) -> SearchResult:
        if track_id in outcome.errors:
            return replace(pending, track_id=track_id, status="error", reason=outcome.errors[track_id])
        return replace(pending, track_id=track_id)

    return [kept.get(question.track_id) or unanswered(question.track_id) for question in questions]


def search_from(songs: StagedFile, source: str) -> str:
    """What a partition of `spotify_search` is made from: the songs, and who is asked about them."""
    return fingerprint(songs.checksum, source, CODE_VERSION)


def tracks_from(search: StagedFile) -> str:
    """What a partition of `spotify_tracks` is made from."""
    return fingerprint(search.checksum, CODE_VERSION)


def _all_saved(receipt: StagedFile) -> dict[str, int]:
    """What a partition that was kept spent: nothing."""
    return {"requests_spent": 0, "requests_saved": receipt.metadata.get("answered", 0)}


def _search_row(answer: SearchResult) -> dict[str, Any]:
    return {
        "track_id": answer.track_id,
        "status": answer.status,
        "question": answer.query,
        "hits": len(answer.tracks) if answer.status == "answered" else None,
        "reason": answer.reason,
        "source": answer.source,
        "fetched_at": answer.fetched_at,
        "tracks": [
            {**row, "question": answer.found_by.get(row["spotify_track_id"])} for row in answer.tracks
        ],
    }


@asset(
    **staged_kind("spotify_tracks", **_ABOUT),
    description=(
        "Every Spotify track among the hits of this partition, once. The hits hold whole tracks, so this "
        "asks nothing. Other partitions may have met the same track; `warehouse/spotify/tracks` keeps one."
    ),
)
def spotify_tracks(context: AssetExecutionContext, spotify_search: StagedSlices) -> Slices:
    def make(key: str, before: StagedFile | None) -> Made:
        tracks = newest(hit for search in spotify_search[key] for hit in search["tracks"])
        return Made(tracks, {"tracks": len(tracks)})

    def made_from(key: str) -> str:
        return tracks_from(spotify_search.staged_file(key))

    return Slices(context.partition_keys, made_from, make, reporter(context, "spotify_tracks"))


def newest(tracks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each Spotify track once, by id: as the newest answer has it, the first of equally new ones.

    A track that came within an album has neither ISRC nor popularity: one that came whole is preferred. An id
    that was taken on another source's word is no track yet.
    """
    found: dict[str, dict[str, Any]] = {}
    for track in tracks:
        if track["name"] is None:
            continue
        held = found.get(track["spotify_track_id"])
        if held is None or _telling(track) > _telling(held):
            found[track["spotify_track_id"]] = track
    return [
        {name: value for name, value in found[id_].items() if name != "question"} for id_ in sorted(found)
    ]


def _telling(track: dict[str, Any]) -> tuple[bool, str]:
    return track["isrc"] is not None, track["fetched_at"]


@asset(
    **staged_kind("spotify_artists", **_ABOUT, spends="requests"),
    description=(
        "The Spotify artists credited on this partition's matches. Their genres, popularity and followers "
        "are asked for where the access mode gives them, each artist once for all partitions; elsewhere a "
        "row has what the tracks told, the name."
    ),
)
def spotify_artists(
    context: AssetExecutionContext, artist_votes: StagedSlices, spotify: SpotifyResource
) -> Slices:
    def made_from(key: str) -> str:
        return fingerprint(artist_votes.staged_file(key).checksum, spotify.source, CODE_VERSION)

    def make(key: str, before: StagedFile | None) -> Made:
        votes = artist_votes[key]
        names = {vote["spotify_artist_id"]: vote["spotify_artist_name"] for vote in votes}
        seen = {vote["spotify_artist_id"]: datetime.fromisoformat(vote["fetched_at"]) for vote in votes}
        ids = sorted(names)
        return _looked_up(
            spotify, "artists", ids, lambda client: client.artists(ids, known_names=names, known_at=seen)
        )[1]

    return Slices(context.partition_keys, made_from, make, reporter(context, "spotify_artists"), _all_saved)


@asset(
    **staged_kind("audio_features", **_ABOUT, spends="requests"),
    description=(
        "Audio features of this partition's matches, from whoever gives them (`source` says who). Spotify "
        "itself refuses them to most applications; ReccoBeats, which needs no key, is asked for what Spotify "
        "did not give, unless `MUSIC_ASSETS_AUDIO_FEATURES` says otherwise."
    ),
)
def audio_features(
    context: AssetExecutionContext,
    mapped_songs: StagedSlices,
    spotify_tracks: StagedSlices,
    spotify: SpotifyResource,
) -> Slices:
    def made_from(key: str) -> str:
        matches, tracks = mapped_songs.staged_file(key), spotify_tracks.staged_file(key)
        return fingerprint(
            matches.checksum, tracks.checksum, spotify.source, spotify.features_from, CODE_VERSION
        )

    def make(key: str, before: StagedFile | None) -> Made:
        if spotify.features_from == "off":
            return Made([], {"answered": 0, "asked": 0})
        matches = sorted({row["spotify_track_id"] for row in mapped_songs[key] if row["accepted"]})
        found, made = _looked_up(
            spotify, "audio_features", matches, lambda client: client.audio_features(matches)
        )
        reccobeats = spotify.reccobeats()
        if reccobeats is None:
            return made
        had = {row["spotify_track_id"] for row in found.rows}
        isrcs = {track["spotify_track_id"]: track["isrc"] for track in spotify_tracks[key] if track["isrc"]}
        spent, saved = reccobeats.requests, reccobeats.cache_hits
        more = reccobeats.audio_features([id_ for id_ in matches if id_ not in had], isrcs=isrcs)
        facts = {
            **made.facts,
            **_facts(more, len(matches)),
            "answered": len(found.rows) + len(more.rows),
            "from_reccobeats": len(more.rows),
            "reasons": [*made.facts["reasons"], *([more.reason] if more.reason else [])],
        }
        this_run = {
            "requests_spent": made.this_run["requests_spent"],
            "requests_saved": made.this_run["requests_saved"] + reccobeats.cache_hits - saved,
            "requests_to_reccobeats": reccobeats.requests - spent,
        }
        return Made([*found.rows, *more.rows], facts, this_run, complete=not (more.pending or more.failed))

    return Slices(context.partition_keys, made_from, make, reporter(context, "audio_features"), _all_saved)


def _looked_up(
    spotify: SpotifyResource, table: str, ids: Sequence[str], look_up: Callable[[SpotifyCatalog], Fetched]
) -> tuple[Fetched, Made]:
    """Rows looked up by id, and as a partition, with what became of the ids that gave none."""
    client = spotify.client()
    spent, saved = requests_spent(client), sum(client.cache_hits.values())
    found = look_up(client)
    facts = {**_facts(found, len(ids)), "missing": list(client.missing(table)), "access": client.mode}
    this_run = {
        "requests_spent": requests_spent(client) - spent,
        "requests_saved": sum(client.cache_hits.values()) - saved,
    }
    return found, Made(found.rows, facts, this_run, complete=not (found.pending or found.failed))


def _facts(found: Fetched, asked: int) -> dict[str, Any]:
    return {
        "answered": len(found.rows),
        "asked": asked,
        "not_found": len(found.not_found),
        "pending": len(found.pending),
        "failed": listed(found.failed),
        "denied": found.denied,
        "reasons": [found.reason] if found.reason else [],
        "go_on_at": found.until.isoformat(timespec="seconds") if found.until else None,
    }


def requests_spent(client: SpotifyCatalog) -> int:
    """Requests that left and count against Spotify's limits: all but those for a token."""
    return sum(count for kind, count in client.request_counts.items() if kind != "token")
