"""Every endpoint of the Web API that is in use, declared once: path, ledger key, batches, lists, parser.

Requesting them is in `fetcher`; what is an answer in `validation`, the columns of a row in `rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from music_assets.sources.fetched import Row
from music_assets.sources.ledger import Key, Response
from music_assets.sources.spotify.rows import (
    album_rows,
    artist_row,
    audio_features_row,
    release_rows,
    search_rows,
    track_row,
)
from music_assets.sources.spotify.validation import is_named, object_problem

HITS = 10  # what a search answers at most since 2026
MOST_RELEASES = 200  # read of an artist's; a few have thousands, most of them the same again


@dataclass(frozen=True)
class Endpoint:
    """How something is requested, under which key its responses are cached, and the rows in them.

    `parse` makes rows of a body and the id it was requested for; `kind` is the type of the objects. `batch`
    is how many ids one request takes where the access has batches, `single` the path for one id (None where
    there is only the batch). A `listed` endpoint answers page by page, cached as one response; a search is
    requested by a query. Where `by_market`, a market is sent, and what it answers is cached apart. What is
    `bare_singly` lacks, without batches, all that it would be requested for.
    """

    path: str
    entity: str
    purpose: str
    parse: Callable[..., list[Row]]
    kind: str = "track"
    batch: int = 1
    single: str | None = None
    listed: bool = False
    by_market: bool = True
    bare_singly: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)

    def in_market(self, market: str | None) -> Endpoint:
        """The endpoint as it is requested and cached in this market; itself for none."""
        if market is None or not self.by_market:
            return self
        return replace(self, purpose=f"{self.purpose} {market}", params={**self.params, "market": market})

    @property
    def listed_as(self) -> str:
        """The name of the list in the body of a batch."""
        return self.path.replace("-", "_")

    def key(self, id_: str) -> Key:
        """What a response is cached under."""
        return Key(self.entity, id_, self.purpose)

    def problem(self, body: Any, id_: str) -> str | None:
        """Why a body is no answer to a request for this id; None where it is one."""
        if self.listed:
            return None  # each page was looked at
        return object_problem(body, self.kind, id_, in_market="market" in self.params)

    def rows(self, response: Response, source: str) -> list[Row]:
        """The rows of a cached response, under the id that was requested; none where nothing was found."""
        if response.status != "answered":
            return []
        return self.parse(response.body, response.key.id, source=source, fetched_at=response.fetched_at)


def search_hits(body: Any) -> list[Mapping[str, Any]]:
    """The track objects of a search's body, best first, but for those without an id and a name."""
    return list(filter(is_named, body["tracks"]["items"]))


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
ARTISTS = Endpoint(
    *("artists", "spotify_artist", "artist", _one(artist_row), "artist"),
    batch=50,
    single="artists/{}",
    by_market=False,
    bare_singly=True,
)
ALBUMS = Endpoint(
    "albums", "spotify_album", "album", _many(album_rows), "album", batch=20, single="albums/{}"
)
AUDIO_FEATURES = Endpoint(
    *("audio-features", "spotify_track", "audio_features", _one(audio_features_row), "audio_features"),
    batch=100,
    by_market=False,
)
ARTIST_ALBUMS = Endpoint(
    "artists",
    "spotify_artist",
    "artist_albums",
    lambda body, id_, **origin: release_rows(id_, body["items"], **origin),
    "album",
    single="artists/{}/albums",
    listed=True,
    params={"include_groups": "album,single"},
)
SONG_SEARCH = Endpoint("search", "track", "search", _many(search_rows), params=_OF_TRACKS)
RELEASE_SEARCH = Endpoint("search", "release", "tracks", _many(search_rows), params=_OF_TRACKS)
