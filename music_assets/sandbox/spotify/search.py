"""What a search finds in the catalogue: the numbers of tracks, the ids of albums, best first.

Spotify does not say how it orders hits; here the most telling words come first, among equals the popular.
What a query means is in `query`, how a hit is written in `responses`.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from music_assets.sandbox.spotify.query import Query


def tracks(db: sqlite3.Connection, query: Query, limit: int, offset: int) -> tuple[list[int], int]:
    """The numbers of a page of the tracks found, and how many there are in all."""
    if query.nothing:
        return [], 0
    source, order = "tracks t", "t.popularity DESC, t.id"
    where: list[str] = []
    values: list[Any] = []
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
    numbers = [number for (number,) in db.execute(sql, values)]
    return numbers[offset : offset + limit], len(numbers)


def albums(db: sqlite3.Connection, query: Query, limit: int, offset: int) -> tuple[list[str], int]:
    """The ids of a page of the albums found, and how many there are in all.

    Words are looked for in the album's name and its artist's, never in its tracks' titles: a `track:` or
    `isrc:` in the query finds nothing. A compilation is credited to nobody, so only its name finds it.
    """
    if query.nothing or query.isrc or not query.match:
        return [], 0
    sql = (
        "WITH hits AS MATERIALIZED ("
        "  SELECT rowid AS number, bm25(words, 0.0, 1.0, 2.0) AS score FROM words WHERE words MATCH ?) "
        "SELECT a.id FROM hits JOIN tracks t USING (number) JOIN albums a ON a.id = t.album_id "
        "WHERE (a.artist_id = substr(t.artist_ids, 1, 22) OR ?) "
        f"{'AND substr(a.release_date, 1, 4) BETWEEN ? AND ? ' if query.years else ''}"
        "GROUP BY a.id ORDER BY round(min(score), 1), sum(t.popularity) DESC, a.id"
    )
    by_name = not query.of_artist
    values: list[Any] = [f"{{artist album}} : ({query.expression})", by_name, *(query.years or ())]
    ids = [id_ for (id_,) in db.execute(sql, values)]
    return ids[offset : offset + limit], len(ids)
