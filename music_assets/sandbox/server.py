"""The sandbox over HTTP: its Spotify, with the parts of the Web API that the project uses and their refusals.

Two access modes, as since 11 February 2026: `development` lacks batch endpoints, audio features and some
fields; `extended` has them. What a response holds is in `spotify.responses`, what a search finds in
`spotify.search`, the sources without a key in `keyless`; running the server as a process is in `process`.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote_plus

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from music_assets.sandbox.keyless import KeylessServices
from music_assets.sandbox.spotify import search
from music_assets.sandbox.spotify.behaviours import Behaviours
from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sandbox.spotify.errors import Raw, Refused
from music_assets.sandbox.spotify.responses import MAX_OFFSET, Json, Responses

CLIENT_ID = "sandbox"
CLIENT_SECRET = "not-a-secret"  # noqa: S105  # anyone on the loopback may use it
_BATCHES = {"tracks": 50, "artists": 50, "albums": 20, "audio-features": 100}  # ids per request, at most
_ID = re.compile(r"[0-9A-Za-z]{22}$")

_JSON = {"content-type": "application/json; charset=utf-8"}
Handler = Callable[[Request], Awaitable[Json | list[Json] | Response]]


class Sandbox:
    """Its Spotify and the services beside it: `app` is the ASGI application, `requests` counts by kind.

    `behaviours` are those of `spotify.behaviours` that are on. Tests override `intercept`
    and `look_up` to inject faults.
    """

    http_protocol: Any = "auto"  # uvicorn's
    token_lifetime = 3600.0  # seconds

    def __init__(
        self,
        catalogue: str | os.PathLike[str],
        *,
        mode: str = "development",
        behaviours: Mapping[str, float | None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if mode not in ("development", "extended"):
            raise ValueError(f"mode is development or extended, not {mode!r}")
        self.extended = mode == "extended"
        self.requests: Counter[str] = Counter()
        self.clock = clock
        self._db = open_to_read(catalogue)
        self._responses = Responses(self._db, extended=self.extended)
        keyless = KeylessServices(self._db, self._responses)
        self.behaviours = Behaviours(self._db, self._responses, lambda: self.clock())
        self.behaviours.switch(behaviours or {})
        self.tokens: dict[str, float] = {}  # those issued, and when each expires
        self.app = Starlette(
            routes=[
                Route("/api/token", self._token, methods=["POST"]),
                Route("/sandbox/requests", self._counts),
                Route("/sandbox/behaviours", self._switch, methods=["GET", "PUT"]),
                *self._get("search", self._search),
                *(route for kind in _BATCHES for route in self._get(kind, self._batch)),
                *(route for kind in _BATCHES for route in self._get(f"{kind}/{{id}}", self._one)),
                *self._get("albums/{id}/tracks", partial(self._list, self._responses.album_tracks)),
                *self._get("artists/{id}/albums", partial(self._list, self._responses.artist_albums)),
                *self._get("{rest:path}", self._removed),
                *keyless.routes(self._endpoint),
            ]
        )

    async def intercept(self, request: Request, kind: str) -> Response | None:
        """A response in place of the proper one; None, as always here, lets the request through."""
        return None

    # -- around every request

    def _get(self, path: str, handler: Handler) -> list[Route]:
        """The routes of a path of the Web API."""

        async def authorized(request: Request) -> Json | list[Json] | Response:
            self._authorize(request)
            self.behaviours.refuse(_kind(request), f"{request.url.path}?{request.url.query}")
            return await handler(request)

        # Spotify takes `/artists/?ids=`, as spotipy sends it, for `/artists?ids=`.
        paths = [path] if "{" in path else [path, f"{path}/"]
        return [Route(f"/v1/{each}", self._endpoint("", authorized)) for each in paths]

    def _endpoint(self, service: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            await request.body()
            kind = service or _kind(request)
            self.requests[kind] += 1
            if intercepted := await self.intercept(request, kind):
                return intercepted
            self._responses.api = str(request.base_url) + "v1"
            try:
                found = await handler(request)
                if isinstance(found, Response):
                    return found
                answer = Raw(200, orjson.dumps(found), _JSON)
            except Refused as refused:
                answer = refused.answer
            return Response(answer.body, answer.status, answer.headers)

        return endpoint

    def _authorize(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused(401, "No token provided")
        if token not in self.tokens:
            raise Refused(401, "Invalid access token")
        if self.tokens[token] <= self.clock():
            why = "The access token expired"
            header = f'Bearer realm="spotify", error="invalid_token", error_description="{why}"'
            raise Refused(401, why, **{"www-authenticate": header})

    async def _token(self, request: Request) -> Response:
        self.requests["token"] += 1
        credentials = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {credentials}":
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

    async def _switch(self, request: Request) -> Response:
        """Say which behaviours are on; with PUT, have those in the body on, and no others."""
        try:
            if request.method == "PUT":
                self.behaviours.switch(orjson.loads(await request.body()))
        except (ValueError, AttributeError) as error:
            return Response(str(error), 400)
        return Response(orjson.dumps(self.behaviours.on), media_type="application/json")

    # -- the endpoints

    async def _search(self, request: Request) -> Json:
        params = request.query_params
        q = params.get("q", params.get("query", ""))  # Spotify's own links to further pages say `query`
        types = params.get("type", "").split(",")
        if not q.strip():
            raise Refused(400, "No search query")
        if len(q) > 250:
            raise Refused(400, "Query exceeds maximum length of 250 characters")
        if types == [""]:
            raise Refused(400, "Missing parameter type")
        if bad := [each for each in types if each not in ("track", "artist", "album")]:
            raise Refused(400, f"Bad search type field {bad[0]}")
        limit, offset = _page(request, default=5, most=10)
        tracks, total = self.behaviours.tracks(q, params.get("market"), limit, offset)
        answer = {}
        for type_ in types:
            items: list[Json | None] = [*tracks]
            found = total
            if type_ == "artist":  # as the tracks found have them
                ids = list(dict.fromkeys(track["artists"][0]["id"] for track in tracks))
                items, found = self._responses.artists(ids), len(ids)
            elif type_ == "album":
                ids, found = search.albums(self._db, search.parse(q), limit, offset)
                items = self._responses.albums(ids, full=False)
            path = f"search?query={quote_plus(q)}&type={type_}&"
            known = [item for item in items if item]
            answer[f"{type_}s"] = self._responses.page(path, known, found, limit, offset)
        return answer

    def look_up(self, kind: str, ids: list[str], market: str | None) -> list[Json | None]:
        """What is known of these ids, None for an unknown one; `kind` is one of `_BATCHES`."""
        find: Callable[..., list[Json | None]] = getattr(self._responses, kind.replace("-", "_"))
        return find(ids, market)

    async def _one(self, request: Request) -> Json:
        kind, id_ = self._available(request), request.path_params["id"]
        if not _ID.match(id_):
            raise Refused(400, "Invalid base62 id")
        (found,) = self.look_up(kind, [id_], request.query_params.get("market"))
        if not found:
            raise Refused(404, "Resource not found")
        return found

    async def _batch(self, request: Request) -> Json:
        kind = self._available(request)
        if not self.extended or "between_modes" in self.behaviours.on:
            raise Refused(403, "Forbidden")
        ids = [id_ for id_ in request.query_params.get("ids", "").split(",") if id_]
        if len(ids) > _BATCHES[kind]:
            raise Refused(400, "Too many ids requested")
        if not ids or not all(map(_ID.match, ids)):
            raise Refused(400, "Invalid base62 id")
        return {kind.replace("-", "_"): self.look_up(kind, ids, request.query_params.get("market"))}

    def _available(self, request: Request) -> str:
        """The kind of object a request is for, if this access mode has it at all."""
        kind = _kind(request)
        if kind == "audio-features" and not self.extended:
            raise Refused(403)  # recorded without a message
        return kind

    async def _list(self, listing: Callable[..., Json], request: Request) -> Json:
        # Development mode lists an artist's albums ten at a time, an album's tracks as ever.
        few = _kind(request) == "artists" and not self.extended
        page = _page(request, default=5 if few else 20, most=10 if few else 50)
        listed = listing(request.path_params["id"], *page, request.query_params.get("market"))
        if not listed["total"]:
            raise Refused(404, "Resource not found")
        return listed

    async def _removed(self, request: Request) -> Json:
        """What development mode lost; extended access has it on Spotify, the sandbox in no mode."""
        raise Refused(404, "Service not found") if self.extended else Refused(403, "Forbidden")


def _kind(request: Request) -> str:
    return request.url.path.removeprefix("/v1/").partition("/")[0]


def _page(request: Request, *, default: int, most: int) -> tuple[int, int]:
    try:
        limit = int(request.query_params.get("limit", default))
        offset = int(request.query_params.get("offset", 0))
    except ValueError:
        raise Refused(400, "Invalid limit") from None
    if not 1 <= limit <= most:
        raise Refused(400, "Invalid limit")
    if not 0 <= offset <= MAX_OFFSET:
        raise Refused(400, "Invalid offset")
    return limit, offset


def _flat_error(name: str, description: str) -> Response:
    body = {"error": name, "error_description": description}
    return Response(orjson.dumps(body), 400, media_type="application/json")
