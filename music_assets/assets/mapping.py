"""Which Spotify track each song is, and whom the matched songs vote for as its artist.

Pure functions of staged files: no request is spent here, however often the matcher changes. How a
song is compared and decided is `music_assets.matching`.
"""

from collections import Counter, defaultdict
from typing import Any

from dagster import AssetExecutionContext, asset

from music_assets.assets.common import MAPPING, OWNERS, definition_metadata, reporter
from music_assets.io_managers.slices import Made, Slices, StagedSlices
from music_assets.io_managers.store import Receipt, fingerprint
from music_assets.matching import Candidate, Song, artist_agreement, decide, matcher_version
from music_assets.partitions import backfill_policy, msd_directories
from music_assets.warehouse.schema import STAGED

CODE_VERSION = "1"
STATUSES = ("matched", "ambiguous", "below_floor", "no_candidates", "pending", "error")


def _about(name: str, code_version: str) -> dict[str, Any]:
    return {
        "group_name": MAPPING,
        "owners": OWNERS,
        "kinds": {"python", "json"},
        "code_version": code_version,
        "metadata": definition_metadata(STAGED[name]),
        "partitions_def": msd_directories,
        "backfill_policy": backfill_policy,
        "io_manager_key": "json_lines",
    }


@asset(
    **_about("mapped_songs", f"{CODE_VERSION}-{matcher_version()}"),
    description=(
        "Every candidate for every MSD track, best first, with score, margin and reasons in words; "
        "`accepted` marks the match. A track without candidates has one row that says why. Its code version "
        "is the matcher's: a better matcher makes this stale, and making it again asks Spotify nothing."
    ),
)
def mapped_songs(
    context: AssetExecutionContext, msd_songs: StagedSlices, spotify_search: StagedSlices
) -> Slices:
    def made_from(key: str) -> str:
        inputs = (msd_songs.receipt(key).checksum, spotify_search.receipt(key).checksum)
        return fingerprint(*inputs, CODE_VERSION, matcher_version())

    def make(key: str, before: Receipt | None) -> Made:
        searches = {search["track_id"]: search for search in spotify_search[key]}
        rows: list[dict[str, Any]] = []
        statuses: Counter[str] = Counter()
        for song in msd_songs[key]:
            mine = map_song(song, searches.get(song["track_id"]))
            statuses[mine[0]["status"]] += 1
            rows += mine
        counts = {status: statuses[status] for status in STATUSES}
        decided = sum(statuses.values()) - statuses["pending"] - statuses["error"]
        rate = {"match_rate": round(statuses["matched"] / decided, 4)} if decided else {}
        return Made(rows, {"songs": sum(statuses.values()), **counts, **rate})

    return Slices(context.partition_keys, made_from, make, reporter(context, "mapped_songs"))


def map_song(song: dict[str, Any], search: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The rows of `mapped.songs` for one MSD track, best candidate first, at least one.

    `song` is a staged MSD song, `search` the staged answer about it (None where it was never asked).
    """
    if search is None or search["status"] != "answered":
        status = search["status"] if search else "pending"
        reason = (search or {}).get("reason")
        return [_row(song, search, status, reasons=[reason] if reason else [])]
    candidates = [
        Candidate(
            id=track["spotify_track_id"],
            title=track["name"],
            artist_names=tuple(artist["name"] for artist in track["artists"] or []),
            album=track["album_name"],
            duration=None if track["duration_ms"] is None else track["duration_ms"] / 1000,
            release_year=track["release_year"],
            isrc=track["isrc"],
        )
        for track in search["tracks"]
    ]
    asked = Song(song["title"], song["artist_name"], song["release"], song["duration"], song["year"])
    decision = decide(asked, candidates)
    if not decision.ranked:
        return [_row(song, search, decision.status)]
    return [
        _row(
            song,
            search,
            decision.status,
            spotify_track_id=ranked.candidate.id,
            rank=rank,
            accepted=ranked.candidate.id == decision.best,
            equivalent=ranked.equivalent,
            score=round(ranked.comparison.score, 4),
            margin=None if decision.margin is None else round(decision.margin, 4),
            reasons=list(ranked.comparison.reasons),
        )
        for rank, ranked in enumerate(decision.ranked, start=1)
    ]


def _row(song: dict[str, Any], search: dict[str, Any] | None, status: str, **known: Any) -> dict[str, Any]:
    """A row of `mapped.songs`; what is not known is NULL, what is not so is false."""
    asked = search or {}
    return {
        "track_id": song["track_id"],
        "spotify_track_id": None,
        "status": status,
        "rank": None,
        "accepted": False,
        "equivalent": False,
        "score": None,
        "margin": None,
        "reasons": [],
        "question": asked.get("question"),
        "source": asked.get("source"),
        "matcher_version": matcher_version(),
        "fetched_at": asked.get("fetched_at"),
        **known,
    }


@asset(
    **_about("artist_votes", CODE_VERSION),
    description=(
        "Each match's vote: the Spotify artists credited on it are candidates for the song's MSD artist. "
        "Counted over all partitions in `warehouse/mapped/artists`."
    ),
)
def artist_votes(
    context: AssetExecutionContext,
    msd_songs: StagedSlices,
    mapped_songs: StagedSlices,
    spotify_tracks: StagedSlices,
) -> Slices:
    def made_from(key: str) -> str:
        inputs = [one.receipt(key).checksum for one in (msd_songs, mapped_songs, spotify_tracks)]
        return fingerprint(*inputs, CODE_VERSION, matcher_version())

    def make(key: str, before: Receipt | None) -> Made:
        rows = count_votes(msd_songs[key], mapped_songs[key], spotify_tracks[key])
        return Made(rows, {"votes": sum(row["votes"] for row in rows)})

    return Slices(context.partition_keys, made_from, make, reporter(context, "artist_votes"))


def count_votes(
    songs: list[dict[str, Any]], mapped: list[dict[str, Any]], tracks: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of `artist_votes` of one partition: one vote for each artist credited on a match."""
    song_of = {song["track_id"]: song for song in songs}
    track_of = {track["spotify_track_id"]: track for track in tracks}
    votes: Counter[tuple[str, str]] = Counter()
    names: dict[str, str] = {}
    agreement: defaultdict[tuple[str, str], float] = defaultdict(float)
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for row in mapped:
        if not row["accepted"]:
            continue
        song, track = song_of[row["track_id"]], track_of[row["spotify_track_id"]]
        for artist in track["artists"] or []:
            if not artist["spotify_artist_id"]:
                continue
            pair = (song["artist_id"], artist["spotify_artist_id"])
            votes[pair] += 1
            names[pair[1]] = min(artist["name"] or "", names.get(pair[1], artist["name"] or ""))
            alike = artist_agreement(song["artist_name"] or "", artist["name"] or "")
            agreement[pair] = max(agreement[pair], round(alike, 4))
            seen[pair] = max(track, seen.get(pair, track), key=lambda one: one["fetched_at"])
    return [
        {
            "artist_id": artist_id,
            "spotify_artist_id": spotify_artist_id,
            "spotify_artist_name": names[spotify_artist_id],
            "votes": count,
            "agreement": agreement[artist_id, spotify_artist_id],
            "source": seen[artist_id, spotify_artist_id]["source"],
            "fetched_at": seen[artist_id, spotify_artist_id]["fetched_at"],
        }
        for (artist_id, spotify_artist_id), count in sorted(votes.items())
    ]
