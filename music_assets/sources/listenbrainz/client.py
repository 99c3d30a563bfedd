"""`ListenBrainz`: Spotify ids by a song's names, from the ledger first and by requests for the rest.

Each song's response is in the ledger the moment it arrives, empty ones too. When the service asks for a pause
or is down, the rest is `pending`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from music_assets.ids import is_spotify_id
from music_assets.sources.fetched import Fetched
from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy
from music_assets.sources.ledger import Key, Response
from music_assets.sources.listenbrainz.names import spelt

BATCH = 50  # songs a request: Labs publish no limit, ListenBrainz's own API takes that many in a lookup
LISTENBRAINZ = HttpPolicy("ListenBrainz", "listenbrainz", "https://labs.api.listenbrainz.org/", timeout=30.0)
PURPOSE = "listenbrainz"
_PATH = "spotify-id-from-metadata/json"
_FIELDS = ("artist_name", "release_name", "track_name")


@dataclass(frozen=True)
class SongNames:
    """An MSD song to look up."""

    track_id: str
    title: str | None
    artist_name: str | None
    release: str | None


class ListenBrainz(HttpClient):
    """ListenBrainz as the pipeline sees it."""

    def spotify_ids(self, songs: Iterable[SongNames]) -> tuple[dict[str, list[str]], Fetched]:
        """The Spotify ids that ListenBrainz knows for these songs, and what became of the others.

        The ids are by MSD track id, the best first; a partition's songs at a time is a good measure. A song
        that lacks a title, an artist or a release is `not_found` without a request.
        """
        by_id = {song.track_id: song for song in songs}
        known = {key.id: response for key, response in self._ledger.get_many(map(_key, by_id)).items()}
        self.cache_hits += len(known)
        fetched = Fetched()
        spelled = {
            id_: spelt(song.title, song.artist_name, song.release)
            for id_, song in by_id.items()
            if id_ not in known
        }
        wanted = [(id_, dict(zip(_FIELDS, names, strict=True))) for id_, names in spelled.items() if names]
        for batch in (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)):
            with fetched.recording([id_ for id_, _ in batch]):
                responses = self._responses(batch, self.post(_PATH, [names for _, names in batch]))
                self._ledger.put_many(responses)
                known.update({response.key.id: response for response in responses})
        ids = {id_: found for id_ in by_id if id_ in known and (found := _ids(known[id_].body))}
        unanswered = {*fetched.pending, *fetched.failed}
        fetched.not_found = [id_ for id_ in by_id if id_ not in ids and id_ not in unanswered]
        return ids, fetched

    def _responses(self, batch: list[tuple[str, dict[str, str]]], body: Any) -> list[Response]:
        """The songs' responses, which come in the order requested and repeat the names they are for."""
        if not isinstance(body, list) or len(body) != len(batch):
            raise BadResponse(f"ListenBrainz did not answer with a list of the {len(batch)} songs requested")
        for (_, names), row in zip(batch, body, strict=True):
            if not isinstance(row, dict) or any(
                row.get(field, name) != name for field, name in names.items()
            ):
                raise BadResponse(f"ListenBrainz answered about a song other than {_query(names)}")
        return [
            self._response(_key(id_), _query(names), row, found=bool(_ids(row)))
            for (id_, names), row in zip(batch, body, strict=True)
        ]


def _query(names: Mapping[str, str]) -> str:
    return " / ".join(names.values())


def _ids(row: Mapping[str, Any]) -> list[str]:
    """The Spotify ids in a row of a response, each once; whatever else stands among them is left out."""
    ids = row.get("spotify_track_ids")
    return list(dict.fromkeys(filter(is_spotify_id, ids))) if isinstance(ids, list) else []


def _key(track_id: str) -> Key:
    return Key("track", track_id, PURPOSE)
