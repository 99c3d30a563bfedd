"""Songs resolved without a search of their own: by an album or a release search that lists them, or by an id.

The ledger holds such a song's resolution, which names the album, the release or the tracks; those have
responses of their own there. It also holds which albums of Spotify's a release of the MSD may be. Which track
of an album is which song is for `music_assets.matching` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from music_assets.sources.fetched import Row
from music_assets.sources.ledger import Key, Ledger, Response
from music_assets.sources.spotify.endpoints import ALBUMS, RELEASE_SEARCH, TRACKS, Endpoint
from music_assets.sources.spotify.rows import track_row

PURPOSE, ALBUMS_PURPOSE = "settled", "albums"  # as every ledger has them


@dataclass(frozen=True)
class Resolution:
    """How a song was resolved: `by` is `album`, `release` or a source of ids.

    `ids` are Spotify's, of a release its key. Where it is not `verified`, the id is the source's alone:
    nothing else is known of the track.
    """

    track_id: str
    by: str
    ids: tuple[str, ...]
    verified: bool = True

    @property
    def query(self) -> str:
        """What stands where a search has its query."""
        return f"{self.by} {' '.join(self.ids)}"

    @property
    def endpoint(self) -> Endpoint:
        """Whose responses the ids lead to."""
        return {"album": ALBUMS, "release": RELEASE_SEARCH}.get(self.by, TRACKS)


@dataclass(frozen=True)
class Resolved:
    """The tracks that a resolution leads to, and when it was recorded."""

    resolution: Resolution
    rows: list[Row]
    recorded_at: datetime


class Resolutions:
    """Resolutions and what they lead to, in one ledger. `response` makes a response fetched now."""

    def __init__(self, ledger: Ledger, *, source: str, response: Callable[..., Response]) -> None:
        self._ledger = ledger
        self._source = source
        self._response = response

    def record(self, resolutions: Iterable[Resolution]) -> None:
        """Store resolutions, in place of older ones of their songs."""
        self._put(
            (_song_key(one.track_id), one.query, {"by": one.by, "ids": one.ids, "verified": one.verified})
            for one in resolutions
        )

    def get_many(self, track_ids: Iterable[str]) -> dict[str, Resolved]:
        """The tracks by song, for those that have a resolution whose responses are still cached."""
        recorded = self._ledger.get_many(map(_song_key, track_ids))
        resolutions = {
            key.id: Resolution(key.id, it.body["by"], tuple(it.body["ids"]), it.body["verified"])
            for key, it in recorded.items()
        }
        keys = {one.endpoint.key(id_) for one in resolutions.values() for id_ in one.ids}
        cached = self._ledger.get_many(keys)
        resolved = {}
        for key, it in recorded.items():
            one, at = resolutions[key.id], it.fetched_at
            responses = [cached[key] for key in map(one.endpoint.key, one.ids) if key in cached]
            rows = [row for found in responses for row in one.endpoint.rows(found, self._source)]
            if not rows and not one.verified:
                source = self._source if self._source == "sandbox" else one.by
                rows = [track_row({"id": id_}, source=source, fetched_at=at) for id_ in one.ids]
            if rows:
                resolved[key.id] = Resolved(one, rows, at)
        return resolved

    def record_albums(self, albums: Mapping[str, Iterable[str]]) -> None:
        """Store which of Spotify's albums a release of the MSD may be, by a key of the release."""
        self._put((_release_key(key), "", {"ids": list(ids)}) for key, ids in albums.items())

    def albums(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Spotify's albums by release, for the releases that have any."""
        cached = self._ledger.get_many(map(_release_key, keys))
        return {key.id: response.body["ids"] for key, response in cached.items()}

    def _put(self, entries: Iterable[tuple[Key, str, dict[str, Any]]]) -> None:
        self._ledger.put_many(
            self._response(key, "answered", query, body, attempts=0) for key, query, body in entries
        )


def _song_key(track_id: str) -> Key:
    return Key("track", track_id, PURPOSE)


def _release_key(key: str) -> Key:
    return Key(RELEASE_SEARCH.entity, key, ALBUMS_PURPOSE)
