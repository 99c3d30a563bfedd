"""How Spotify misbehaves: what was met or reported in 2026, each way under a name and off until switched on.

Switched on by `music-assets sandbox --behaviour NAME`, by `Sandbox(behaviours=…)` or over HTTP:
`PUT /sandbox/behaviours` with `{"NAME": null}`. A search misled once is misled each time; whether a request
fails is drawn for each repetition of it, the same in every run. What happens to connections, tests inject.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import orjson

from music_assets.sandbox.spotify import search
from music_assets.sandbox.spotify.errors import Raw, Refused, Replaced
from music_assets.sandbox.spotify.names import dice_of
from music_assets.sandbox.spotify.responses import Json, Responses

DAY = 86_400.0  # seconds
MARKET = "SE"  # where everything is sold
_ALL = 1000  # hits; Spotify pages no further
_PREMIUM = (
    b"Active premium subscription required for the owner of the app. When the subscription status changes, "
    b"it can take a few hours before requests are allowed again."
)
_JSON = {"content-type": "application/json; charset=utf-8"}
_ERROR_BODIES = (
    b'{"error":{"status":500,"message":"Server error."}}',
    b"{}",
    b'{"tracks":null,"artists":null,"albums":null}',
    b'{"id":"37i9dQZF1DXcBWIGoYBM5M","type":"playlist","name":"Today","tracks":{"href":""}}',
)


@dataclass(frozen=True)
class Behaviour:
    """One way to misbehave; `value`, unless another is given, is the number that `meaning` speaks of."""

    value: float
    meaning: str


BEHAVIOURS: Mapping[str, Behaviour] = {
    "fuzzy": Behaviour(1.0, "share of filtered searches without a hit that answer with other songs"),
    "junk": Behaviour(0.25, "share of searches that answer with other songs in place of their hits"),
    "fillers": Behaviour(
        1.0, "share of searches for a release that list its albums in an order of their own"
    ),
    "few_hits": Behaviour(5, "tracks that a search for a release lists at most"),
    "hidden_albums": Behaviour(1.0, "share of searches with `album:` beside other filters that find nothing"),
    "markets": Behaviour(0.2, f"share of tracks that a search finds only with market={MARKET}"),
    "buckets": Behaviour(600, "requests that a class of endpoints takes in a rolling day"),
    "premium": Behaviour(50, "number of the one request that is refused for want of Premium, in plain text"),
    "between_modes": Behaviour(1.0, "tracks have their popularity, and batches are refused all the same"),
    "error_bodies": Behaviour(0.1, "share of requests answered 200 with an error or another object"),
    "empty_pages": Behaviour(0.1, "share of searches that have a total of 734 and list nothing"),
    "search_404": Behaviour(1.0, "share of searches answered 404"),
    "nameless": Behaviour(0.1, "share of searches whose first hits have no name, or an id that is none"),
    "half_pairs": Behaviour(0.1, "share of hits whose name holds half a surrogate pair"),
}


class Behaviours:
    """Those of one sandbox that are on, with what they have counted since they were switched on."""

    def __init__(self, db: sqlite3.Connection, responses: Responses, clock: Callable[[], float]) -> None:
        self._db, self._responses, self._clock = db, responses, clock
        self.on: dict[str, float] = {}
        self.switch({})

    def switch(self, on: Mapping[str, float | None]) -> None:
        """Have these on and no others, each with a number, or None for its own. Raises `ValueError`."""
        if unknown := on.keys() - BEHAVIOURS.keys():
            raise ValueError(f"There is no behaviour {min(unknown)!r}; there are {', '.join(BEHAVIOURS)}.")
        self.on = {name: BEHAVIOURS[name].value if value is None else value for name, value in on.items()}
        self._responses.shown = {"popularity"} if "between_modes" in on else set()
        self._seen: Counter[str] = Counter()
        if "buckets" not in on:
            self._recent: dict[str, deque[float]] = defaultdict(deque)

    def refuse(self, kind: str, url: str) -> None:
        """Raise `Refused` where a request of this kind gets something else in place of its answer."""
        self._seen[url] += 1
        again = str(self._seen[url])
        if "premium" in self.on and self._seen.total() == self.on["premium"]:
            raise Replaced(Raw(403, _PREMIUM, {"content-type": "text/plain"}))
        if "buckets" in self.on:
            self._take(kind)
        if kind == "search" and self._falls("search_404", url, again):
            raise Refused(404, "Not found.")
        if self._falls("error_bodies", url, again):
            body = _ERROR_BODIES[dice_of(url, again) % len(_ERROR_BODIES)]
            raise Replaced(Raw(200, body, _JSON))
        if kind == "search" and self._falls("empty_pages", url, again):
            page = self._responses.page("search?", [], 734, 10, 0)
            raise Replaced(Raw(200, orjson.dumps({"tracks": page}), _JSON))

    def tracks(self, q: str, market: str | None, limit: int, offset: int) -> tuple[list[Json], int]:
        """A page of the tracks that a search finds, and how many there are in all."""
        query = search.parse(q)
        ids, total = search.tracks(self._db, query, *((_ALL, 0) if self.on else (limit, offset)))
        if self.on:
            ids = self._misled(query, q, [id_ for id_ in ids if self._is_sold(id_, market)])
            total, ids = len(ids), ids[offset : offset + limit]
        hits = [track for track in self._responses.tracks(ids) if track]
        if query.of_release and hits and self._falls("fillers", q):
            hits = self._listed(hits)
            total, hits = len(hits), hits[offset : offset + limit]
        if query.of_release and "few_hits" in self.on:
            hits = hits[: int(self.on["few_hits"])]
            total = len(hits)
        if hits and self._falls("nameless", q):
            hits = [hits[0] | {"name": ""}, hits[0] | {"name": None}, hits[0] | {"id": "../../x"}, *hits][
                :limit
            ]
        for hit in hits:
            if hit["name"] and self._falls("half_pairs", hit["id"]):
                hit["name"] = orjson.Fragment(orjson.dumps(hit["name"])[:-1] + b' \\ud83c"')
        return hits, total

    def _falls(self, name: str, *what: str) -> bool:
        """Whether a behaviour that is on befalls this, by its share."""
        return name in self.on and dice_of(name, *what) % 10_000 < self.on[name] * 10_000

    def _take(self, kind: str) -> None:
        """Count a request in its bucket, or refuse it until one of the last 24 hours is a day old."""
        now, recent = self._clock(), self._recent[kind]
        while recent and recent[0] <= now - DAY:
            recent.popleft()
        if len(recent) >= self.on["buckets"]:
            wait = {"retry-after": str(ceil(recent[0] + DAY - now))}
            raise Refused(429, "Too many requests", reason="QUOTA_EXCEEDED", **wait)
        recent.append(now)

    def _is_sold(self, id_: str, market: str | None) -> bool:
        return market == MARKET or not self._falls("markets", id_)

    def _misled(self, query: search.Query, q: str, ids: list[str]) -> list[str]:
        """The ids that a search answers with in place of those it should find."""
        if "album" in query.fields and len(query.fields) > 1 and self._falls("hidden_albums", q):
            ids = []
        if self._falls("junk", q) or (not ids and query.fields and self._falls("fuzzy", q)):
            (most,) = self._db.execute("SELECT coalesce(max(number), 0) FROM tracks").fetchone()
            sql = "SELECT id FROM tracks WHERE number >= ? ORDER BY number LIMIT 10"
            return [id_ for (id_,) in self._db.execute(sql, [dice_of("junk", q) % max(most - 9, 1)])]
        return ids

    def _listed(self, hits: list[Json]) -> list[Json]:
        """All tracks of the albums that these hits are on, fillers among them, in an order of their own."""
        albums = {hit["album"]["id"]: hit["album"] for hit in hits}
        found: dict[str, Json] = {hit["id"]: hit for hit in hits}
        for id_, album in albums.items():
            more: dict[str, Any] = {"album": album, "external_ids": {}}
            for item in self._responses.album_tracks(id_, 50, 0)["items"]:
                found.setdefault(item["id"], item | more)
        return sorted(found.values(), key=lambda hit: dice_of("order", hit["id"]))
