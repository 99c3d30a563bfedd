"""JSON as Spotify writes it: the objects of the Web API, from the catalogue, in either access mode.

Development mode lacks the fields that Spotify removed on 11 February 2026. Addresses that would lead to
Spotify's pages lead to `.invalid`, since nothing here exists there. Routes and errors are in `server`.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from music_assets.sandbox.spotify.names import dice_of, spotify_id

Json = dict[str, Any]

PAGES = "https://spotify.sandbox.invalid"
_RELINKED = 20  # percent of the tracks that have a copy, which a market gets in their place
_FILLERS = (
    "Overture|Interlude|Slow Passage|The Long Way Round|Reprise|Quarter Past|Left Unsaid|Second Thoughts|"
    "Field Recording|Nobody Asked|Half Light|Coda"
).split("|")
MAX_OFFSET = 1000
_MARKETS = (
    "AD AE AR AT AU BE BG BO BR CA CH CL CO CR CY CZ DE DK EC EE ES FI FR GB GR HK HU IE IS IT JP LT LU LV "
    "MX NL NO NZ PE PH PL PT RO SE SG SK TR TW US UY"
).split()
_GENRES = (
    "album rock|alternative metal|blues rock|bluegrass|bossa nova|chanson|classical|country|dub|electronica|"
    "flamenco|folk|funk|garage rock|hard rock|hip hop|house|indie pop|jazz|latin|metal|new wave|opera|"
    "post-punk|psychedelic rock|punk|r&b|reggae|salsa|shoegaze|singer-songwriter|ska|soul|swing|tango|techno"
).split("|")
_TRACK = (
    "SELECT t.id, t.name, t.artist_ids, t.isrc, t.duration_ms, t.popularity, t.track_number, a.id, a.name, "
    "a.album_type, a.release_date, a.total_tracks, a.artist_id "
    "FROM tracks t JOIN albums a ON a.id = t.album_id "
)


class Responses:
    """Writes the Web API's objects from one catalogue; `api` is the address of `/v1`, for links."""

    def __init__(self, db: sqlite3.Connection, *, extended: bool) -> None:
        self._db = db
        self._extended = extended
        self._names: dict[str, str] = {}
        self.api = "https://api.spotify.com/v1"

    def tracks(self, column: str, values: Sequence[Any], market: str | None = None) -> list[Json | None]:
        """Track objects by `number` or `id`, in the order of the request, None for an unknown one.

        In a market, some tracks come relinked: under the id of a copy, with `linked_from` in extended access.
        """
        sql = f"{_TRACK.replace('SELECT', f'SELECT t.{column},')} WHERE t.{column} IN ({_marks(values)})"
        rows = {row[0]: row[1:] for row in self._db.execute(sql, list(values))}
        self._learn(id_ for row in rows.values() for id_ in [*row[2].split(), row[12]])
        found = [self._track(rows[value]) if value in rows else None for value in values]
        return [track and self._in_market(track) for track in found] if market else found

    def artists(self, ids: Sequence[str]) -> list[Json | None]:
        """Full artist objects, in the order of the request, None for an unknown id."""
        sql = f"SELECT id, name, popularity FROM artists WHERE id IN ({_marks(ids)})"
        rows = {row[0]: row for row in self._db.execute(sql, list(ids))}
        return [self._artist(*rows[id_]) if id_ in rows else None for id_ in ids]

    def albums(self, ids: Sequence[str], *, full: bool, market: str | None = None) -> list[Json | None]:
        """Album objects, in the order of the request; `full` ones hold their tracks."""
        sql = f"SELECT * FROM albums WHERE id IN ({_marks(ids)})"
        rows = {row[0]: row for row in self._db.execute(sql, list(ids))}
        self._learn(row[5] for row in rows.values())
        found = [self._album(rows[id_], full=full, market=market) if id_ in rows else None for id_ in ids]
        for album in found if market else []:
            if album:
                album.pop("available_markets", None)
        return found

    def album_tracks(self, id_: str, limit: int, offset: int, market: str | None = None) -> Json:
        """A page of an album's tracks, by their numbers: those of the catalogue, and others to fill it up.

        A filler is on its album only; its id is unknown elsewhere.
        """
        sql = "SELECT id, track_number FROM tracks WHERE album_id = ? ORDER BY track_number, id"
        listed = [(number, track) for track, number in self._db.execute(sql, [id_])]
        known = self._db.execute("SELECT total_tracks, artist_id FROM albums WHERE id = ?", [id_]).fetchone()
        total, artist_id = known or (0, "")
        free = (number for number in range(1, total + 1) if number not in {taken for taken, _ in listed})
        fillers = {
            f"{id_}/{number}": number for number, _ in zip(free, range(total - len(listed)), strict=False)
        }
        page = sorted([*listed, *((number, filler) for filler, number in fillers.items())])
        page = page[offset : offset + limit]
        self._learn([artist_id] if known else [])
        tracks = self.tracks("id", [track for _, track in page if track not in fillers], market)
        real = iter([track for track in tracks if track])
        items = [
            self._filler(artist_id, name, number) if name in fillers else next(real) for number, name in page
        ]
        for item in items:
            for name in ("album", "external_ids", "popularity", *(["available_markets"] if market else [])):
                item.pop(name, None)
            if market:
                item["is_playable"] = True
        query = f"market={market}&" if market else ""
        return self.page(f"albums/{id_}/tracks?{query}", items, total, limit, offset)

    def artist_albums(self, id_: str, limit: int, offset: int) -> Json:
        """A page of the albums credited to an artist."""
        sql = "SELECT id FROM albums WHERE artist_id = ? ORDER BY release_date DESC, id"
        ids = [row[0] for row in self._db.execute(sql, [id_])]
        items = [album for album in self.albums(ids[offset : offset + limit], full=False) if album]
        for item in items if self._extended else []:
            item["album_group"] = item["album_type"]
        return self.page(f"artists/{id_}/albums?", items, len(ids), limit, offset)

    def audio_features(self, ids: Sequence[str]) -> list[Json | None]:
        """Audio features objects, in the order of the request, None for an unknown id."""
        sql = (
            "SELECT id, key, mode, tempo, loudness, time_signature, duration_ms FROM tracks "
            f"WHERE id IN ({_marks(ids)})"
        )
        rows = {row[0]: row for row in self._db.execute(sql, list(ids))}
        return [self._features(rows[id_]) if id_ in rows else None for id_ in ids]

    def page(self, path: str, items: list[Json], total: int, limit: int, offset: int) -> Json:
        """A paging object; `path` ends with `?` or `&`."""

        def link(start: int) -> str:
            return f"{self.api}/{path}offset={start}&limit={limit}"

        return {
            "href": link(offset),
            "limit": limit,
            "next": link(offset + limit) if offset + limit < min(total, MAX_OFFSET) else None,
            "offset": offset,
            "previous": link(max(0, offset - limit)) if offset else None,
            "total": total,
            "items": items,
        }

    # -- one object each

    def _track(self, row: Sequence[Any]) -> Json:
        id_, name, artist_ids, isrc, duration_ms, popularity, number, *album = row
        track = {
            "album": self._album(album, full=False),
            "artists": [self._named(each) for each in artist_ids.split()],
            "disc_number": 1,
            "duration_ms": duration_ms,
            "explicit": ord(id_[0]) % 12 == 0,
            "external_ids": {"isrc": isrc},
            **self._links("track", id_),
            "is_local": False,
            "name": name,
            "preview_url": None,
            "track_number": number,
        }
        if self._extended:
            track |= {"available_markets": _MARKETS, "popularity": popularity}
        return track

    def _album(self, row: Sequence[Any], *, full: bool, market: str | None = None) -> Json:
        id_, name, type_, date, total, artist_id = row
        image = blake2b(id_.encode(), digest_size=20).hexdigest()
        album = {
            "album_type": type_,
            "artists": [self._named(artist_id)],
            **self._links("album", id_),
            "images": [
                {"height": size, "url": f"{PAGES}/image/{image}/{size}", "width": size}
                for size in (640, 300, 64)
            ],
            "name": name,
            "release_date": date,
            "release_date_precision": ("year", "month", "day")[date.count("-")],
            "total_tracks": total,
        }
        if self._extended:
            album["available_markets"] = _MARKETS
        if full:
            album |= {"copyrights": [], "external_ids": {}, "genres": []}
            album["tracks"] = self.album_tracks(id_, 50, 0, market)
            if self._extended:
                album |= {"label": "Sandbox Records", "popularity": int(image[:4], 16) % 80}
        return album

    def _in_market(self, track: Json) -> Json:
        """The track as a market gets it: itself, or its most popular copy where it is relinked."""
        original = track["id"]
        if dice_of("relinked", original) % 100 < _RELINKED:
            sql = "SELECT id FROM tracks WHERE isrc = ? AND id <> ? ORDER BY popularity DESC, id LIMIT 1"
            copy = self._db.execute(sql, [track["external_ids"]["isrc"], original]).fetchone()
            track = (self.tracks("id", copy)[0] or track) if copy else track
        if track["id"] != original and self._extended:
            track["linked_from"] = self._links("track", original)
        for each in (track, track["album"]):
            each.pop("available_markets", None)
        return {**track, "is_playable": True}

    def _filler(self, artist_id: str, name: str, number: int) -> Json:
        """A track of an album that is not in the catalogue: simplified, as albums list them."""
        id_ = spotify_id("filler", name)
        dice = dice_of("filler", id_)
        track = {
            "artists": [self._named(artist_id)],
            "disc_number": 1,
            "duration_ms": 45_000 + dice % 300_000,
            "explicit": False,
            **self._links("track", id_),
            "is_local": False,
            "name": f"{_FILLERS[dice % len(_FILLERS)]} {1 + dice // 100 % 9}",
            "preview_url": None,
            "track_number": number,
        }
        return track | ({"available_markets": _MARKETS} if self._extended else {})

    def _artist(self, id_: str, name: str, popularity: int) -> Json:
        dice = int.from_bytes(blake2b(id_.encode(), digest_size=6).digest(), "big")
        genres = {_GENRES[dice // 40**i % len(_GENRES)] for i in range(dice % 4)}
        artist = {**self._links("artist", id_), "genres": sorted(genres), "images": [], "name": name}
        if self._extended:
            followers = math.floor(10 ** (popularity / 14) + dice % 50)
            artist |= {"followers": {"href": None, "total": followers}, "popularity": popularity}
        return artist

    def _named(self, id_: str) -> Json:
        return {**self._links("artist", id_), "name": self._names[id_]}

    def _links(self, type_: str, id_: str) -> Json:
        return {
            "external_urls": {"spotify": f"{PAGES}/{type_}/{id_}"},
            "href": f"{self.api}/{type_}s/{id_}",
            "id": id_,
            "type": type_,
            "uri": f"spotify:{type_}:{id_}",
        }

    def _features(self, row: Sequence[Any]) -> Json:
        id_, key, mode, tempo, loudness, beats, duration_ms = row
        raw = blake2b(id_.encode(), digest_size=6, salt=b"features").digest()
        a, b, c, d, e, f = (round(byte / 255, 3) for byte in raw)
        energy = round(min(1.0, max(0.0, 1 + (loudness + 5) / 25 + (a - 0.5) / 5)), 3)
        return {
            "danceability": round(0.2 + 0.7 * b, 3),
            "energy": energy,
            "key": key,
            "loudness": loudness,
            "mode": mode,
            "speechiness": round(0.03 + 0.3 * c**3, 4),
            "acousticness": round((1 - energy) * (0.4 + 0.6 * d), 4),
            "instrumentalness": round(e**4, 5),
            "liveness": round(0.05 + 0.4 * f**2, 4),
            "valence": round((a + b + mode) / 3, 3),
            "tempo": tempo,
            "type": "audio_features",
            "id": id_,
            "uri": f"spotify:track:{id_}",
            "track_href": f"{self.api}/tracks/{id_}",
            "analysis_url": f"{self.api}/audio-analysis/{id_}",
            "duration_ms": duration_ms,
            "time_signature": beats,
        }

    def _learn(self, ids: Iterable[str]) -> None:
        """Have these artists' names at hand."""
        unknown = list({id_ for id_ in ids if id_ not in self._names})
        if unknown:
            sql = f"SELECT id, name FROM artists WHERE id IN ({_marks(unknown)})"
            self._names.update(self._db.execute(sql, unknown).fetchall())


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
