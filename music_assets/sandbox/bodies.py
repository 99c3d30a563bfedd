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

from music_assets.sandbox.query import Query

Json = dict[str, Any]

PAGES = "https://spotify.sandbox.invalid"
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


class Bodies:
    """Writes answers from one catalogue. `api` is the address of the server's `/v1`, for links."""

    def __init__(self, db: sqlite3.Connection, *, extended: bool) -> None:
        self._db = db
        self._extended = extended
        self._names: dict[str, str] = {}
        self.api = "https://api.spotify.com/v1"

    def search(self, query: Query, limit: int, offset: int) -> tuple[list[int], int]:
        """The numbers of the tracks found, best first (words, then popularity), and how many there are."""
        if query.nothing:
            return [], 0
        source, order = "tracks t", "t.popularity DESC, t.id"
        where, values = [], []
        if query.match:
            source = "words JOIN tracks t ON t.number = words.rowid"
            order = f"round(bm25(words, 2.0, 1.5, 0.3), 1), {order}"
            where.append("words MATCH ?")
            values.append(query.expression)
        if query.isrc:
            where.append("t.isrc = ?")
            values.append(query.isrc)
        if query.years:
            source += " JOIN albums a ON a.id = t.album_id"
            where.append("substr(a.release_date, 1, 4) BETWEEN ? AND ?")
            values += query.years
        sql = f"SELECT t.number FROM {source} WHERE {' AND '.join(where)} ORDER BY {order}"
        numbers = [number for (number,) in self._db.execute(sql, values)]
        return numbers[offset : offset + limit], len(numbers)

    def tracks(self, column: str, values: Sequence[Any]) -> list[Json | None]:
        """Track objects by `number` or `id`, in the order asked, None for an unknown one."""
        sql = f"{_TRACK.replace('SELECT', f'SELECT t.{column},')} WHERE t.{column} IN ({_marks(values)})"
        rows = {row[0]: row[1:] for row in self._db.execute(sql, list(values))}
        self._learn(id_ for row in rows.values() for id_ in [*row[2].split(), row[12]])
        return [self._track(*rows[value]) if value in rows else None for value in values]

    def artists(self, ids: Sequence[str]) -> list[Json | None]:
        """Full artist objects, in the order asked, None for an unknown id."""
        sql = f"SELECT id, name, popularity FROM artists WHERE id IN ({_marks(ids)})"
        rows = {row[0]: row for row in self._db.execute(sql, list(ids))}
        return [self._artist(*rows[id_]) if id_ in rows else None for id_ in ids]

    def albums(self, ids: Sequence[str], *, full: bool) -> list[Json | None]:
        """Album objects, in the order asked; `full` ones hold their tracks."""
        sql = f"SELECT * FROM albums WHERE id IN ({_marks(ids)})"
        rows = {row[0]: row for row in self._db.execute(sql, list(ids))}
        self._learn(row[5] for row in rows.values())
        return [self._album(*rows[id_], full=full) if id_ in rows else None for id_ in ids]

    def album_tracks(self, id_: str, limit: int, offset: int) -> Json:
        """A page of an album's tracks: those the catalogue has, which may be fewer than `total_tracks`."""
        sql = "SELECT id FROM tracks WHERE album_id = ? ORDER BY track_number, id"
        ids = [row[0] for row in self._db.execute(sql, [id_])]
        items = [track for track in self.tracks("id", ids[offset : offset + limit]) if track]
        for item in items:
            for name in ("album", "external_ids", "popularity"):
                item.pop(name, None)
        return self.page(f"albums/{id_}/tracks?", items, len(ids), limit, offset)

    def artist_albums(self, id_: str, limit: int, offset: int) -> Json:
        """A page of the albums credited to an artist."""
        sql = "SELECT id FROM albums WHERE artist_id = ? ORDER BY release_date DESC, id"
        ids = [row[0] for row in self._db.execute(sql, [id_])]
        items = [album for album in self.albums(ids[offset : offset + limit], full=False) if album]
        for item in items if self._extended else []:
            item["album_group"] = item["album_type"]
        return self.page(f"artists/{id_}/albums?", items, len(ids), limit, offset)

    def audio_features(self, ids: Sequence[str]) -> list[Json | None]:
        """Audio features objects, in the order asked, None for an unknown id."""
        sql = (
            "SELECT id, key, mode, tempo, loudness, time_signature, duration_ms FROM tracks "
            f"WHERE id IN ({_marks(ids)})"
        )
        rows = {row[0]: row for row in self._db.execute(sql, list(ids))}
        return [self._features(*rows[id_]) if id_ in rows else None for id_ in ids]

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

    def _track(
        self,
        id_: str,
        name: str,
        artist_ids: str,
        isrc: str,
        duration_ms: int,
        popularity: int,
        number: int,
        *album: Any,
    ) -> Json:
        track = {
            "album": self._album(*album, full=False),
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

    def _album(
        self, id_: str, name: str, type_: str, date: str, total: int, artist_id: str, *, full: bool
    ) -> Json:
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
            album["tracks"] = self.album_tracks(id_, 50, 0)
            if self._extended:
                album |= {"label": "Sandbox Records", "popularity": int(image[:4], 16) % 80}
        return album

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

    def _features(
        self, id_: str, key: int, mode: int, tempo: float, loudness: float, beats: int, duration_ms: int
    ) -> Json:
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
