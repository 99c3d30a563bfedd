"""The sandbox's Spotify over HTTP: the parts of the Web API that the project uses, and their refusals.

Two access modes, as since 11 February 2026: `development` lacks batch endpoints, audio features and
some fields; `extended` has them. The services that need no key are beside it. What a response holds is in
`spotify.responses` and `other_services`, what a query means in `spotify.query`, what it finds in
`spotify.search`; running the server as a process is in `process`. Faults are injected by tests
(`music_assets_tests.support`).
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote_plus

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from music_assets.sandbox.other_services import OtherServices
from music_assets.sandbox.spotify import search
from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sandbox.spotify.errors import Raw, error
from music_assets.sandbox.spotify.query import parse
from music_assets.sandbox.spotify.responses import MAX_OFFSET, Json, Responses

CLIENT_ID = "sandbox"
CLIENT_SECRET = "not-a-secret"  # anyone on the loopback may use it
_NOT_FOUND = error(404, "Resource not found")
_FORBIDDEN = error(403, "Forbidden")
_NO_FEATURES = error(403)  # recorded without a message
_ID = re.compile(r"[0-9A-Za-z]{22}$")

_JSON = {"content-type": "application/json; charset=utf-8"}
Handler = Callable[[Request], Raw | Json]
LookUp = Callable[[list[str], str | None], list[Json | None]]  # by ids, for a market
OtherHandler = Callable[[Request, bytes], Raw | Json | list[Json]]


class SandboxSpotify:
    """The sandbox's Spotify: `app` is the ASGI application, `requests` counts requests by kind.

    Tests override `intercept` and `look_up` to inject faults.
    """

    http_protocol: Any = "auto"  # uvicorn's
    token_lifetime = 3600.0  # seconds

    def __init__(
        self,
        catalogue: str | os.PathLike[str],
        *,
        mode: str = "development",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if mode not in ("development", "extended"):
            raise ValueError(f"mode is development or extended, not {mode!r}")
        self.extended = mode == "extended"
        self.requests: Counter[str] = Counter()
        self.clock = clock
        self._db = open_to_read(catalogue)
        self._responses = Responses(self._db, extended=self.extended)
        self._others = OtherServices(self._db, self._responses)
        self.tokens: dict[str, float] = {}  # those issued, and when each expires
        self.app = Starlette(
            routes=[
                Route("/api/token", self._token, methods=["POST"]),
                Route("/sandbox/requests", self._counts),
                *self._get("search", self._search),
                *self._get("tracks", self._batch("tracks", 50, self._tracks)),
                *self._get("tracks/{id}", self._one(self._tracks)),
                *self._get("artists", self._batch("artists", 50, self._artists)),
                *self._get("artists/{id}", self._one(self._artists)),
                *self._get("artists/{id}/albums", self._artist_albums),
                *self._get("albums", self._batch("albums", 20, self._albums)),
                *self._get("albums/{id}", self._one(self._albums)),
                *self._get("albums/{id}/tracks", self._album_tracks),
                *self._get(
                    "audio-features", self._features(self._batch("audio_features", 100, self._analysed))
                ),
                *self._get("audio-features/{id}", self._features(self._one(self._analysed))),
                *self._get("{rest:path}", self._removed),
                self._beside("/reccobeats/v1/audio-features", "reccobeats", self._reccobeats),
                self._beside(
                    "/listenbrainz/spotify-id-from-metadata/json", "listenbrainz", self._listenbrainz
                ),
            ]
        )

    async def intercept(self, request: Request, kind: str) -> Response | None:
        """A response in place of the proper one; None, as always here, lets the request through."""
        return None

    # -- around every request

    def _get(self, path: str, handler: Handler) -> list[Route]:
        async def endpoint(request: Request) -> Response:
            return await self._answer(request, handler)

        # Spotify takes `/artists/?ids=`, as spotipy sends it, for `/artists?ids=`.
        paths = [path] if "{" in path else [path, f"{path}/"]
        return [Route(f"/v1/{each}", endpoint) for each in paths]

    def _beside(self, path: str, service: str, handler: OtherHandler) -> Route:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            intercepted = await self._received(request, service)
            return intercepted or _response(handler(request, body))

        return Route(path, endpoint, methods=["POST" if service == "listenbrainz" else "GET"])

    async def _answer(self, request: Request, handler: Handler) -> Response:
        kind = request.url.path.removeprefix("/v1/").partition("/")[0]
        if intercepted := await self._received(request, kind):
            return intercepted
        self._responses.api = str(request.base_url) + "v1"
        return _response(self._unauthorized(request) or handler(request))

    async def _received(self, request: Request, kind: str) -> Response | None:
        self.requests[kind] += 1
        return await self.intercept(request, kind)

    def _unauthorized(self, request: Request) -> Raw | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            return error(401, "No token provided")
        if token not in self.tokens:
            return error(401, "Invalid access token")
        if self.tokens[token] <= self.clock():
            header = (
                'Bearer realm="spotify", error="invalid_token", error_description="The access token expired"'
            )
            return error(401, "The access token expired", **{"www-authenticate": header})
        return None

    async def _token(self, request: Request) -> Response:
        self.requests["token"] += 1
        if _basic(request) != (CLIENT_ID, CLIENT_SECRET):
            return _flat_error("invalid_client", "Invalid client")
        form = parse_qs((await request.body()).decode())
        if form.get("grant_type") != ["client_credentials"]:
            return _flat_error("unsupported_grant_type", "grant_type parameter is missing")
        token = secrets.token_urlsafe(24)
        self.tokens[token] = self.clock() + self.token_lifetime
        body = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.token_lifetime)}
        return Response(orjson.dumps(body), media_type="application/json")

    async def _counts(self, request: Request) -> Response:
        return Response(orjson.dumps(self.requests), media_type="application/json")

    # -- the endpoints

    def _search(self, request: Request) -> Raw | Json:
        params = request.query_params
        q = params.get("q", params.get("query", ""))  # Spotify's own links to further pages say `query`
        types = params.get("type", "").split(",")
        if not q.strip():
            return error(400, "No search query")
        if len(q) > 250:
            return error(400, "Query exceeds maximum length of 250 characters")
        if types == [""]:
            return error(400, "Missing parameter type")
        if bad := [each for each in types if each not in ("track", "artist", "album")]:
            return error(400, f"Bad search type field {bad[0]}")
        page = _page(request, default=5, most=10)
        if isinstance(page, Raw):
            return page
        limit, offset = page
        query, answer = parse(q), {}
        numbers, total = search.tracks(self._db, query, limit, offset)
        tracks = [track for track in self._responses.tracks("number", numbers) if track]
        for type_ in types:
            items, found = tracks, total
            if type_ == "artist":  # as the tracks found have them
                ids = list(dict.fromkeys(track["artists"][0]["id"] for track in tracks))
                items = [each for each in self._responses.artists(ids) if each]
                found = len(items)
            elif type_ == "album":
                ids, found = search.albums(self._db, query, limit, offset)
                items = [each for each in self._responses.albums(ids, full=False) if each]
            path = f"search?query={quote_plus(q)}&type={type_}&"
            answer[f"{type_}s"] = self._responses.page(path, items, found, limit, offset)
        return answer

    def _tracks(self, ids: list[str], market: str | None) -> list[Json | None]:
        return self._responses.tracks("id", ids, market)

    def _artists(self, ids: list[str], market: str | None) -> list[Json | None]:
        return self._responses.artists(ids)

    def _albums(self, ids: list[str], market: str | None) -> list[Json | None]:
        return self._responses.albums(ids, full=True, market=market)

    def _analysed(self, ids: list[str], market: str | None) -> list[Json | None]:
        return self._responses.audio_features(ids)

    def _one(self, look_up: LookUp) -> Handler:
        def handler(request: Request) -> Raw | Json:
            id_ = request.path_params["id"]
            if not _ID.match(id_):
                return error(400, "Invalid base62 id")
            return self.look_up(look_up, [id_], request)[0] or _NOT_FOUND

        return handler

    def _batch(self, name: str, most: int, look_up: LookUp) -> Handler:
        def handler(request: Request) -> Raw | Json:
            if not self.extended:
                return _FORBIDDEN
            ids = [id_ for id_ in request.query_params.get("ids", "").split(",") if id_]
            if len(ids) > most:
                return error(400, "Too many ids requested")
            if not ids or not all(map(_ID.match, ids)):
                return error(400, "Invalid base62 id")
            return {name: self.look_up(look_up, ids, request)}

        return handler

    def look_up(self, look_up: LookUp, ids: list[str], request: Request) -> list[Json | None]:
        """What is known of these ids, None for an unknown one."""
        return look_up(ids, request.query_params.get("market"))

    def _features(self, handler: Handler) -> Handler:
        return handler if self.extended else lambda request: _NO_FEATURES

    def _album_tracks(self, request: Request) -> Raw | Json:
        market = request.query_params.get("market")
        return self._listing(request, partial(self._responses.album_tracks, market=market), most=50)

    def _artist_albums(self, request: Request) -> Raw | Json:
        return self._listing(request, self._responses.artist_albums, most=50)

    def _listing(self, request: Request, list_: Callable[[str, int, int], Json], most: int) -> Raw | Json:
        page = _page(request, default=20, most=most)
        if isinstance(page, Raw):
            return page
        listed = list_(request.path_params["id"], *page)
        return listed if listed["total"] else _NOT_FOUND

    def _reccobeats(self, request: Request, body: bytes) -> Raw | Json | list[Json]:
        given = request.query_params.getlist("ids")  # repeated, or joined by commas
        return self._others.reccobeats([id_ for each in given for id_ in each.split(",") if id_])

    def _listenbrainz(self, request: Request, body: bytes) -> Raw | Json | list[Json]:
        return self._others.listenbrainz(body)

    def _removed(self, request: Request) -> Raw | Json:
        """What development mode lost; extended access has it on Spotify, the sandbox in no mode."""
        return error(404, "Service not found") if self.extended else _FORBIDDEN


def _response(answer: Raw | Json | list[Json]) -> Response:
    raw = answer if isinstance(answer, Raw) else Raw(200, orjson.dumps(answer), _JSON)
    return Response(raw.body, raw.status, raw.headers)


def _page(request: Request, *, default: int, most: int) -> tuple[int, int] | Raw:
    try:
        limit = int(request.query_params.get("limit", default))
        offset = int(request.query_params.get("offset", 0))
    except ValueError:
        return error(400, "Invalid limit")
    if not 1 <= limit <= most:
        return error(400, "Invalid limit")
    return (limit, offset) if 0 <= offset <= MAX_OFFSET else error(400, "Invalid offset")


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        id_, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (id_, secret) if scheme == "Basic" else None


def _flat_error(name: str, description: str) -> Response:
    body = {"error": name, "error_description": description}
    return Response(orjson.dumps(body), 400, media_type="application/json")
