"""Which Spotify track each song is, and which Spotify artists the matched songs vote for.

Functions of staged rows: no request is spent here, however often the matcher changes. The rows of one song
are computed in `mapped_rows`; how it is compared and decided is `music_assets.matching`. The check that a
better matcher does not lose many matches is in `music_assets.defs.checks`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from music_assets.defs.assets.common import MAPPING, listed
from music_assets.defs.assets.mapped_rows import Rescored, map_song
from music_assets.defs.resources import CorrectionsResource
from music_assets.defs.stages import Partition, stage
from music_assets.matching import artist_agreement, matcher_version
from music_assets.sources.corrections import PartitionCorrections
from music_assets.staging.partitions import Metadata, Staged
from music_assets.staging.rows import Row
from music_assets.staging.store import StagedFile
from music_assets.tables.mapped import STATUSES

VERSION = f"3-{matcher_version()}"
EXAMPLES = 5  # track ids shown for each kind of change


def corrections_of_partition(corrections: CorrectionsResource) -> Callable[[str], str]:
    """The rows depend on what people say of the partition's tracks."""
    known = corrections.read()
    return lambda key: known.partition(key).as_text


def corrections_notes(file: StagedFile, corrections: CorrectionsResource) -> Metadata:
    """What is wrong with the files of corrections is shown with every run."""
    return _notes(corrections)


@stage(
    "mapped_songs",
    inputs=("msd_songs", "spotify_search"),
    version=VERSION,
    depends_on=corrections_of_partition,
    when_unchanged=corrections_notes,
    attributes={"group": MAPPING, "kinds": {"python"}},
    description=(
        "Every candidate for every MSD track, best first, with score, margin and reasons in words; "
        "`accepted` marks the match. A track without candidates has one row that says why. The matcher is "
        "part of its code version: a better matcher makes this stale, and computing it again spends no "
        "request and shows what changed. A researcher's overrides win over the matcher (`by_hand`); tracks "
        "that the MSD's lists name as wrongly linked or as duplicates are flagged."
    ),
)
def mapped_songs(
    partition: Partition, msd_songs: list[Row], spotify_search: list[Row], corrections: CorrectionsResource
) -> Staged:
    known = corrections.read().partition(partition.key)
    searches = {search["track_id"]: search for search in spotify_search}
    rows: list[Row] = []
    statuses: Counter[str] = Counter()
    for song in msd_songs:
        mine = map_song(song, searches.get(song["track_id"]), known)
        statuses[mine[0]["status"]] += 1
        rows += mine
    decided = sum(statuses.values()) - statuses["pending"] - statuses["error"]
    metadata: dict[str, Any] = {
        "songs": sum(statuses.values()),
        **{status: statuses[status] for status in STATUSES},
        **({"match_rate": round(statuses["matched"] / decided, 4)} if decided else {}),
        **_corrected(rows, known),
    }
    notes = _notes(corrections)
    if partition.previous is None:
        return Staged(rows, metadata, notes)
    changed = Rescored.between(partition.previous_rows(), rows)
    metadata["rescored"] = {
        "rows_before": partition.previous.written_at,
        "matched_before": changed.matched_before,
        **changed.counts(),
        "such_as": changed.examples(EXAMPLES),
    }
    return Staged(rows, metadata, {**notes, **changed.counts()})


def _notes(corrections: CorrectionsResource) -> Metadata:
    notes = corrections.read().warnings
    return {"reasons": list(notes)} if notes else {}


def _corrected(rows: list[dict[str, Any]], known: PartitionCorrections) -> dict[str, Any]:
    """How many tracks of a partition were corrected, and overrides that speak of none of them."""

    def tracks(name: str) -> int:
        return len({row["track_id"] for row in rows if row[name]})

    counts = {name: tracks(name) for name in ("by_hand", "known_mismatch", "duplicate_group")}
    strange = sorted(known.overrides.keys() - {row["track_id"] for row in rows})
    return {**counts, "overrides_without_song": listed(strange)} if strange else counts


@stage(
    "artist_votes",
    inputs=("msd_songs", "mapped_songs", "spotify_tracks"),
    version=VERSION,
    attributes={"group": MAPPING, "kinds": {"python"}},
    description=(
        "Each match's vote: the Spotify artists credited on it are candidates for the song's MSD artist. "
        "Tracks known to be wrongly linked have none. Counted over all partitions in "
        "`warehouse/mapped/artists`."
    ),
)
def artist_votes(msd_songs: list[Row], mapped_songs: list[Row], spotify_tracks: list[Row]) -> Staged:
    rows = count_votes(msd_songs, mapped_songs, spotify_tracks)
    return Staged(rows, {"votes": sum(row["votes"] for row in rows)})


def count_votes(
    songs: list[dict[str, Any]], mapped: list[dict[str, Any]], tracks: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of `artist_votes` of one partition: one vote for each artist credited on a match.

    A track that is known to be wrongly linked is not evidence for its artist; one that was set by hand and
    never found names no artists.
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
