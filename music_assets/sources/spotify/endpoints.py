"""Every endpoint of the Web API that is in use, declared once: path, ledger key, batches, pages, parser.

Requesting them is in `fetcher`; the columns of a row are in `rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from music_assets.sources.fetched import Row
from music_assets.sources.ledger import Key, Response
from music_assets.sources.spotify.errors import BadResponse
from music_assets.sources.spotify.rows import (
    album_rows,
    artist_row,
    audio_features_row,
    release_rows,
    search_rows,
    track_row,
)

HITS = 10  # what a search answers at most since 2026


@dataclass(frozen=True)
class Endpoint:
    """How something is requested, under which key its responses are cached, and the rows in them.

    `parse` makes rows of a body and the id it was requested for. `batch` is how many ids one request takes
    where the access has batches, `single` the path for one id (None where there is only the batch). Of a
    paged list up to `pages` are read, and cached as one response. A search is requested by a query.
    """

    path: str
    entity: str
    purpose: str
    parse: Callable[..., list[Row]]
    batch: int = 1
    single: str | None = None
    pages: int = 1
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def listed_as(self) -> str:
        """The name of the list in the body of a batch."""
        return self.path.replace("-", "_")

    def key(self, id_: str) -> Key:
        """What a response is cached under."""
        return Key(self.entity, id_, self.purpose)

    def rows(self, response: Response, source: str) -> list[Row]:
        """The rows of a cached response, under the id that was requested; none where nothing was found."""
        if response.status != "answered":
            return []
        return self.parse(response.body, response.key.id, source=source, fetched_at=response.fetched_at)


def search_hits(body: Any) -> list[Mapping[str, Any]]:
    """The track objects of a search's body, best first, without null entries and those that have no id.

    Raises:
        BadResponse: the body is not a search's.
    """
    tracks = body.get("tracks")
    items = tracks.get("items") if isinstance(tracks, dict) else None
    if not isinstance(items, list):
        raise BadResponse("Spotify answered search with an object that holds no list of tracks")
    return [item for item in items if isinstance(item, dict) and item.get("id")]


def with_hits(body: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> dict[str, Any]:
    """A search's body, with the hits of an earlier one that it lacks before its own."""
    own = search_hits(body)
    had = {hit["id"] for hit in own}
    missing = [hit for hit in search_hits(earlier or body) if hit["id"] not in had]
    return {**body, "tracks": {**body["tracks"], "items": [*missing, *own]}}


def _one(row: Callable[..., Row]) -> Callable[..., list[Row]]:
    """The parser of a body that is one object, under the id it was requested for."""
    return lambda body, id_, **origin: [row(body, requested_id=id_, **origin)]


def _many(rows: Callable[..., list[Row]]) -> Callable[..., list[Row]]:
    """The parser of a body that lists several, each under its own id."""
    return lambda body, id_, **origin: rows(body, **origin)


_OF_TRACKS = {"type": "track", "limit": HITS}
TRACKS = Endpoint("tracks", "spotify_track", "track", _one(track_row), batch=50, single="tracks/{}")
ARTISTS = Endpoint("artists", "spotify_artist", "artist", _one(artist_row), batch=50, single="artists/{}")
ALBUMS = Endpoint("albums", "spotify_album", "album", _many(album_rows), batch=20, single="albums/{}")
AUDIO_FEATURES = Endpoint(
    "audio-features", "spotify_track", "audio_features", _one(audio_features_row), batch=100
)
# A few artists have thousands of releases, most of them the same again: four pages of 50 are read.
ARTIST_ALBUMS = Endpoint(
    "artists",
    "spotify_artist",
    "artist_albums",
    lambda body, id_, **origin: release_rows(id_, body["items"], **origin),
    single="artists/{}/albums",
    pages=4,
    params={"include_groups": "album,single", "limit": 50},
)
SONG_SEARCH = Endpoint("search", "track", "search", _many(search_rows), params=_OF_TRACKS)
RELEASE_SEARCH = Endpoint("search", "release", "tracks", _many(search_rows), params=_OF_TRACKS)
