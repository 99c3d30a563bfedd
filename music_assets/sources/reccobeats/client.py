"""`ReccoBeats`: audio features by Spotify id, from the ledger first and by requests for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from music_assets.ids import ISRC, SPOTIFY_ID, is_spotify_id
from music_assets.sources.fetched import Fetched, Row
from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy
from music_assets.sources.ledger import Key, Response
from music_assets.sources.spotify.rows import audio_features_row

BATCH = 40  # ids a request; https://reccobeats.com/docs/apis/get-audio-features
# The service publishes no rate; one request a second is 40 tracks a second.
RECCOBEATS = HttpPolicy("ReccoBeats", "reccobeats", "https://api.reccobeats.com/v1/")
_TRACK = re.compile(rf"(?:/track/|^spotify:track:)({SPOTIFY_ID.pattern})(?![0-9A-Za-z])")


class ReccoBeats(HttpClient):
    """ReccoBeats as the pipeline sees it."""

    def audio_features(self, ids: Iterable[str], *, isrcs: Mapping[str, str] | None = None) -> Fetched:
        """Rows of `spotify.audio_features` for these Spotify ids.

        An id that ReccoBeats does not know is looked up by its ISRC, where `isrcs` (by Spotify id) has one:
        the recording is the same, so its features are. Ids unknown either way are `not_found`, and cached as
        such; what is not a Spotify id is `failed` and not requested.
        """
        ids = list(dict.fromkeys(ids))
        cached = {key.id: response for key, response in self._ledger.get_many(map(_key, ids)).items()}
        known = dict(cached)
        fetched = Fetched(failed=[id_ for id_ in ids if not is_spotify_id(id_)])
        if fetched.failed:
            fetched.reason = f"{fetched.failed[0]!r} is not a Spotify id"
        missing = [id_ for id_ in ids if id_ not in known and is_spotify_id(id_)]
        known |= self._look_up({id_: [id_] for id_ in missing}, fetched)
        by_isrc: dict[str, list[str]] = {}
        for id_ in ids:
            response, isrc = known.get(id_), _isrc((isrcs or {}).get(id_))
            if isrc and response and response.status == "not_found" and response.attempts == 1:
                by_isrc.setdefault(isrc, []).append(id_)
        known |= self._look_up(by_isrc, fetched, by_isrc=True)
        unanswered = {*fetched.pending, *fetched.failed}
        self.cache_hits += sum(known[id_] is cached[id_] and id_ not in unanswered for id_ in cached)
        for id_ in ids:
            response = known.get(id_)
            if response and response.status == "answered":
                fetched.rows.append(features_row(response.body, id_, self.source, response.fetched_at))
            elif response and id_ not in unanswered:
                fetched.not_found.append(id_)
        return fetched

    def _look_up(
        self, ids_by_name: Mapping[str, list[str]], fetched: Fetched, *, by_isrc: bool = False
    ) -> dict[str, Response]:
        """Request these names (Spotify ids or ISRCs) in batches, and cache what is found for their ids."""
        known: dict[str, Response] = {}
        names, attempts = list(ids_by_name), 2 if by_isrc else 1  # 2: by its id, then by its ISRC
        for batch in (names[start : start + BATCH] for start in range(0, len(names), BATCH)):
            with fetched.recording([id_ for name in batch for id_ in ids_by_name[name]]):
                found = _by_name(self.get("audio-features", ids=",".join(batch)), by_isrc=by_isrc)
                responses = [
                    self._response(_key(id_), name, found.get(name), found=name in found, attempts=attempts)
                    for name in batch
                    for id_ in ids_by_name[name]
                ]
                self._ledger.put_many(responses)
                known |= {response.key.id: response for response in responses}
        return known


def _by_name(body: Any, *, by_isrc: bool) -> dict[str, Mapping[str, Any]]:
    """The objects of a response by the name they were requested with: their Spotify id, or their ISRC.

    Several tracks may have one ISRC; the smallest Spotify id is taken, so that it is the same one each time.
    """
    items = body.get("content") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise BadResponse("ReccoBeats answered audio-features with an object that holds no list of content")
    objects = [item for item in items if isinstance(item, dict)]
    found: dict[str, Mapping[str, Any]] = {}
    for item in sorted(objects, key=lambda item: spotify_id_of(item) or ""):
        name = _isrc(item.get("isrc")) if by_isrc else spotify_id_of(item)
        if name:
            found.setdefault(name, item)
    return found


def features_row(features: Mapping[str, Any], id_: str, source: str, fetched_at: datetime) -> Row:
    """A row of `spotify.audio_features` for this Spotify track, from an object of ReccoBeats."""
    return audio_features_row(features, source=source, fetched_at=fetched_at, requested_id=id_)


def spotify_id_of(features: Mapping[str, Any]) -> str | None:
    """The id of the Spotify track that `href` leads to; None where it leads elsewhere."""
    href = features.get("href")
    found = _TRACK.search(href) if isinstance(href, str) else None
    return found[1] if found else None


def _key(id_: str) -> Key:
    return Key("spotify_track", id_, "reccobeats")


def _isrc(value: Any) -> str | None:
    """An ISRC in one spelling, without hyphens; None where it is not one."""
    text = value.replace("-", "").upper() if isinstance(value, str) else ""
    return text if ISRC.fullmatch(text) else None
