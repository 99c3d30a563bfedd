"""ReccoBeats and ListenBrainz in the sandbox: what each answers, from the same catalogue.

Both know a share of the tracks only, the same ones each time. What is known of the services is in
`music_assets.sources`; the bodies of their errors are not documented, so only status and headers count.
"""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

from music_assets.sandbox.spotify.catalogue import search_words
from music_assets.sandbox.spotify.errors import Refused
from music_assets.sandbox.spotify.names import dice_of, spotify_id, without_accents
from music_assets.sandbox.spotify.responses import PAGES, Json, Responses

MOST_IDS = 40  # of one request to ReccoBeats
_ANALYSED = 85  # percent of the tracks that ReccoBeats knows
_MAPPED = 70  # percent of the tracks that ListenBrainz knows
_STALE = 4  # percent of those under an id that Spotify has given up
_NO_KEY = 3  # percent of the tracks whose key was not found
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_NAMES = ("artist_name", "release_name", "track_name")


class OtherServices:
    """Writes what the keyless services answer, from one catalogue, or raises `Refused`."""

    def __init__(self, db: sqlite3.Connection, responses: Responses) -> None:
        self._db = db
        self._responses = responses

    def reccobeats(self, ids: list[str]) -> Json:
        """`GET /audio-features?ids=`: features by Spotify id or ISRC; what it does not know is left out."""
        if not 1 <= len(ids) <= MOST_IDS:
            raise Refused(400, f"size must be between 1 and {MOST_IDS}")
        isrcs = [id_ for id_ in ids if _ISRC.fullmatch(id_)]
        by_isrc = [
            id_ for isrc in isrcs for (id_,) in self._all("SELECT id FROM tracks WHERE isrc = ?", isrc)
        ]
        wanted = dict.fromkeys([*(id_ for id_ in ids if id_ not in isrcs), *by_isrc])
        known = [id_ for id_ in wanted if dice_of("reccobeats", id_) % 100 < _ANALYSED]
        features = [each for each in self._responses.audio_features(known) if each]
        return {"content": [self._analysis(each) for each in features]}

    def _analysis(self, features: Json) -> Json:
        id_ = features["id"]
        ((isrc,),) = self._all("SELECT isrc FROM tracks WHERE id = ?", id_)
        own = "acousticness danceability energy instrumentalness key liveness loudness mode speechiness tempo"
        analysis = {name: features[name] for name in [*own.split(), "valence"]}
        if dice_of("key", id_) % 100 < _NO_KEY:
            analysis["key"] = -1
        recco_id = str(uuid.UUID(int=dice_of("recco", id_) << 64 | dice_of("beats", id_)))
        return {"id": recco_id, "href": f"{PAGES}/track/{id_}", "isrc": isrc, **analysis}

    def listenbrainz(self, songs: Any) -> list[Json]:
        """`POST /spotify-id-from-metadata/json`: for each song its names and the Spotify ids they lead to."""
        if not isinstance(songs, list) or not all(map(_named, songs)):
            raise Refused(400, f"each song needs {', '.join(_NAMES)}")
        return [
            {**{name: song[name] for name in _NAMES}, "spotify_track_ids": self._ids(song)} for song in songs
        ]

    def _ids(self, song: Mapping[str, str]) -> list[str]:
        """The tracks of that artist, release and title, the popular first; else those of artist and title."""
        words = re.findall(r"[^\W_]+", search_words(f"{song['artist_name']} {song['track_name']}"))
        if not words:
            return []
        sql = (
            "SELECT t.id, t.name, t.artist_words, t.album_words FROM words "
            "JOIN tracks t ON t.number = words.rowid WHERE words MATCH ? ORDER BY t.popularity DESC, t.id"
        )
        artist, title = _folded(song["artist_name"]), _folded(song["track_name"])
        same = [
            (id_, _folded(album))
            for id_, name, artists, album in self._all(sql, " AND ".join(f'"{word}"' for word in words))
            if _folded(name) == title
            and artist in (_folded(artists), _folded(artists.split(" / ")[0]))
            and dice_of("listenbrainz", id_) % 100 < _MAPPED
        ]
        release = _folded(song["release_name"])
        found = [id_ for id_, album in same if album == release] or [id_ for id_, _ in same]
        return [gone(id_) if dice_of("stale", id_) % 100 < _STALE else id_ for id_ in found]

    def _all(self, sql: str, value: str) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, [value]).fetchall()


def gone(id_: str) -> str:
    """An id that Spotify had once for this track, and knows no more."""
    return spotify_id("gone", id_)


def _named(song: Any) -> bool:
    return isinstance(song, dict) and all(isinstance(song.get(name), str) for name in _NAMES)


def _folded(text: str) -> str:
    """As ListenBrainz compares names: no accents, case or signs; `_` counts as a letter."""
    return re.sub(r"\W", "", without_accents(text)).lower()
