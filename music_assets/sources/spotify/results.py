"""What goes into a search for a song and what comes out of it. Searching is in `catalog`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from music_assets.sources.fetched import Row


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

    `status` is `answered` (with or without tracks), `pending` (the budget ended; `until` says when to go on)
    or `error` (this search failed). `tracks` are rows of `spotify.tracks`, in Spotify's order; `found_by`
    says, by their id, which of them were found otherwise than by `query`; `renamings` are those of the song's
    `Resolution`.
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
    renamings: frozenset[tuple[str, str]] = frozenset()
