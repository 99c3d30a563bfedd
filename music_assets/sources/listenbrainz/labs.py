"""`Labs`: Spotify ids by a song's names, from the ledger first and by requests for the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyascii import anyascii

from music_assets.ids import is_spotify_id
from music_assets.sources.fetched import Fetched
from music_assets.sources.http import BadResponse, HttpClient, HttpPolicy
from music_assets.sources.ledger import Key, Response

BATCH = 50  # songs a request: Labs publish no limit, ListenBrainz's own API takes that many in a lookup
LABS = HttpPolicy("ListenBrainz Labs", "labs", "https://labs.api.listenbrainz.org/", timeout=30.0)
_PATH = "spotify-id-from-metadata/json"
_FIELDS = ("artist_name", "release_name", "track_name")
_WORD = re.compile(r"[^\W_]")
_GUESTS = re.compile(r"\W*\b(?:feat|ft|featuring)\b", re.IGNORECASE)
_ARTICLE_LAST = re.compile(r"^(.+?)[_,]\s*(the|les|los|die)$", re.IGNORECASE)
_JOINED = re.compile(r"\s+/\s+|\s*;\s*")
_EDITION = re.compile(
    r"\s*[(\[](?:[^()\[\]]*\b(?:album|lp|ep|single|explicit|clean|amended|edited|original)\s+version|"
    r"explicit|clean|(?:digital(?:ly)?\s+)?(?:re)?master(?:ed)?(?:\s+\d{4})?|\d{4}\s+(?:digital\s+)?remaster(?:ed)?)"
    r"[^()\[\]]*[)\]]",
    re.IGNORECASE,
)

Names = tuple[str, str, str]  # artist, release and title, as they are sent


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
        """The Spotify ids that Labs know for these songs, and what became of the others.

        The ids are by MSD track id, the best first. A song that lacks a title or an artist is `not_found`
        without a request.
        """
        by_id = {song.track_id: song for song in songs}
        known = {key.id: response for key, response in self._known(map(_key, by_id)).items()}
        self.cache_hits += len(known)
        fetched = Fetched()
        missing: dict[Names, list[str]] = {}
        for id_, song in by_id.items():
            names = spelt(song.title, song.artist_name, song.release)
            if names and id_ not in known:
                missing.setdefault(names, []).append(id_)
        for batch in _batches(missing):
            with fetched.recording([id_ for names in batch for id_ in missing[names]]):
                body = [dict(zip(_FIELDS, names, strict=True)) for names in batch]
                responses = self._responses(batch, missing, self.post(_PATH, body))
                self._ledger.put_many(responses)
                known.update({response.key.id: response for response in responses})
        ids = {id_: found for id_ in by_id if id_ in known and (found := _ids(known[id_].body))}
        unanswered = {*fetched.pending, *fetched.failed}
        fetched.not_found = [id_ for id_ in by_id if id_ not in ids and id_ not in unanswered]
        return ids, fetched

    def _responses(
        self, batch: Sequence[Names], track_ids: Mapping[Names, list[str]], body: Any
    ) -> list[Response]:
        """The songs' responses, which come in the order requested and repeat the names they are for."""
        if not isinstance(body, list) or len(body) != len(batch):
            raise BadResponse(f"ListenBrainz Labs did not answer with a list of {len(batch)} songs")
        responses = []
        for names, row in zip(batch, body, strict=True):
            query = " / ".join(names)
            if not isinstance(row, dict) or any(
                _folded(row.get(field, name)) != _folded(name)
                for field, name in zip(_FIELDS, names, strict=True)
            ):
                raise BadResponse(f"ListenBrainz Labs answered about a song other than {query}")
            found = bool(_ids(row))
            responses += [self._response(_key(id_), query, row, found=found) for id_ in track_ids[names]]
        return responses


def _batches(songs: Iterable[Names]) -> Iterator[list[Names]]:
    """Batches without two songs of the same artist and title: of such, Labs answer only one.

    That holds for guests in the title, too, and for other releases: they are looked up without them.
    """
    rounds: list[list[Names]] = []
    seen: Counter[tuple[str, str]] = Counter()
    for names in songs:
        artist, _, title = names
        key = _folded(artist), _folded(_GUESTS.split(title)[0])
        if seen[key] == len(rounds):
            rounds.append([])
        rounds[seen[key]].append(names)
        seen[key] += 1
    for songs_ in rounds:
        yield from (songs_[start : start + BATCH] for start in range(0, len(songs_), BATCH))


def _folded(text: object) -> str:
    """As Labs compare names: no accents, case or signs; `_` counts as a letter."""
    return re.sub(r"\W", "", anyascii(text)).lower() if isinstance(text, str) else ""


def _ids(row: Mapping[str, Any]) -> list[str]:
    """The Spotify ids in a row of a response, each once; whatever else stands among them is left out."""
    ids = row.get("spotify_track_ids")
    return list(dict.fromkeys(filter(is_spotify_id, ids))) if isinstance(ids, list) else []


def _key(track_id: str) -> Key:
    return Key("track", track_id, "listenbrainz")


def spelt(title: str | None, artist_name: str | None, release: str | None) -> Names | None:
    """Artist, release (may be empty) and title to look up; None where artist or title has no letter or digit.

    ListenBrainz drops accents, case and signs and compares the rest letter by letter; `_` is a letter to it.
    So what the MSD writes otherwise than Spotify goes: its `_`, an article put last, the names of editions,
    all artists but the first. Missing texts may be None or NaN, as frames have them.
    """
    artist = _plain(_ARTICLE_LAST.sub(r"\2 \1", _JOINED.split(_text(artist_name).strip())[0]))
    title, release = _plain(_without_edition(_text(title))), _plain(_without_edition(_text(release)))
    return (artist, release, title) if _WORD.search(artist) and _WORD.search(title) else None


def _without_edition(text: str) -> str:
    bare = _EDITION.sub("", text)
    return bare if bare.strip() else text


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
