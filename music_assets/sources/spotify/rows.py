"""Spotify's JSON objects as rows: one function per object, one dict per row.

The names of a row are the columns of `spotify.tracks`, `spotify.artists` and `spotify.audio_features` (a test
holds the two equal). What a response lacks is None: development mode sends no popularity, markets or
followers, and old responses lack other fields. Values are taken as they are, only of the type the column has;
whether they are in range is for `staging.validation` to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from music_assets.ids import is_spotify_id, isrc_of
from music_assets.sources.fetched import Row
from music_assets.sources.spotify.validation import is_named


def track_row(
    track: Mapping[str, Any], *, source: str, fetched_at: datetime | None, requested_id: str | None = None
) -> Row:
    """A row of `spotify.tracks` from a track object (a search hit, or one of `/tracks`).

    A track that Spotify relinked keeps the `requested_id` (or the one that `linked_from` names), and says
    under which it was answered (`relinked_to`).
    """
    own = _id(track)
    id_ = requested_id or _id(_object(track.get("linked_from"))) or own
    album = _object(track.get("album"))
    artists = [
        {"spotify_artist_id": _id(artist), "name": _text(artist.get("name"))}
        for artist in map(_object, _list(track.get("artists")) or [])
        if artist
    ]
    first = artists[0] if artists else {}
    return {
        "spotify_track_id": id_,
        "name": _text(track.get("name")),
        "isrc": isrc_of(_object(track.get("external_ids")).get("isrc")),
        "duration_ms": _int(track.get("duration_ms")),
        "explicit": track["explicit"] if isinstance(track.get("explicit"), bool) else None,
        "popularity": _int(track.get("popularity")),
        "disc_number": _int(track.get("disc_number")),
        "track_number": _int(track.get("track_number")),
        "artists": artists,
        "spotify_artist_id": first.get("spotify_artist_id"),
        "artist_name": first.get("name"),
        **_album(album),
        "album_name": _text(album.get("name")),
        "album_total_tracks": _int(album.get("total_tracks")),
        "available_markets": _list(track.get("available_markets")),
        "url": _url(track),
        "relinked_to": own if own != id_ else None,
        "vanished_at": None,
        "source": source,
        "fetched_at": fetched_at,
    }


def search_rows(body: Any, *, source: str, fetched_at: datetime | None) -> list[Row]:
    """The tracks of a search's body as rows, best first."""
    return _track_rows(_object(body), {}, source, fetched_at)


def album_rows(album: Mapping[str, Any], *, source: str, fetched_at: datetime | None) -> list[Row]:
    """The tracks of an album object as rows of `spotify.tracks`, in its order.

    Tracks inside an album do not repeat the album, and have neither ISRC nor popularity.
    """
    return _track_rows(album, {"album": album}, source, fetched_at)


def _track_rows(
    body: Mapping[str, Any], more: Mapping[str, Any], source: str, fetched_at: datetime | None
) -> list[Row]:
    """Rows of the tracks that a body lists, but for entries that are null or lack an id or a name."""
    items = _list(_object(body.get("tracks")).get("items")) or []
    tracks = [{**item, **more} for item in items if is_named(item)]
    return [track_row(track, source=source, fetched_at=fetched_at) for track in tracks]


def release_rows(artist_id: str, albums: Any, *, source: str, fetched_at: datetime | None) -> list[Row]:
    """Rows of `spotify.artist_releases` from the albums listed for an artist, but for those without an id."""
    rows = [
        {
            "spotify_artist_id": artist_id,
            **_album(album),
            "name": _text(album.get("name")),
            "total_tracks": _int(album.get("total_tracks")),
            "url": _url(album),
            "source": source,
            "fetched_at": fetched_at,
        }
        for album in map(_object, _list(albums) or [])
    ]
    return [row for row in rows if row["spotify_album_id"]]


def artist_row(
    artist: Mapping[str, Any], *, source: str, fetched_at: datetime | None, requested_id: str | None = None
) -> Row:
    """A row of `spotify.artists` from an artist object, full or as named on a track."""
    return {
        "spotify_artist_id": requested_id or _id(artist),
        "name": _text(artist.get("name")),
        "genres": _list(artist.get("genres")),
        "popularity": _int(artist.get("popularity")),
        "followers": _int(_object(artist.get("followers")).get("total")),
        "url": _url(artist),
        "source": source,
        "fetched_at": fetched_at,
    }


def audio_features_row(
    features: Mapping[str, Any], *, source: str, fetched_at: datetime | None, requested_id: str | None = None
) -> Row:
    """A row of `spotify.audio_features` from an audio features object."""
    fractions = (
        "danceability energy loudness speechiness acousticness instrumentalness liveness valence tempo"
    )
    whole = "key mode time_signature duration_ms"
    return {
        "spotify_track_id": requested_id or _id(features),
        "source": source,
        **{name: _float(features.get(name)) for name in fractions.split()},
        **{name: _int(features.get(name)) for name in whole.split()},
        "fetched_at": fetched_at,
    }


def _album(album: Mapping[str, Any]) -> Row:
    """What a track says of its album, and a release of itself, in columns of the same name."""
    date = _text(album.get("release_date"))
    return {
        "spotify_album_id": _id(album),
        "album_type": (_text(album.get("album_type")) or "").lower() or None,
        "release_date": date,
        "release_year": _year(date),
    }


def _url(thing: Mapping[str, Any]) -> str | None:
    return _text(_object(thing.get("external_urls")).get("spotify"))


def _id(thing: Mapping[str, Any]) -> str | None:
    id_ = thing.get("id")
    return id_ if is_spotify_id(id_) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _int(value: Any) -> int | None:
    """A whole number; Spotify's libraries have recorded some as floats (`204053.0`)."""
    return None if _float(value) is None or abs(value) >= 2**63 else int(value)


def _float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of 400 digits
        return None


def _year(date: str | None) -> int | None:
    """The year of `1969`, `1969-07` or `1969-07-20`; Spotify writes `0000` where it knows none."""
    year = (date or "")[:4]
    return int(year) if year.isascii() and year.isdigit() and len(year) == 4 and year != "0000" else None
