"""`Labs`: Spotify ids by a song's names, from the ledger first and by requests for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from music_assets.ids import is_spotify_id
from music_assets.sources.fetched import Fetched
from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy
from music_assets.sources.ledger import Key, Response

BATCH = 50  # songs a request: Labs publish no limit, ListenBrainz's own API takes that many in a lookup
LABS = HttpPolicy("ListenBrainz Labs", "labs", "https://labs.api.listenbrainz.org/", timeout=30.0)
_PATH = "spotify-id-from-metadata/json"
_FIELDS = ("artist_name", "release_name", "track_name")
_ARTICLE_LAST = re.compile(r"^(.+?)[_,]\s*(the|les|los|die)$", re.IGNORECASE)
_JOINED = re.compile(r"\s+/\s+|\s*;\s*")
_EDITION = re.compile(
    r"\s*[(\[](?:[^()\[\]]*\b(?:album|lp|ep|single|explicit|clean|amended|edited|original)\s+version|"
    r"explicit|clean|(?:digital(?:ly)?\s+)?(?:re)?master(?:ed)?(?:\s+\d{4})?|\d{4}\s+(?:digital\s+)?remaster(?:ed)?)"
    r"[^()\[\]]*[)\]]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SongNames:
    """An MSD song to look up."""

    track_id: str
    title: str | None
    artist_name: str | None
    release: str | None


class Labs(HttpClient):
    """ListenBrainz Labs as the pipeline sees it."""

    def spotify_ids(self, songs: Iterable[SongNames]) -> tuple[dict[str, list[str]], Fetched]:
        """The Spotify ids that ListenBrainz knows for these songs, and what became of the others.

        The ids are by MSD track id, the best first; a partition's songs at a time is a good measure. A song
        that lacks a title, an artist or a release is `not_found` without a request.
        """
        by_id = {song.track_id: song for song in songs}
        known = {key.id: response for key, response in self._ledger.get_many(map(_key, by_id)).items()}
        self.cache_hits += len(known)
        fetched = Fetched()
        wanted = []
        for id_, song in by_id.items():
            names = spelt(song.title, song.artist_name, song.release)
            if names and id_ not in known:
                wanted.append((id_, dict(zip(_FIELDS, names, strict=True))))
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
        responses = []
        for (id_, names), row in zip(batch, body, strict=True):
            query = " / ".join(names.values())
            if not isinstance(row, dict) or any(row.get(name, text) != text for name, text in names.items()):
                raise BadResponse(f"ListenBrainz answered about a song other than {query}")
            responses.append(self._response(_key(id_), query, row, found=bool(_ids(row))))
        return responses


def _ids(row: Mapping[str, Any]) -> list[str]:
    """The Spotify ids in a row of a response, each once; whatever else stands among them is left out."""
    ids = row.get("spotify_track_ids")
    return list(dict.fromkeys(filter(is_spotify_id, ids))) if isinstance(ids, list) else []


def _key(track_id: str) -> Key:
    return Key("track", track_id, "listenbrainz")


def spelt(title: str | None, artist_name: str | None, release: str | None) -> tuple[str, str, str] | None:
    """Artist, release and title to ask for; None where one of them has no letter or digit.

    ListenBrainz drops accents, case and signs and compares the rest letter by letter; `_` is a letter to it.
    So what the MSD writes otherwise than Spotify goes: its `_`, an article put last, the names of editions,
    all artists but the first. Missing texts may be None or NaN, as frames have them.
    """
    artist = _plain(_ARTICLE_LAST.sub(r"\2 \1", _JOINED.split(_text(artist_name).strip())[0]))
    names = (artist, _plain(_without_edition(_text(release))), _plain(_without_edition(_text(title))))
    return names if all(re.search(r"[^\W_]", name) for name in names) else None


def _without_edition(text: str) -> str:
    bare = _EDITION.sub("", text)
    return bare if bare.strip() else text


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
