"""The SQL of the published tables: what readers see, from what was staged.

One function a table, each giving a `select()` whose columns are the table's, in order. The result
depends on the rows alone, never on the order they were loaded in: where several slices saw the
same thing, the newest answer wins, and ties fall to the smallest slice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Double,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import FromClause

from music_assets.tables import PUBLISHED, STAGED, STAGED_BY_DAY, key_columns, row_columns
from music_assets.tables.analytics import ANALYTICS_ARTIST_FIELDS, ANALYTICS_SONG_FIELDS
from music_assets.warehouse.sql import first_by, json_list

# An MSD artist is the Spotify artist whose name agrees this well, or whom this many of its songs
# name, with this share of the votes: names in another script agree little.
NAME_AGREES = 0.6
ENOUGH_VOTES = 3
ENOUGH_SHARE = 0.6


def _first(kind: str, rank: Callable[[FromClause], ColumnElement[Any]] | None = None) -> Select[Any]:
    """A staged kind with one row a key: by rank, then the newest, then that of the smallest slice."""
    staged = _seen(kind)
    ranks = [rank(staged)] if rank is not None else []
    order = [*ranks, staged.c.fetched_at.desc().nulls_last(), staged.c.slice]
    rows = first_by(staged, key_columns(STAGED[kind]), order).subquery()
    return select(*(rows.c[name] for name in row_columns(STAGED[kind])))


def _seen(kind: str) -> FromClause:
    """All rows of a staged kind: those of partitions, and those of refreshes where it has any."""
    refreshed = STAGED_BY_DAY.get(f"{kind}_refresh")
    if refreshed is None:
        return STAGED[kind]
    return union_all(select(STAGED[kind]), select(refreshed)).subquery("seen")


def msd_songs() -> Select[Any]:
    staged = STAGED["msd_songs"]
    rows = first_by(staged, ["track_id"], [staged.c.slice]).subquery()
    return select(*(rows.c[name] for name in row_columns(staged)))


def msd_artists() -> Select[Any]:
    """An artist's values come from the smallest of its tracks, its names from all of them."""
    songs, staged = PUBLISHED["msd.songs"], STAGED["msd_artists"]
    spelt = (
        select(songs.c.artist_id, songs.c.artist_name, func.count().label("n"))
        .where(songs.c.artist_name.is_not(None))
        .group_by(songs.c.artist_id, songs.c.artist_name)
        .subquery()
    )
    place = func.row_number().over(
        partition_by=spelt.c.artist_id, order_by=[spelt.c.n.desc(), spelt.c.artist_name]
    )
    names = select(spelt.c.artist_id, spelt.c.artist_name, place.label("place_")).subquery()
    usual = select(names.c.artist_id, names.c.artist_name).where(names.c.place_ == 1).subquery()
    others = (
        select(names.c.artist_id, json_list(names.c.artist_name, names.c.place_).label("other_names"))
        .where(names.c.place_ > 1)
        .group_by(names.c.artist_id)
        .subquery()
    )
    total = (
        select(
            songs.c.artist_id, func.count().label("songs"), func.min(songs.c.track_id).label("first_track_id")
        )
        .group_by(songs.c.artist_id)
        .subquery()
    )
    first = first_by(staged, ["artist_id"], [staged.c.first_track_id, staged.c.slice]).subquery()
    own = {
        "artist_name": usual.c.artist_name,
        # Without other spellings anywhere there are none in the slice: its empty list.
        "other_names": func.coalesce(others.c.other_names, first.c.other_names),
        "songs": total.c.songs,
        "first_track_id": total.c.first_track_id,
    }
    return select(*(own.get(name, first.c[name]).label(name) for name in row_columns(staged))).select_from(
        first.join(total, total.c.artist_id == first.c.artist_id)
        .outerjoin(usual, usual.c.artist_id == first.c.artist_id)
        .outerjoin(others, others.c.artist_id == first.c.artist_id)
    )


def spotify_tracks() -> Select[Any]:
    """Tracks met, and matches that were never met (set by hand, or on another source's word): ids alone."""
    met, vanished, mapped = _tracks_met().subquery(), _vanished().subquery(), STAGED["mapped_songs"]
    matches = (
        select(mapped.c.spotify_track_id.label("id"), func.min(mapped.c.source).label("source"))
        .where(mapped.c.accepted)
        .group_by(mapped.c.spotify_track_id)
        .subquery()
    )
    # By all ids, and no full join: Redshift has none of rows with lists.
    ids = select(met.c.spotify_track_id.label("id")).union(select(matches.c.id)).subquery()
    own = {
        "spotify_track_id": ids.c.id,
        "source": func.coalesce(met.c.source, matches.c.source),
        "vanished_at": vanished.c.vanished_at,
    }
    return select(*(own.get(c.name, c).label(c.name) for c in met.c)).select_from(
        ids.outerjoin(met, met.c.spotify_track_id == ids.c.id)
        .outerjoin(matches, matches.c.id == ids.c.id)
        .outerjoin(vanished, vanished.c.id == ids.c.id)
    )


