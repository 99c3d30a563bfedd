"""The sources without a key in the sandbox: ListenBrainz and its Labs, the dumps, and `reccobeats`.

Each knows a share of the catalogue only, the same one each time, and refuses what the real service refuses.
What is known of the services is in `music_assets.sources`; the dumps' content is in `dumps`. Limits of rate
are faults, which tests inject (`music_assets_tests.support`).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from music_assets.ids import MBID
from music_assets.sandbox.dumps import Dumps
from music_assets.sandbox.reccobeats import ReccoBeatsService, is_catalogued
from music_assets.sandbox.spotify.catalogue import search_words
from music_assets.sandbox.spotify.errors import refused
from music_assets.sandbox.spotify.names import dice_of, spotify_id, without_accents
from music_assets.sandbox.spotify.responses import Json, Responses

SOURCES = ("reccobeats", "listenbrainz", "labs", "musicbrainz", "acousticbrainz", "echonest")
MOST_MBIDS = 1000  # of one request to ListenBrainz
_MAPPED = 70  # percent of the tracks that Labs knows
_OTHER_VERSION = 5  # percent of the songs that Labs answers with another take of the artist's
_STALE = 4  # percent of the ids of Labs that Spotify has given up
_PLAYED = 92  # percent of the recordings that anyone has listened to
_NAMES = ("artist_name", "release_name", "track_name")


class KeylessServices:
    """Answers what the keyless services answer, from one catalogue, or raises `Refused`."""

    def __init__(self, db: sqlite3.Connection, responses: Responses) -> None:
        self._db = db
        self._responses = responses
        self._dumps = Dumps(db)

    def routes(self, endpoint: Callable[[str, Any], Any]) -> list[Route]:
        """The routes of all of them; `endpoint` wraps a handler of a source."""
        labs = endpoint("labs", self._labs)
        return [
            Route("/sandbox/examples", self._examples),
            *ReccoBeatsService(self._db, self._responses).routes(endpoint),
            Route(
                "/listenbrainz/1/popularity/{entity}",
                endpoint("listenbrainz", self._popularity),
                methods=["POST"],
            ),
            Route("/labs/spotify-id-from-metadata/json", labs, methods=["POST"]),
            *(
                Route(f"/dumps/{source}{{path:path}}", endpoint(source, self._dump))
                for source in SOURCES
                if source in self._dumps.sources
            ),
        ]

    async def _examples(self, request: Request) -> Response:
        """Ids and names of one song that every source knows, for `music-assets doctor --online`."""
        sql = (
            "SELECT t.id, t.isrc, r.artist_name, t.album_words, t.name, r.mbid, r.artist_mbids "
            "FROM songs s JOIN recordings r USING (track_id) JOIN tracks t ON t.id = substr(s.right, 1, 22)"
        )
        names = "spotify_id isrc artist_name release_name track_name recording_mbid artist_mbid".split()
        for row in self._db.execute(sql):
            if is_catalogued(row[0]):
                example = dict(zip(names, row, strict=True))
                example["artist_mbid"] = example["artist_mbid"].partition(",")[0]
                return Response(orjson.dumps(example), media_type="application/json")
        raise LookupError("no song of this catalogue is known to all sources")

    # -- ListenBrainz: how often recordings and artists were listened to, null for those it does not know

    async def _popularity(self, request: Request) -> Response:
        entity = request.path_params["entity"]
        if entity not in ("recording", "artist"):
            raise refused(404, {"code": 404, "error": "Not found"})
        mbids = (await _json(request) or {}).get(f"{entity}_mbids")
        if not isinstance(mbids, list) or not mbids:
            raise refused(400, {"code": 400, "error": f"{entity}_mbids: at least one is needed"})
        if len(mbids) > MOST_MBIDS:
            raise refused(400, {"code": 400, "error": f"{entity}_mbids: at most {MOST_MBIDS} are allowed"})
        if bad := [mbid for mbid in mbids if not (isinstance(mbid, str) and MBID.fullmatch(mbid))]:
            raise refused(400, {"code": 400, "error": f"{bad[0]} is not a valid MBID."})
        table = "recordings" if entity == "recording" else "recorded_artists"
        rows = []
        for mbid in mbids:
            known = self._all(f"SELECT 1 FROM {table} WHERE mbid = ?", mbid)
            played = known and (entity == "artist" or dice_of("played", mbid) % 100 < _PLAYED)
            listens = int(10 ** (1 + dice_of("listens", mbid) % 4000 / 1000)) if played else None
            users = None if listens is None else 1 + listens // (3 + dice_of("users", mbid) % 30)
            rows.append(
                {f"{entity}_mbid": mbid, "total_listen_count": listens, "total_user_count": users},
            )
        limits = {"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "29", "X-RateLimit-Reset-In": "10"}
        return Response(orjson.dumps(rows), media_type="application/json", headers=limits)

    # -- ListenBrainz Labs: Spotify ids by names

    async def _labs(self, request: Request) -> list[Json]:
        songs = await _json(request)
        if not isinstance(songs, list) or not all(map(_named, songs)):
            raise refused(400, {"error": f"each song needs {', '.join(_NAMES)}"})
        # Of equal songs in a batch only one is answered: they are looked up by their names.
        places = {tuple(_folded(song[name]) for name in _NAMES): place for place, song in enumerate(songs)}
        return [
            {
                "recording_mbid": None,
                **{name: song[name] for name in _NAMES},
                "spotify_track_ids": self._ids(song) if place in places.values() else [],
            }
            for place, song in enumerate(songs)
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
        by_artist = [
            (id_, _folded(name), _folded(album))
            for id_, name, artists, album in self._all(sql, " AND ".join(f'"{word}"' for word in words))
            if artist in (_folded(artists), _folded(artists.split(" / ")[0]))
            and dice_of("listenbrainz", id_) % 100 < _MAPPED
        ]
        same = [(id_, album) for id_, name, album in by_artist if name == title]
        others = [id_ for id_, name, _ in by_artist if name != title and name.startswith(title)]
        if others and dice_of("version", artist, title) % 100 < _OTHER_VERSION:
            return others[:1]
        release = _folded(song["release_name"])
        found = [id_ for id_, album in same if album == release] or [id_ for id_, _ in same]
        return [gone(id_) if dice_of("stale", id_) % 100 < _STALE else id_ for id_ in found]

    # -- the dumps

    async def _dump(self, request: Request) -> Response:
        path = request.url.path.removeprefix("/dumps/")
        if listing := self._dumps.listing(path):
            return HTMLResponse(listing)
        if file := self._dumps.file(path):
            return FileResponse(file, media_type="application/octet-stream")
        raise refused(404, b"<html><head><title>404 Not Found</title></head></html>", "text/html")

    def _all(self, sql: str, value: str) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, [value]).fetchall()


def gone(id_: str) -> str:
    """An id that Spotify had once for this track, and knows no more."""
    return spotify_id("gone", id_)


async def _json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise refused(400, {"code": 400, "error": "Cannot parse JSON document"}) from None


def _named(song: Any) -> bool:
    return isinstance(song, dict) and all(isinstance(song.get(name), str) for name in _NAMES)


def _folded(text: str) -> str:
    """As ListenBrainz compares names: no accents, case or signs; `_` counts as a letter."""
    return re.sub(r"\W", "", without_accents(text)).lower()
