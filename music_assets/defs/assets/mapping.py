"""Which Spotify track each song is, and whom the matched songs vote for as its artist.

Pure functions of staged files: no request is spent here, however often the matcher changes. The rows of one
song are made in `mapped_rows`; how it is compared and decided is `music_assets.matching`. The check that a
better matcher does not lose many matches is in `music_assets.defs.checks`.
"""

from collections import Counter, defaultdict
from typing import Any

from dagster import AssetExecutionContext, asset

from music_assets.defs.assets.common import MAPPING, listed, reporter, staged_kind
from music_assets.defs.assets.mapped_rows import Rescored, map_song
from music_assets.defs.resources import CorrectionsResource, StagingResource
from music_assets.defs.slices import Made, Slices, StagedSlices
from music_assets.matching import artist_agreement, matcher_version
from music_assets.sources.corrections import OfPartition
from music_assets.staging.store import StagedFile, fingerprint

CODE_VERSION = "2"
STATUSES = ("matched", "ambiguous", "below_floor", "no_candidates", "pending", "error")
EXAMPLES = 5  # track ids that tell of each kind of change


@asset(
    **staged_kind(
        "mapped_songs", group=MAPPING, kinds={"python"}, code_version=f"{CODE_VERSION}-{matcher_version()}"
    ),
    description=(
        "Every candidate for every MSD track, best first, with score, margin and reasons in words; "
        "`accepted` marks the match. A track without candidates has one row that says why. Its code version "
        "is the matcher's: a better matcher makes this stale, and making it again asks Spotify nothing and "
        "says what changed. A researcher's overrides win over the matcher (`by_hand`); tracks that the MSD's "
        "lists name as wrongly linked or as duplicates are flagged."
    ),
)
def mapped_songs(
    context: AssetExecutionContext,
    msd_songs: StagedSlices,
    spotify_search: StagedSlices,
    staging: StagingResource,
    corrections: CorrectionsResource,
) -> Slices:
    known = corrections.read()
    earlier = StagedSlices(staging.store(), "mapped_songs")
    notes = {"reasons": list(known.notes)} if known.notes else {}

    def made_from(key: str) -> str:
        return mapped_from(msd_songs.staged_file(key), spotify_search.staged_file(key), known.of(key))

    def make(key: str, before: StagedFile | None) -> Made:
        here = known.of(key)
        searches = {search["track_id"]: search for search in spotify_search[key]}
        rows: list[dict[str, Any]] = []
        statuses: Counter[str] = Counter()
        for song in msd_songs[key]:
            mine = map_song(song, searches.get(song["track_id"]), here)
            statuses[mine[0]["status"]] += 1
            rows += mine
        counts = {status: statuses[status] for status in STATUSES}
        decided = sum(statuses.values()) - statuses["pending"] - statuses["error"]
        rate = {"match_rate": round(statuses["matched"] / decided, 4)} if decided else {}
        facts = {"songs": sum(statuses.values()), **counts, **rate, **_corrected(rows, here)}
        if before is None:
            return Made(rows, facts, notes)
        changed = Rescored.between(earlier[key], rows)
        facts["rescored"] = {
            "rows_before": before.written_at,
            "matched_before": changed.matched_before,
            **changed.counts(),
            "such_as": changed.examples(EXAMPLES),
        }
        return Made(rows, facts, {**notes, **changed.counts()})

    report = reporter(context, "mapped_songs")
    return Slices(context.partition_keys, made_from, make, report, kept=lambda receipt: notes)


def mapped_from(songs: StagedFile, search: StagedFile, known: OfPartition) -> str:
    """What a partition of `mapped_songs` is made from: songs, answers, corrections, and the matcher."""
    return fingerprint(songs.checksum, search.checksum, known.as_text, CODE_VERSION, matcher_version())


def _corrected(rows: list[dict[str, Any]], known: OfPartition) -> dict[str, Any]:
    """How many tracks of a partition were corrected, and overrides that speak of none of them."""

    def tracks(name: str) -> int:
        return len({row["track_id"] for row in rows if row[name]})

    counts = {name: tracks(name) for name in ("by_hand", "known_mismatch", "duplicate_group")}
    strange = sorted(known.overrides.keys() - {row["track_id"] for row in rows})
    return {**counts, "overrides_without_song": listed(strange)} if strange else counts


@asset(
    **staged_kind("artist_votes", group=MAPPING, kinds={"python"}, code_version=CODE_VERSION),
    description=(
        "Each match's vote: the Spotify artists credited on it are candidates for the song's MSD artist. "
        "Tracks known to be wrongly linked have none. Counted over all partitions in "
        "`warehouse/mapped/artists`."
    ),
)
def artist_votes(
    context: AssetExecutionContext,
    msd_songs: StagedSlices,
    mapped_songs: StagedSlices,
    spotify_tracks: StagedSlices,
) -> Slices:
    def made_from(key: str) -> str:
        return votes_from(*(one.staged_file(key) for one in (msd_songs, mapped_songs, spotify_tracks)))

    def make(key: str, before: StagedFile | None) -> Made:
        rows = count_votes(msd_songs[key], mapped_songs[key], spotify_tracks[key])
        return Made(rows, {"votes": sum(row["votes"] for row in rows)})

    return Slices(context.partition_keys, made_from, make, reporter(context, "artist_votes"))


def votes_from(songs: StagedFile, mapped: StagedFile, tracks: StagedFile) -> str:
    """What a partition of `artist_votes` is made from."""
    inputs = (songs.checksum, mapped.checksum, tracks.checksum)
    return fingerprint(*inputs, CODE_VERSION, matcher_version())


def count_votes(
    songs: list[dict[str, Any]], mapped: list[dict[str, Any]], tracks: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of `artist_votes` of one partition: one vote for each artist credited on a match.

    A track that is known to be wrongly linked is no evidence for its artist; a track that was set by hand and
    never met tells of no artists.
    """
    song_of = {song["track_id"]: song for song in songs}
    track_of = {track["spotify_track_id"]: track for track in tracks}
    votes: Counter[tuple[str, str]] = Counter()
    names: dict[str, str] = {}
    agreement: defaultdict[tuple[str, str], float] = defaultdict(float)
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    for row in mapped:
        track = track_of.get(row["spotify_track_id"])
        if not row["accepted"] or row["known_mismatch"] or track is None:
            continue
        song = song_of[row["track_id"]]
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
