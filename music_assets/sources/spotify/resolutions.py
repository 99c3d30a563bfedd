"""Songs resolved without a search of their own: by an album or a release search that lists them, or by an id.

The ledger holds such a song's resolution, which names the album, the release or the tracks; those have
responses of their own there. It also holds which albums of Spotify's a release of the MSD may be, and which
artist one of the MSD is. Which track of an album is which song is for `music_assets.matching` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from music_assets.sources.fetched import Row
from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.spotify.endpoints import ALBUMS, RELEASE_SEARCH, TRACKS, Endpoint

_LISTS: dict[str, Endpoint] = {"album": ALBUMS, "release": RELEASE_SEARCH}  # of others, tracks by their ids
PURPOSE, ALBUMS_PURPOSE, ARTIST_PURPOSE = "settled", "albums", "artist"  # as every ledger has them


@dataclass(frozen=True)
class Resolution:
    """How a song was resolved: `by` is `album`, `release` or a source of ids.

    `ids` are Spotify's, of a release its key. `renamings` are pairs of an artist as the MSD and as Spotify
    names it that the release shows to be one, both normalised. `albums` are those that a source of ids named.
    Where it is not `matched`, the ids are candidates of which none is the song, all that there are without a
    search.
    """

    track_id: str
    by: str
    ids: tuple[str, ...]
    renamings: frozenset[tuple[str, str]] = frozenset()
    albums: Mapping[str, str] = field(default_factory=dict)
    matched: bool = True

    @property
    def query(self) -> str:
        """What stands where a search has its query."""
        return " ".join([self.by, *self.ids])


@dataclass(frozen=True)
class ReleaseAlbum:
    """An album on Spotify that a release of the MSD may be; `same_name` says whether it is called so."""

    spotify_album_id: str
    same_name: bool


@dataclass(frozen=True)
class Resolved:
    """The tracks that a resolution leads to, as rows of `spotify.tracks` with the `listed_album`; when it was
    recorded."""

    resolution: Resolution
    rows: list[Row]
    recorded_at: datetime


class TrackSource(Protocol):
    """Another source of tracks by Spotify's ids, in the same ledger."""

    def track_key(self, name: str) -> Key:
        """What the tracks of an id are cached under."""

    def track_rows(self, response: Response, source: str) -> list[Row]:
        """Their rows."""


class Resolutions:
    """Resolutions and what they lead to, in one ledger and market. `response` makes one fetched now.

    `elsewhere` has tracks that Spotify itself was not asked for. With `unmatched` the resolutions that are
    not matched are given, too.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        source: str,
        response: Callable[..., Response],
        elsewhere: TrackSource | None = None,
        unmatched: bool = False,
        market: str | None = None,
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._response = response
        self._elsewhere = elsewhere
        self._unmatched = unmatched
        self._market = market
        self._suffix = f" {market}" if market else ""

    def record(self, resolutions: Iterable[Resolution]) -> None:
        """Store resolutions, in place of older ones of their songs."""
        self._put(
            (
                self._song_key(one.track_id),
                one.query,
                {
                    "by": one.by,
                    "ids": one.ids,
                    "renamings": sorted(one.renamings),
                    "albums": dict(one.albums),
                    "matched": one.matched,
                },
            )
            for one in resolutions
        )

    def get_many(self, track_ids: Iterable[str]) -> dict[str, Resolved]:
        """The tracks by song, for those that have a resolution whose responses are still cached."""
        recorded = self._ledger.get_many(map(self._song_key, track_ids))
        resolutions = {
            key.id: Resolution(
                key.id,
                it.body["by"],
                tuple(it.body["ids"]),
                frozenset((ours, theirs) for ours, theirs in it.body.get("renamings", ())),
                it.body.get("albums", {}),
                it.body.get("matched", True),
            )
            for key, it in recorded.items()
            if it.body.get("verified", True)  # earlier versions took some ids unverified: such a song is open
            and (self._unmatched or it.body.get("matched", True))
        }
        cached = self._ledger.get_many(
            {key for one in resolutions.values() for id_ in one.ids for key in self._keys(one, id_)}
        )
        resolved = {}
        for track_id, one in resolutions.items():
            rows = [row for id_ in one.ids for row in self._rows(one, id_, cached)]
            if rows or not one.matched:
                resolved[track_id] = Resolved(one, rows, recorded[self._song_key(track_id)].fetched_at)
        return resolved

    def _keys(self, one: Resolution, id_: str) -> list[Key]:
        """Where what an id leads to may be cached: at Spotify first."""
        if endpoint := _LISTS.get(one.by):
            return [endpoint.in_market(self._market).key(id_)]
        return [
            TRACKS.in_market(self._market).key(id_),
            *([self._elsewhere.track_key(id_)] if self._elsewhere else []),
        ]

    def _rows(self, one: Resolution, id_: str, cached: Mapping[Key, Response]) -> list[Row]:
        endpoint = _LISTS.get(one.by, TRACKS).in_market(self._market)
        for key in self._keys(one, id_):
            response = cached.get(key)
            if response is None:
                continue
            if key == endpoint.key(id_) or self._elsewhere is None:
                rows = endpoint.rows(response, self._source)
            else:
                rows = self._elsewhere.track_rows(response, self._source)
            if rows:
                return [{**row, "listed_album": one.albums.get(row["spotify_track_id"])} for row in rows]
        return []

    def record_albums(self, albums: Mapping[str, Iterable[ReleaseAlbum]]) -> None:
        """Store which of Spotify's albums a release of the MSD may be, by a key of the release."""
        self._put(
            (self._release_key(key), "", {"albums": list(map(asdict, of))}) for key, of in albums.items()
        )

    def albums(self, keys: Iterable[str]) -> dict[str, list[ReleaseAlbum]]:
        """Spotify's albums by release, for the releases that have any."""
        cached = self._ledger.get_many(map(self._release_key, keys))
        return {key.id: _release_albums(response.body) for key, response in cached.items()}

    def record_artists(self, artists: Mapping[str, str]) -> None:
        """Store which artists of Spotify's those of the MSD are, by the MSD's id."""
        self._put((_artist_key(id_), "", {"id": of}) for id_, of in artists.items())

    def artists(self, ids: Iterable[str]) -> dict[str, str]:
        """Spotify's artists by the MSD's id, for those that are known."""
        cached = self._ledger.get_many(map(_artist_key, ids))
        return {key.id: response.body["id"] for key, response in cached.items()}

    def _song_key(self, track_id: str) -> Key:
        return Key("track", track_id, f"{PURPOSE}{self._suffix}")

    @property
    def albums_purpose(self) -> str:
        """What the albums of a release are stored for."""
        return f"{ALBUMS_PURPOSE}{self._suffix}"

    def _release_key(self, key: str) -> Key:
        return Key(RELEASE_SEARCH.entity, key, self.albums_purpose)

    def _put(self, entries: Iterable[tuple[Key, str, dict[str, Any]]]) -> None:
        self._ledger.put_many(
            self._response(key, "answered", query, body, attempts=0) for key, query, body in entries
        )


def _artist_key(id_: str) -> Key:
    return Key("artist", id_, ARTIST_PURPOSE)


def _release_albums(body: Mapping[str, Any]) -> list[ReleaseAlbum]:
    if "ids" in body:  # as earlier versions stored them, an album of the same name as `id=`
        return [ReleaseAlbum(id_.removesuffix("="), id_.endswith("=")) for id_ in body["ids"]]
    return [ReleaseAlbum(**album) for album in body["albums"]]
