"""The sandbox's ReccoBeats: tracks and audio features by Spotify id or ISRC, and artists with their tracks.

It knows a share of the catalogue's tracks, the same one each time, and refuses what the real service refuses.
What is known of the service is in `music_assets.sources.reccobeats`; the other sources without a key are in
`keyless`.
"""

from __future__ import annotations

import re
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from music_assets.ids import ISRC
from music_assets.sandbox.invented import invented
from music_assets.sandbox.spotify.errors import refused
from music_assets.sandbox.spotify.names import dice_of, fold
from music_assets.sandbox.spotify.responses import PAGES, Json, Responses

MOST_IDS = 40  # of one request
MOST_ON_A_PAGE, ON_A_PAGE = 50, 25  # where the request names no size
_CATALOGUED = 85  # percent of the tracks that it knows
_NO_KEY = 3  # percent of the tracks whose key was not found
_PYTHON = re.compile(r"python-(requests|urllib)|python/\S+ aiohttp", re.IGNORECASE)
_TRACKS = "SELECT id, name, artist_ids, artist_words, duration_ms, isrc, popularity FROM tracks"


class ReccoBeatsService:
    """Answers what ReccoBeats answers, from one catalogue, or raises `Refused`."""

    def __init__(self, db: sqlite3.Connection, responses: Responses) -> None:
        self._db = db
        self._responses = responses

    def routes(self, endpoint: Callable[[str, Any], Any]) -> list[Route]:
        """Its routes; `endpoint` wraps a handler of a source."""
        handlers = {
            "track": self._tracks,
            "audio-features": self._features,
            "artist": self._artists,
            "artist/search": self._artist_search,
            "artist/{id}/track": self._artist_tracks,
        }
        return [
            Route(f"/reccobeats/v1/{path}", endpoint("reccobeats", handler))
            for path, handler in handlers.items()
        ]

    # -- by Spotify id or ISRC; what it does not know is left out

    async def _tracks(self, request: Request) -> Json:
        ids = self._known(request, "getTracks")
        return {"content": [_track(*row) for id_ in ids for row in self._all(f"{_TRACKS} WHERE id = ?", id_)]}

    async def _features(self, request: Request) -> Json:
        features = self._responses.audio_features(self._known(request, "getAudioFeatures"))
        return {"content": [self._analysis(each) for each in features if each]}

    def _analysis(self, features: Json) -> Json:
        id_ = features["id"]
        ((isrc,),) = self._all("SELECT isrc FROM tracks WHERE id = ?", id_)
        own = "acousticness danceability energy instrumentalness key liveness loudness mode speechiness tempo"
        analysis = {name: features[name] for name in [*own.split(), "valence"]}
        if dice_of("key", id_) % 100 < _NO_KEY:
            analysis["key"] = -1
        return {"id": _recco_id(id_), "href": f"{PAGES}/track/{id_}", "isrc": isrc, **analysis}

    def _known(self, request: Request, path: str) -> list[str]:
        """The Spotify ids of the tracks requested that it knows."""
        ids = _ids(request, path)
        isrcs = [id_ for id_ in ids if ISRC.fullmatch(id_)]
        by_isrc = [
            id_ for isrc in isrcs for (id_,) in self._all("SELECT id FROM tracks WHERE isrc = ?", isrc)
        ]
        wanted = dict.fromkeys([*(id_ for id_ in ids if id_ not in isrcs), *by_isrc])
        return list(filter(is_catalogued, wanted))

    # -- artists, and the tracks that an artist is credited on, page by page

    async def _artists(self, request: Request) -> Json:
        rows = [
            row
            for id_ in dict.fromkeys(_ids(request, "getArtists"))
            for row in self._all("SELECT id, name FROM artists WHERE id = ?", self._by_uuid.get(id_, id_))
        ]
        return {"content": [_artist(*row) for row in rows]}

    async def _artist_search(self, request: Request) -> Json:
        wanted = fold(request.query_params.get("searchText", ""))
        if not wanted:
            raise refused(400, {"status": 4004, "errors": [_error("searchArtist.searchText", "is required")]})
        named = [
            (fold(name) != wanted, -popularity, id_, name)
            for id_, name, popularity in self._db.execute("SELECT id, name, popularity FROM artists")
            if wanted in fold(name)
        ]
        return _page(request, "searchArtist", [_artist(id_, name) for *_, id_, name in sorted(named)])

    async def _artist_tracks(self, request: Request) -> Json:
        id_ = self._by_uuid.get(request.path_params["id"])  # a Spotify id in the path is unknown, too
        if id_ is None:
            raise refused(404, {"status": 4040, "error": "Artist not found"})
        page = _page(request, "getArtistTracks", self._credited[id_])
        rows = (row for track in page["content"] for row in self._all(f"{_TRACKS} WHERE id = ?", track))
        return page | {"content": [_track(*row) for row in rows]}

    @cached_property
    def _by_uuid(self) -> dict[str, str]:
        return {_recco_id(id_): id_ for (id_,) in self._db.execute("SELECT id FROM artists")}

    @cached_property
    def _credited(self) -> Mapping[str, list[str]]:
        """The tracks that it knows, by the artists credited on them: a question for one must not read all."""
        tracks: defaultdict[str, list[str]] = defaultdict(list)
        for id_, artists in self._db.execute("SELECT id, artist_ids FROM tracks ORDER BY id"):
            for artist in artists.split() if is_catalogued(id_) else ():
                tracks[artist].append(id_)
        return tracks

    def _all(self, sql: str, value: str) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, [value]).fetchall()