def _tracks_met() -> Select[Any]:
    """One row a track: a whole one before one that came within an album, and that before a bare id."""
    return _first(
        "spotify_tracks",
        lambda seen: case((seen.c.isrc.is_not(None), 0), (seen.c.vanished_at.is_(None), 1), else_=2),
    )


def _vanished() -> Select[Any]:
    """When each track vanished that was not seen since."""
    staged = _seen("spotify_tracks")
    there = case((staged.c.vanished_at.is_(None), staged.c.fetched_at))
    seen = func.max(there).over(partition_by=staged.c.spotify_track_id)
    rows = select(staged.c.spotify_track_id.label("id"), staged.c.vanished_at, seen.label("seen")).subquery()
    return (
        select(rows.c.id, func.min(rows.c.vanished_at).label("vanished_at"))
        .where(or_(rows.c.seen.is_(None), rows.c.vanished_at > rows.c.seen))
        .group_by(rows.c.id)
    )


def spotify_artists() -> Select[Any]:
    """One row an artist: one that was asked about before one that tracks named, and that before a bare id."""
    return _first(
        "spotify_artists",
        lambda seen: case((seen.c.url.is_not(None), 0), (seen.c.name.is_not(None), 1), else_=2),
    )


def spotify_audio_features() -> Select[Any]:
    return _first("audio_features")


def spotify_popularity_history() -> Select[Any]:
    """The last value of each day that is staged now: what the table is to have beside what it has already."""

    def seen(kind: str, entity: str) -> Select[Any]:
        staged = _seen(kind)
        return select(
            cast(literal(entity), String(8)).label("entity"),
            staged.c[key_columns(STAGED[kind])[0]].label("id"),
            cast(staged.c.fetched_at, Date).label("date"),
            staged.c.popularity,
            staged.c.source,
            staged.c.fetched_at,
            staged.c.slice,
        ).where(staged.c.popularity.is_not(None), staged.c.fetched_at.is_not(None))

    both = union_all(seen("spotify_tracks", "track"), seen("spotify_artists", "artist")).subquery()
    last = first_by(both, ["entity", "id", "date"], [both.c.fetched_at.desc(), both.c.slice]).subquery()
    return select(*(last.c[c.name] for c in PUBLISHED["spotify.popularity_history"].columns))


def spotify_artist_releases() -> Select[Any]:
    """Each release as last listed for its artist; rows that only say that an artist was asked left out."""
    staged = STAGED_BY_DAY["artist_releases"]
    order = [staged.c.fetched_at.desc().nulls_last(), staged.c.slice]
    rows = first_by(staged, key_columns(staged), order).subquery()
    return select(*(rows.c[name] for name in row_columns(staged))).where(rows.c.spotify_album_id.is_not(None))


def mapped_songs() -> Select[Any]:
    staged = STAGED["mapped_songs"]
    return select(*(staged.c[name] for name in row_columns(staged)))


def mapped_artists() -> Select[Any]:
    """Votes of all slices, counted: a vote weighs as much as the two names agree."""
    staged = STAGED["artist_votes"]
    votes = cast(func.sum(staged.c.votes), Double)
    counted = (
        select(
            staged.c.artist_id,
            staged.c.spotify_artist_id,
            func.min(staged.c.spotify_artist_name).label("spotify_artist_name"),
            func.sum(staged.c.votes).label("votes"),
            func.max(staged.c.agreement).label("agreement"),
            func.min(staged.c.source).label("source"),
            (votes * func.max(staged.c.agreement)).label("weight"),
        )
        .group_by(staged.c.artist_id, staged.c.spotify_artist_id)
        .subquery()
    )
    mine = counted.c.artist_id
    share = cast(counted.c.votes, Double) / func.sum(counted.c.votes).over(partition_by=mine)
    rank = func.row_number().over(
        partition_by=mine,
        order_by=[counted.c.weight.desc(), counted.c.votes.desc(), counted.c.spotify_artist_id],
    )
    ranked = select(*counted.c, share.label("share"), rank.label("rank")).subquery()
    accepted = and_(
        ranked.c.rank == 1,
        or_(
            ranked.c.agreement >= NAME_AGREES,
            and_(ranked.c.votes >= ENOUGH_VOTES, ranked.c.share >= ENOUGH_SHARE),
        ),
    )
    own = {"accepted": accepted}
    table = PUBLISHED["mapped.artists"]
    return select(*(own[c.name].label(c.name) if c.name in own else ranked.c[c.name] for c in table.columns))


