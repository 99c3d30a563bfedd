"""What a search query means and what it finds in the catalogue: ids of tracks or albums, best first.

`track:`, `artist:`, `album:`, `year:` and `isrc:` narrow a search, as they do in 2026: a value in single
quotes is a phrase, one without quotes is words up to the next filter, one in double quotes matches nothing.
Apostrophes and punctuation inside a filter often find nothing on the real service; here they always do. All
words must match: the real one is more forgiving. It does not say how it orders hits; here the most telling
words come first, among equals the popular. How a hit is written is in `responses`.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from music_assets.sandbox.spotify.catalogue import search_words

_FIELDS = "track|artist|album|year|isrc|genre|upc|tag"
_FILTER = re.compile(rf"(?<!\S)({_FIELDS}):\s*('[^']*'|\"[^\"]*\"|.*?(?=\s+(?:{_FIELDS}):|$))")
_COLUMNS = {"track": "title", "artist": "artist", "album": "album"}
_SIGNS = re.compile(r"[^\w\s-]")
_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?$")


@dataclass
class Query:
    """A query as SQLite understands it; `nothing` where it cannot match."""

    match: list[str] = field(default_factory=list)  # FTS5 expressions, all of which must hold
    years: tuple[str, str] | None = None
    isrc: str | None = None
    nothing: bool = False
    fields: set[str] = field(default_factory=set)  # those that have a filter

    @property
    def expression(self) -> str:
        """The FTS5 expression of all words; empty where there are none."""
        return " AND ".join(self.match)

    @property
    def of_release(self) -> bool:
        """Whether it is for the tracks of a release, and not for one of them."""
        return "album" in self.fields and "track" not in self.fields


def parse(q: str) -> Query:
    """The meaning of a query."""
    query = Query()

    def take(match: re.Match[str]) -> str:
        _filter(query, match[1], match[2].strip())
        return " "

    plain = _FILTER.sub(take, unicodedata.normalize("NFC", q))
    query.match += [f'"{word}"' for word in _words(plain)]
    query.nothing |= not (query.match or query.isrc or query.years)
    return query


def _filter(query: Query, name: str, value: str) -> None:
    quote = value[:1] if len(value) > 1 and value[:1] == value[-1:] and value[:1] in "'\"" else ""
    value = value[1:-1] if quote else value
    query.fields.add(name)
    if quote == '"' or not value.strip():
        query.nothing = True
    elif name in _COLUMNS:
        words = _words(value)
        if _SIGNS.search(value) or not words:
            query.nothing = True
        elif quote:
            query.match.append(f'{_COLUMNS[name]} : "{" ".join(words)}"')
        else:
            query.match += [f'{_COLUMNS[name]} : "{word}"' for word in words]
    elif name == "year" and (years := _YEARS.match(value)):
        query.years = (years[1], years[2] or years[1])
    elif name == "isrc":
        query.isrc = value.upper()
    else:
        query.nothing = True


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", search_words(text))


def tracks(db: sqlite3.Connection, query: Query, limit: int, offset: int) -> tuple[list[str], int]:
    """The ids of a page of the tracks found, and how many there are in all."""
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
    sql = f"SELECT t.id FROM {source} WHERE {' AND '.join(where)} ORDER BY {order}"
    ids = [id_ for (id_,) in db.execute(sql, values)]
    return ids[offset : offset + limit], len(ids)


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
    by_name = "artist" not in query.fields
    values: list[Any] = [f"{{artist album}} : ({query.expression})", by_name, *(query.years or ())]
    ids = [id_ for (id_,) in db.execute(sql, values)]
    return ids[offset : offset + limit], len(ids)