def is_catalogued(id_: str) -> bool:
    """Whether ReccoBeats knows this track of Spotify's."""
    return dice_of("reccobeats", id_) % 100 < _CATALOGUED


def _ids(request: Request, path: str) -> list[str]:
    """The ids requested, repeated or joined by commas."""
    _check_agent(request)
    ids = [id_ for each in request.query_params.getlist("ids") for id_ in each.split(",") if id_]
    if not 1 <= len(ids) <= MOST_IDS:
        problem = _error(f"{path}.ids", f"size must be between 1 and {MOST_IDS}")
        raise refused(400, {"status": 4004, "errors": [problem]})
    return ids


def _page(request: Request, path: str, rows: Sequence[Any]) -> Json:
    """The page of these rows that is requested, counted from 0."""
    _check_agent(request)
    page, size = (request.query_params.get(name, "") for name in ("page", "size"))
    at, most = int(page) if page.isdigit() else 0, int(size) if size.isdigit() else ON_A_PAGE
    if not 1 <= most <= MOST_ON_A_PAGE:
        problem = _error(f"{path}.size", f"must be between 1 and {MOST_ON_A_PAGE}")
        raise refused(400, {"status": 4004, "errors": [problem]})
    return {
        "content": rows[at * most : (at + 1) * most],
        "page": at,
        "size": most,
        "totalElements": len(rows),
        "totalPages": -(-len(rows) // most),
    }


def _check_agent(request: Request) -> None:
    if _PYTHON.match(request.headers.get("user-agent", "")):
        raise refused(403, b"error code: 1010", "text/plain; charset=UTF-8")


def _error(path: str, message: str) -> Json:
    return {"path": path, "message": message}


def _track(id_: str, name: str, artist_ids: str, credits: str, *numbers: Any) -> Json:
    duration_ms, isrc, popularity = numbers
    artists = zip(artist_ids.split(), credits.split(" / "), strict=False)
    return {
        "id": _recco_id(id_),
        "trackTitle": name,
        "artists": [_artist(artist, listed) for artist, listed in artists],
        "durationMs": duration_ms,
        "isrc": isrc,
        "ean": None,
        "upc": None,
        "href": f"{PAGES}/track/{id_}",
        "availableCountries": ",".join(invented()["markets"]),
        "popularity": max(0, popularity - dice_of("then", id_) % 4),
    }


def _artist(id_: str, name: str) -> Json:
    return {"id": _recco_id(id_), "name": name, "href": f"{PAGES}/artist/{id_}"}


def _recco_id(id_: str) -> str:
    return str(uuid.UUID(int=dice_of("recco", id_) << 64 | dice_of("beats", id_)))
