"""What of Spotify's is to be looked up again, the stalest first: chosen by SQL among what is staged.

Readers' tables are filled after a refresh, so staging is read, of all slices. The requests are sent by
`music_assets.defs.assets.refresh`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, SelectBase, func, or_, select, union_all
from sqlalchemy.sql.selectable import FromClause

from music_assets.tables import STAGED, STAGED_BY_DAY
from music_assets.warehouse.published import query


def stale_tracks(before: datetime, limit: int) -> Select[Any]:
    """Ids of matched tracks that were not looked up since `before` (UTC), the stalest first.

    First come those that came within an album alone or were set by hand: their details are missing.
    """
    mapped, staged = STAGED["mapped_songs"], STAGED["spotify_tracks"]
    refreshed = STAGED_BY_DAY["spotify_tracks_refresh"]
    seen = union_all(
        select(refreshed.c.spotify_track_id, refreshed.c.fetched_at),
        select(staged.c.spotify_track_id, staged.c.fetched_at).where(staged.c.isrc.is_not(None)),
    )
    matched = select(mapped.c.spotify_track_id.label("id")).where(mapped.c.accepted).distinct().subquery()
    return _stalest(matched, seen, before, limit)


def stale_artists(before: datetime, limit: int) -> Select[Any]:
    """Ids of artists credited on matches that were not looked up since `before` (UTC), the stalest first.

    First come those of whom only the name is known.
    """
    votes, staged = STAGED["artist_votes"], STAGED["spotify_artists"]
    refreshed = STAGED_BY_DAY["spotify_artists_refresh"]
    seen = union_all(
        select(refreshed.c.spotify_artist_id, refreshed.c.fetched_at),
        select(staged.c.spotify_artist_id, staged.c.fetched_at).where(staged.c.url.is_not(None)),
    )
    credited = select(votes.c.spotify_artist_id.label("id")).distinct().subquery()
    return _stalest(credited, seen, before, limit)


def artists_to_list(before: datetime, limit: int) -> Select[Any]:
    """Ids of matched artists whose releases were not listed since `before` (UTC).

    Those with most matched songs come first.
    """
    staged, artists = STAGED_BY_DAY["artist_releases"], query("mapped.artists").subquery()
    matched = (
        select(artists.c.spotify_artist_id.label("id"), func.sum(artists.c.votes).label("votes"))
        .where(artists.c.accepted)
        .group_by(artists.c.spotify_artist_id)
        .subquery()
    )
    listed = _last(select(staged.c.spotify_artist_id, staged.c.fetched_at))
    return _due(matched, listed, before).order_by(matched.c.votes.desc(), matched.c.id).limit(limit)


def _stalest(wanted: FromClause, seen: SelectBase, before: datetime, limit: int) -> Select[Any]:
    """The wanted ids by when they were last looked up themselves; `seen` has these ids and times."""
    last = _last(seen)
    return _due(wanted, last, before).order_by(last.c.at.nulls_first(), wanted.c.id).limit(limit)


def _last(seen: SelectBase) -> FromClause:
    """Of ids and times: each `id`, and the last time `at` which it was seen."""
    id_, at = seen.subquery().c
    return select(id_.label("id"), func.max(at).label("at")).group_by(id_).subquery()


def _due(wanted: FromClause, last: FromClause, before: datetime) -> Select[Any]:
    """The wanted ids that were not seen since `before`."""
    return (
        select(wanted.c.id)
        .select_from(wanted.outerjoin(last, last.c.id == wanted.c.id))
        .where(or_(last.c.at.is_(None), last.c.at < before.replace(tzinfo=None)))
    )
