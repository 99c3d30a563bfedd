"""JSON as Spotify writes it: the objects of the Web API, from the catalogue, in either access mode.

Links to pages lead to `.invalid`, since nothing here exists there. Routes and refusals are in `server`.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from music_assets.sandbox.invented import invented
from music_assets.sandbox.spotify.names import dice_of, spotify_id

Json = dict[str, Any]

PAGES = "https://spotify.sandbox.invalid"
MAX_OFFSET = 1000
_RELINKED = 20  # percent of the tracks that have a copy, which a market gets in their place
# What development mode has lost since 11 February 2026.
_EXTENDED_ONLY = {
    "track": {"available_markets", "linked_from", "popularity"},
    "album": {"album_group", "available_markets", "label", "popularity"},
    "artist": {"followers", "popularity"},
}
_NOT_IN_AN_ALBUM = {"album", "external_ids", "popularity"}  # of a track, where its album lists it


class Responses:
    """Writes the Web API's objects from one catalogue; `api` is the address of `/v1`, for links.

    Methods that take `ids` return objects in that order, None for an unknown id. In a `market`, objects have
    no list of markets, and some tracks come relinked: as a copy, with `linked_from` in extended access.
    """

    def __init__(self, db: sqlite3.Connection, *, extended: bool) -> None:
        self._db = db
        self._extended = extended
        self._names: dict[str, str] = {}
        self.api = "https://api.spotify.com/v1"
        self.shown: set[str] = set()  # fields that are there although this access mode has lost them

    def tracks(self, ids: Sequence[str], market: str | None = None) -> list[Json | None]:
        """Full track objects."""
        sql = (
            "SELECT t.id, t.name, t.artist_ids, t.isrc, t.duration_ms, t.popularity, t.track_number, "
            "a.id, a.name, a.album_type, a.release_date, a.total_tracks, a.artist_id "
            "FROM tracks t JOIN albums a ON a.id = t.album_id WHERE t.id"
        )
        rows = self._rows(sql, ids)
        self._learn(id_ for row in rows if row for id_ in [*row[2].split(), row[12]])
        tracks = [row and self._track(*row) for row in rows]
        return [track and self._in_market(track) for track in tracks] if market else tracks

    def artists(self, ids: Sequence[str], market: str | None = None) -> list[Json | None]:
        """Full artist objects; a market changes nothing in them."""
        rows = self._rows("SELECT id, name, popularity FROM artists WHERE id", ids)
        return [row and self._artist(*row) for row in rows]

    def albums(
        self, ids: Sequence[str], market: str | None = None, *, full: bool = True
    ) -> list[Json | None]:
        """Album objects; `full` ones hold their tracks."""
        rows = self._rows("SELECT * FROM albums WHERE id", ids)
        self._learn(row[5] for row in rows if row)
        return [row and self._album(*row, full=full, market=market) for row in rows]

    def audio_features(self, ids: Sequence[str], market: str | None = None) -> list[Json | None]:
        """Audio features objects; a market changes nothing in them."""
        columns = "id, key, mode, tempo, loudness, time_signature, duration_ms"
        rows = self._rows(f"SELECT {columns} FROM tracks WHERE id", ids)
        return [row and self._features(*row) for row in rows]

    def album_tracks(self, id_: str, limit: int, offset: int, market: str | None = None) -> Json:
        """A page of an album's tracks, by their numbers: those of the catalogue, and others to fill it up.

        A filler is on its album only; its id is unknown elsewhere.
        """
        sql = "SELECT track_number, id FROM tracks WHERE album_id = ?"
        listed = self._db.execute(sql, [id_]).fetchall()
        known = self._db.execute("SELECT total_tracks, artist_id FROM albums WHERE id = ?", [id_]).fetchone()
        total, artist_id = known or (0, "")
        taken = {number for number, _ in listed}
        free = [number for number in range(1, total + 1) if number not in taken]
        fillers = [(number, "") for number in free[: total - len(listed)]]
        page = sorted([*listed, *fillers])[offset : offset + limit]
        self._learn([artist_id] if known else [])
        tracks = iter(self.tracks([track for _, track in page if track], market))
        items: list[Json] = []
        for number, track_id in page:
            track = track_id and next(tracks)
            item = track or self._filler(artist_id, f"{id_}/{number}", number, market)
            items.append({name: value for name, value in item.items() if name not in _NOT_IN_AN_ALBUM})
        query = f"market={market}&" if market else ""
        return self.page(f"albums/{id_}/tracks?{query}", items, total, limit, offset)

    def artist_albums(self, id_: str, limit: int, offset: int, market: str | None = None) -> Json:
        """A page of the albums credited to an artist."""
        sql = "SELECT id FROM albums WHERE artist_id = ? ORDER BY release_date DESC, id"
        ids = [row[0] for row in self._db.execute(sql, [id_])]
        items = [album for album in self.albums(ids[offset : offset + limit], full=False) if album]
        for item in items if self._extended else []:
            item["album_group"] = item["album_type"]
        return self.page(f"artists/{id_}/albums?", items, len(ids), limit, offset)

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

    def _object(self, type_: str, id_: str, **fields: Any) -> Json:
        """An object of the Web API, with the fields that this access mode has."""
        removed = set() if self._extended else _EXTENDED_ONLY[type_] - self.shown
        return {
            "external_urls": {"spotify": f"{PAGES}/{type_}/{id_}"},
            "href": f"{self.api}/{type_}s/{id_}",
            "id": id_,
            "type": type_,
            "uri": f"spotify:{type_}:{id_}",
            **{name: value for name, value in fields.items() if name not in removed},
        }

    def _credits(self, artist_ids: str) -> list[Json]:
        return [self._object("artist", id_, name=self._names[id_]) for id_ in artist_ids.split()]

    def _track(self, *row: Any) -> Json:
        id_, name, artist_ids, isrc, duration_ms, popularity, number, *album = row
        return self._listed_track(
            *(id_, name, artist_ids, duration_ms, number),
            album=self._album(*album),
            explicit=ord(id_[0]) % 12 == 0,
            external_ids={"isrc": isrc},
            popularity=popularity,
        )

    def _filler(self, artist_id: str, seed: str, number: int, market: str | None) -> Json:
        """A track of an album that is not in the catalogue."""
        id_ = spotify_id("filler", seed)
        dice = dice_of("filler", id_)
        titles = invented()["filler_titles"]
        name = f"{titles[dice % len(titles)]} {1 + dice // 100 % 9}"
        track = self._listed_track(id_, name, artist_id, 45_000 + dice % 300_000, number, explicit=False)
        return _playable(track) if market else track

    def _listed_track(
        self, id_: str, name: str, artist_ids: str, duration_ms: int, number: int, **fields: Any
    ) -> Json:
        """A track with what its album's list says of it, and further fields."""
        return self._object(
            "track",
            id_,
            artists=self._credits(artist_ids),
            available_markets=invented()["markets"],
            disc_number=1,
            duration_ms=duration_ms,
            is_local=False,
            name=name,
            preview_url=None,
            track_number=number,
            **fields,
        )

    def _in_market(self, track: Json) -> Json:
        """The track as a market gets it: itself, or its most popular copy where it is relinked."""
        original = track["id"]
        if dice_of("relinked", original) % 100 < _RELINKED:
            sql = "SELECT id FROM tracks WHERE isrc = ? AND id <> ? ORDER BY popularity DESC, id LIMIT 1"
            copy = self._db.execute(sql, [track["external_ids"]["isrc"], original]).fetchone()
            track = (self.tracks(copy)[0] or track) if copy else track
        if track["id"] != original and self._extended:
            track["linked_from"] = self._object("track", original)
        track["album"].pop("available_markets", None)
        return _playable(track)

    def _album(self, *row: Any, full: bool = False, market: str | None = None) -> Json:
        id_, name, type_, date, total, artist_id = row
        image = blake2b(id_.encode(), digest_size=20).hexdigest()
        more: Json = {}
        if full:
            more = {"copyrights": [], "external_ids": {}, "genres": [], "label": "Sandbox Records"}
            more |= {"popularity": int(image[:4], 16) % 80, "tracks": self.album_tracks(id_, 50, 0, market)}
        return self._object(
            "album",
            id_,
            album_type=type_,
            artists=self._credits(artist_id),
            **({} if market else {"available_markets": invented()["markets"]}),
            images=[
                {"height": size, "url": f"{PAGES}/image/{image}/{size}", "width": size}
                for size in (640, 300, 64)
            ],
            name=name,
            release_date=date,
            release_date_precision=("year", "month", "day")[date.count("-")],
            total_tracks=total,
            **more,
        )

    def _artist(self, id_: str, name: str, popularity: int) -> Json:
        dice = int.from_bytes(blake2b(id_.encode(), digest_size=6).digest(), "big")
        genres = invented()["genres"]
        return self._object(
            "artist",
            id_,
            followers={"href": None, "total": math.floor(10 ** (popularity / 14) + dice % 50)},
            genres=sorted({genres[dice // 40**i % len(genres)] for i in range(dice % 4)}),
            images=[],
            name=name,
            popularity=popularity,
        )

    def _features(self, *row: Any) -> Json:
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

    def _rows(self, sql: str, ids: Sequence[str]) -> list[Any]:
        """A row per id, None for an unknown one; the first column is the id, and `sql` ends with its name."""
        marks = ",".join("?" * len(ids))
        rows = {row[0]: row for row in self._db.execute(f"{sql} IN ({marks})", list(ids))}
        return [rows.get(id_) for id_ in ids]

    def _learn(self, ids: Iterable[str]) -> None:
        """Have these artists' names at hand."""
        unknown = list({id_ for id_ in ids if id_ not in self._names})
        rows = self._rows("SELECT id, name FROM artists WHERE id", unknown) if unknown else []
        self._names.update(rows)


def _playable(track: Json) -> Json:
    """A track for a market, which says that it can be played there in place of where it can."""
    return {name: value for name, value in track.items() if name != "available_markets"} | {
        "is_playable": True
    }
