"""ReccoBeats' tracks as rows of `spotify.tracks`, and where what it answers is cached.

An object says by its `href` which Spotify track it is about. It names no album.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from music_assets.ids import SPOTIFY_ID, isrc_of
from music_assets.sources.fetched import Row
from music_assets.sources.ledger import Key, Response
from music_assets.sources.spotify.rows import track_row

Item = Mapping[str, Any]
_TRACK, _ARTIST = (
    re.compile(rf"(?:/{kind}/|^spotify:{kind}:)({SPOTIFY_ID.pattern})(?![0-9A-Za-z])")
    for kind in ("track", "artist")
)
_COUNTRY = re.compile(r"[A-Z]{2}")


def track_key(name: str) -> Key:
    """What the tracks of a Spotify id or ISRC are cached under."""
    return Key("reccobeats", name, "catalogue")


def artist_key(id_: str) -> Key:
    """What the tracks of an artist are cached under, by the artist's Spotify id."""
    return Key("reccobeats", id_, "artist tracks")


def search_key(name: str) -> Key:
    """What a search for an artist is cached under."""
    return Key("reccobeats", name, "artist search")


def track_rows(response: Response, source: str) -> list[Row]:
    """The rows of `spotify.tracks` in a response cached under `track_key`; a track without a name is none.

    `source` is `sandbox` where that invented them, else the rows say `reccobeats`.
    """
    source, at = source if source == "sandbox" else "reccobeats", response.fetched_at
    items = response.body["content"] if response.status == "answered" else []
    rows = [track_row(_as_spotify_has_it(item), source=source, fetched_at=at) for item in items]
    if source == "sandbox":  # whose tracks are on no page of Spotify's: a link as it gives it, to `.invalid`
        rows = [{**row, "url": item.get("href")} for row, item in zip(rows, items, strict=True)]
    return [row for row in rows if row["spotify_track_id"] and row["name"]]


def _as_spotify_has_it(item: Item) -> dict[str, Any]:
    """A track object of ReccoBeats in the words of Spotify's."""
    artists = item.get("artists")
    credited = [artist for artist in artists if isinstance(artist, dict)] if isinstance(artists, list) else []
    countries, popularity = item.get("availableCountries"), item.get("popularity")
    id_ = spotify_id_of(item)
    return {
        "id": id_,
        "name": item.get("trackTitle"),
        "artists": [{"id": _id_in(artist, _ARTIST), "name": artist.get("name")} for artist in credited],
        "duration_ms": item.get("durationMs"),
        "external_ids": {"isrc": isrc_of(item.get("isrc"))},
        "popularity": popularity if isinstance(popularity, int) and 0 <= popularity <= 100 else None,
        "available_markets": _COUNTRY.findall(countries) if isinstance(countries, str) else None,
        "external_urls": {"spotify": f"https://open.spotify.com/track/{id_}"},
    }


def spotify_id_of(item: Item) -> str | None:
    """The id of the Spotify track that `href` leads to; None where it leads elsewhere."""
    return _id_in(item, _TRACK)


def artist_id_of(item: Item) -> str | None:
    """The id of the Spotify artist that `href` leads to; None where it leads elsewhere."""
    return _id_in(item, _ARTIST)


def _id_in(item: Item, of: re.Pattern[str]) -> str | None:
    href = item.get("href")
    found = of.search(href) if isinstance(href, str) else None
    return found[1] if found else None