def analytics_songs() -> Select[Any]:
    song, mapped, track = PUBLISHED["msd.songs"], PUBLISHED["mapped.songs"], PUBLISHED["spotify.tracks"]
    features = PUBLISHED["spotify.audio_features"]
    one_provider = first_by(features, ["spotify_track_id"], [features.c.source]).subquery()
    order: list[ColumnElement[Any]] = [mapped.c.rank.nulls_last(), mapped.c.spotify_track_id.nulls_last()]
    best = first_by(mapped, ["track_id"], order).subquery()
    match = case((best.c.accepted, best.c.spotify_track_id), else_=null())
    values: dict[str, ColumnElement[Any]] = {
        **{name: song.c[name] for name in ANALYTICS_SONG_FIELDS},
        "match_status": func.coalesce(best.c.status, literal("pending")),
        "match_score": best.c.score,
        "match_margin": best.c.margin,
        "match_reasons": best.c.reasons,
        "spotify_track_id": match,
        "spotify_name": track.c.name,
        "spotify_artist_id": track.c.spotify_artist_id,
        "spotify_artist_name": track.c.artist_name,
        "spotify_album_name": track.c.album_name,
        "spotify_release_date": track.c.release_date,
        "spotify_duration": cast(track.c.duration_ms, Double) / 1000.0,
        "isrc": track.c.isrc,
        "popularity": track.c.popularity,
        "spotify_url": track.c.url,
        "features_source": one_provider.c.source,
        "source": best.c.source,
        "fetched_at": track.c.fetched_at,
    }
    joined = (
        song.outerjoin(best, best.c.track_id == song.c.track_id)
        .outerjoin(track, and_(track.c.spotify_track_id == best.c.spotify_track_id, best.c.accepted))
        .outerjoin(one_provider, one_provider.c.spotify_track_id == track.c.spotify_track_id)
    )
    table = PUBLISHED["analytics.songs"]
    return select(
        *(
            (values[c.name] if c.name in values else one_provider.c[c.name.removeprefix("spotify_")]).label(
                c.name
            )
            for c in table.columns
        )
    ).select_from(joined)


def analytics_artists() -> Select[Any]:
    artist, mapped, spotify = (
        PUBLISHED["msd.artists"],
        PUBLISHED["mapped.artists"],
        PUBLISHED["spotify.artists"],
    )
    songs = PUBLISHED["analytics.songs"]
    matched = (
        select(songs.c.artist_id, func.count(songs.c.spotify_track_id).label("songs_matched"))
        .group_by(songs.c.artist_id)
        .subquery()
    )
    values: dict[str, ColumnElement[Any]] = {
        **{name: artist.c[name] for name in ANALYTICS_ARTIST_FIELDS},
        "songs_matched": func.coalesce(matched.c.songs_matched, 0),
        "spotify_artist_id": mapped.c.spotify_artist_id,
        "spotify_name": func.coalesce(spotify.c.name, mapped.c.spotify_artist_name),
        "votes": mapped.c.votes,
        "agreement": mapped.c.agreement,
        "genres": spotify.c.genres,
        "popularity": spotify.c.popularity,
        "followers": spotify.c.followers,
        "spotify_url": spotify.c.url,
        "source": mapped.c.source,
        "fetched_at": spotify.c.fetched_at,
    }
    joined = (
        artist.outerjoin(matched, matched.c.artist_id == artist.c.artist_id)
        .outerjoin(mapped, and_(mapped.c.artist_id == artist.c.artist_id, mapped.c.accepted))
        .outerjoin(spotify, spotify.c.spotify_artist_id == mapped.c.spotify_artist_id)
    )
    return select(
        *(values[c.name].label(c.name) for c in PUBLISHED["analytics.artists"].columns)
    ).select_from(joined)


# What fills each published table, and the tables each reads.
SELECTS: dict[str, Callable[[], Select[Any]]] = {
    "msd.songs": msd_songs,
    "msd.artists": msd_artists,
    "spotify.tracks": spotify_tracks,
    "spotify.artists": spotify_artists,
    "spotify.audio_features": spotify_audio_features,
    "spotify.popularity_history": spotify_popularity_history,
    "spotify.artist_releases": spotify_artist_releases,
    "mapped.songs": mapped_songs,
    "mapped.artists": mapped_artists,
    "analytics.songs": analytics_songs,
    "analytics.artists": analytics_artists,
}

# Tables that are added to: what was staged yesterday and no more is part of them.
APPENDED = frozenset({"spotify.popularity_history"})


def reads(rows: Select[Any]) -> list[Table]:
    """The tables of ours a statement reads, by name: what Dagster shows as its inputs."""
    found = {table.fullname: table for table in visitors.iterate(rows) if isinstance(table, Table)}
    return [found[name] for name in sorted(found)]
