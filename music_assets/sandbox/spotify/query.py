"""What a search query means: Spotify's field filters, as they behave in 2026.

`track:`, `artist:`, `album:`, `year:` and `isrc:` narrow a search; a value in single quotes is a phrase,
one without quotes is words up to the next filter, one in double quotes matches nothing any more.
Apostrophes and punctuation inside a filter often find nothing on the real service; here they always
do. All words must match: the real one is more forgiving.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

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
    of_artist: bool = False  # it names the artist in a filter

    @property
    def expression(self) -> str:
        """The FTS5 expression of all words; empty where there are none."""
        return " AND ".join(self.match)


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
    if quote == '"' or not value.strip():
        query.nothing = True
    elif name in _COLUMNS:
        query.of_artist |= name == "artist"
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
