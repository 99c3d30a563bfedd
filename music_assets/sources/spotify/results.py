"""What goes into `SpotifyCatalog` and what comes out of it: a song to ask about, an answer, rows looked up.

Getting them is in `facade`; what a row holds is in `shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from music_assets.sources.spotify.rows import Row


@dataclass(frozen=True)
class SongQuery:
    """An MSD song to search for; `duration` in seconds."""

    track_id: str
    title: str
    artist_name: str
    release: str | None = None
    duration: float | None = None


@dataclass(frozen=True)
class SearchResult:
    """What is known of one song: the tracks found, or why nothing is known yet.

    `answered` (with or without tracks), `pending` (the budget ended; `until` says when to go on) or
    `error` (this question failed). `tracks` are rows of `spotify.tracks`, in Spotify's order; `found_by`
    says, by their id, which of them came otherwise than by `query`.
    """

    track_id: str
    status: str
    query: str | None = None
    tracks: list[Row] = field(default_factory=list)
    reason: str | None = None
    until: datetime | None = None
    source: str | None = None
    fetched_at: datetime | None = None
    found_by: Mapping[str, str] = field(default_factory=dict)
    from_ledger: bool = False
    requests: int = 0  # that left for it now, retries among them


@dataclass(frozen=True)
class Fetched:
    """Rows for the ids asked, in their order, and what became of the others.

    `not_found` ids are unknown to Spotify, `pending` ones were not asked since the budget ended (until
    `until`), `failed` ones met an error. `denied` says that this app may not ask at all, `reason` why any
    of this is so.
    """

    rows: list[Row]
    not_found: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    denied: bool = False
    reason: str | None = None
    until: datetime | None = None
