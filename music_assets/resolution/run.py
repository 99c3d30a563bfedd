"""What the steps of one run share: the catalog, the backlog, and the outcome they add to.

The state of a song is changed here and nowhere else, so that backlog and outcome agree. The order of steps is
in `resolver`; what they do is in `steps`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from music_assets.ids import partition_of
from music_assets.matching import Candidate, decide, renamed_artists
from music_assets.resolution.backlog import BacklogSong, SearchBacklog, SongState
from music_assets.sources.spotify import OutOfBudget, Resolution, SpotifyCatalog

Row = dict[str, Any]


class Step(Protocol):
    """One way to resolve songs."""

    def __call__(self, run: Run, songs: Sequence[BacklogSong], /) -> Collection[str]:
        """The MSD track ids among these songs that need no further step now."""


@dataclass
class ResolutionOutcome:
    """What a run did: songs resolved, by how; requests, by kind; what failed, and why it ended.

    `curve` holds pairs of requests spent and songs resolved, batch by batch; `partitions` those with a newly
    resolved song; `errors` reasons by MSD track.
    """

    resolved: Counter[str] = field(default_factory=Counter)
    requests: dict[str, int] = field(default_factory=dict)
    partitions: set[str] = field(default_factory=set)
    out_of_budget: OutOfBudget | None = None
    curve: list[tuple[int, int]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """One run. `priority` says whether the songs of this batch are those somebody wants first."""

    catalog: SpotifyCatalog
    backlog: SearchBacklog
    by_release: bool = True
    priority: bool = False
    outcome: ResolutionOutcome = field(default_factory=ResolutionOutcome)
    renamed: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)  # artists, by release key

    @property
    def has_batches(self) -> bool:
        """Whether Spotify gives this app several things by id per request: extended access."""
        return self.catalog.mode == "extended"

    @property
    def may_fetch(self) -> bool:
        """Whether the budget still allows a request."""
        return self.outcome.out_of_budget is None

    def stop_if(self, until: datetime | None, reason: str | None) -> None:
        """Take note of the end of the budget, where a response says until when."""
        if until is not None and self.may_fetch:
            self.outcome.out_of_budget = OutOfBudget(reason or "", until)

    def wanted(self, songs: Iterable[BacklogSong]) -> int:
        """How many of these are open and due now: while priority songs are open, no others are."""
        return sum(song.state == SongState.OPEN and (song.priority or not self.priority) for song in songs)

    def mark(self, songs: Sequence[BacklogSong], how: str, state: SongState = SongState.RESOLVED) -> None:
        """Set the state of songs; those that were open are counted under `how`."""
        self.backlog.mark([song.track_id for song in songs], state)
        self.outcome.resolved[how] += sum(song.state == SongState.OPEN for song in songs)
        self.outcome.partitions |= {partition_of(song.track_id) for song in songs}

    def resolve(self, how: str, ids: Mapping[BacklogSong, tuple[str, ...]]) -> None:
        """Record by which ids these songs are resolved, without a search of their own."""
        self.catalog.resolutions.record(
            Resolution(song.track_id, how, by, self.renamed.get(song.release_key, frozenset()))
            for song, by in ids.items()
        )
        self.mark(list(ids), how)

    def match_release(
        self, songs: Sequence[BacklogSong], rows: Sequence[Row]
    ) -> dict[BacklogSong, list[Row]]:
        """The rows that are these songs of one release, artists included that it shows to be renamed."""
        if not songs:
            return {}
        key = songs[0].release_key
        found = renamed_artists([song.song for song in songs], map(candidate_of, rows))
        if renamed := self.renamed.get(key, frozenset()) | found:
            self.renamed[key] = renamed
        return {song: matched for song in songs if (matched := match(song, rows, renamed))}

    def fail(self, reasons: Mapping[str, str]) -> None:
        """Leave these tracks for another run."""
        self.backlog.mark(reasons, SongState.FAILED)
        self.outcome.errors |= reasons


def match(
    song: BacklogSong, rows: Sequence[Row], renamed: frozenset[tuple[str, str]] = frozenset()
) -> list[Row]:
    """The rows of `spotify.tracks` that are this song, the match first; none where it is not matched."""
    decision = decide(song.song, map(candidate_of, rows), renamed)
    if decision.status != "matched":
        return []
    by_id = {row["spotify_track_id"]: row for row in rows}
    return [
        by_id[ranked.candidate.id]
        for ranked in decision.ranked
        if ranked.candidate.id == decision.best or ranked.equivalent
    ]


def candidate_of(row: Row) -> Candidate:
    """A row of `spotify.tracks` as the matcher takes it."""
    return Candidate(
        id=row["spotify_track_id"],
        title=row["name"],
        artist_names=tuple(artist["name"] for artist in row["artists"] or []),
        album=row["album_name"],
        duration=None if row["duration_ms"] is None else row["duration_ms"] / 1000,
        release_year=row["release_year"],
        isrc=row["isrc"],
    )
