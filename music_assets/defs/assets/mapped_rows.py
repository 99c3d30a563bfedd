"""The rows of `mapped.songs` for one MSD track: the matcher's decision, then what people know better.

Pure functions of staged rows, with no Dagster; the assets that call them are in `mapping`. How a song is
compared and decided is `music_assets.matching`; what is known of single tracks is
`music_assets.sources.corrections`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from music_assets.matching import Renamings, Song, decide, matcher_version
from music_assets.resolution import candidate_of
from music_assets.sources.corrections import Override, PartitionCorrections
from music_assets.staging.rows import Row
from music_assets.tables import BY_HAND

MISMATCHED = "the MSD lists this track as wrongly linked to its song"


def map_song(song: Row, search: Row | None, known: PartitionCorrections | None = None) -> list[Row]:
    """The rows of `mapped.songs` for one MSD track, best candidate first, at least one.

    `song` is a staged MSD song, `search` what is staged of its search (None without one), `known`
    the corrections of its partition. An override wins over the matcher; the two MSD lists only flag.
    """
    known = known or PartitionCorrections()
    track_id = song["track_id"]
    rows = _decided(song, search)
    override = known.overrides.get(track_id)
    if override is not None:
        rows = _overridden(song, search, rows, override)
    for row in rows:
        row["duplicate_group"] = known.duplicate_group.get(track_id)
        if track_id in known.mismatched:
            row["known_mismatch"] = True
            row["reasons"] = [*row["reasons"], MISMATCHED]
    return rows


def song_of(song: Row) -> Song:
    """A staged MSD song as the matcher takes it."""
    return Song(song["title"], song["artist_name"], song["release"], song["duration"], song["year"])


def renamings_of(search: Row) -> Renamings:
    """The artists that the release of a staged search shows to be renamed; earlier runs staged none."""
    return frozenset((ours, theirs) for ours, theirs in search.get("renamings", ()))


def _decided(song: Row, search: Row | None) -> list[Row]:
    """The rows as the matcher has them."""
    if search is None or search["status"] != "answered":
        status = search["status"] if search else "pending"
        reason = (search or {}).get("reason")
        return [_row(song, search, status, reasons=[reason] if reason else [])]
    decision = decide(song_of(song), map(candidate_of, search["tracks"]), renamings_of(search))
    found_by = {track["spotify_track_id"]: track.get("question") for track in search["tracks"]}
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
            question=found_by[ranked.candidate.id] or search["question"],
        )
        for rank, ranked in enumerate(decision.ranked, start=1)
    ]


def _overridden(song: Row, search: Row | None, rows: list[Row], override: Override) -> list[Row]:
    """The rows as a person has decided: one of the candidates, another track, or none.

    Scores stay the matcher's; the margin, which is of its decision, goes.
    """
    candidates = [row for row in rows if row["spotify_track_id"] is not None]
    reason = f"set by hand: {override.note}" if override.note else "set by hand"
    if override.spotify_track_id is None:
        for row in candidates or rows:
            row |= {"reasons": [reason, *(row["reasons"] if candidates else [])], "equivalent": False}
            row |= {"status": "rejected", "accepted": False, "margin": None, "by_hand": True}
        return rows
    chosen = next((row for row in candidates if row["spotify_track_id"] == override.spotify_track_id), None)
    # The equivalents are those of the matcher's choice: they hold where the person's is one of them.
    same_recording = chosen is not None and (chosen["accepted"] or chosen["equivalent"])
    if chosen is None:
        chosen = _row(song, search, "matched", spotify_track_id=override.spotify_track_id)
        chosen |= {"source": BY_HAND, "fetched_at": None, "question": None}
    others = [row for row in candidates if row is not chosen]
    chosen["reasons"] = [reason, *chosen["reasons"]]
    for rank, row in enumerate([chosen, *others], start=1):
        row["equivalent"] = row is not chosen and same_recording and (row["accepted"] or row["equivalent"])
        row |= {"status": "matched", "rank": rank, "accepted": row is chosen, "margin": None, "by_hand": True}
    return [chosen, *others]


def _row(song: Row, search: Row | None, status: str, **known: Any) -> Row:
    """A row of `mapped.songs`; what is not known is NULL, what is not so is false."""
    found = search or {}
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
        "question": found.get("question"),
        "source": found.get("source"),
        "matcher_version": matcher_version(),
        "fetched_at": found.get("fetched_at"),
        "by_hand": False,
        "known_mismatch": False,
        "duplicate_group": None,
        **known,
    }


@dataclass(frozen=True)
class Rescored:
    """What another matcher, or other responses, made of the songs it decided before, by MSD track id.

    Songs that a person decided, that have no response now, or whose rows came from the sandbox on one side
    only are left out: nothing was scored again there.
    """

    matched_before: int
    newly_matched: list[str]
    lost: list[str]
    switched: list[str]

    @classmethod
    def between(cls, before: Iterable[Row], after: Iterable[Row]) -> Rescored:
        """Compare the rows of one partition with those it had before."""
        old, new = _decisions(before), _decisions(after)
        both = sorted(track for track in old.keys() & new.keys() if old[track][0] == new[track][0])
        changes = {track: (old[track][1], new[track][1]) for track in both}
        return cls(
            matched_before=sum(was is not None for was, _ in changes.values()),
            newly_matched=[track for track, (was, now) in changes.items() if was is None and now],
            lost=[track for track, (was, now) in changes.items() if was and now is None],
            switched=[track for track, (was, now) in changes.items() if was and now and was != now],
        )

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in ("newly_matched", "lost", "switched")}

    def examples(self, most: int) -> dict[str, list[str]]:
        """The first few track ids of each."""
        return {name: getattr(self, name)[:most] for name in self.counts()}


def _decisions(rows: Iterable[Row]) -> dict[str, tuple[bool, str | None]]:
    """By track that the matcher decided: whether its rows are the sandbox's, and the match."""
    found: dict[str, tuple[bool, str | None]] = {}
    for row in rows:
        if row["by_hand"] or row["status"] in ("pending", "error"):
            continue
        track_id = row["track_id"]
        _, match = found.get(track_id, (False, None))
        found[track_id] = (row["source"] == "sandbox", row["spotify_track_id"] if row["accepted"] else match)
    return found
