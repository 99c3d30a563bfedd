"""One side of a comparison, read: a song's or a candidate's title, credit, versions and guests.

Belongs here: bringing together what `titles`, `artists` and `markers` read, once a side. Not here: what holds
between two sides (`pair`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real

from music_assets.matching.artists import Credit, read_credit, split_names
from music_assets.matching.markers import release_place, release_says
from music_assets.matching.normalise import CACHE_SIZE, as_text, normalise, plain
from music_assets.matching.records import Candidate, Song
from music_assets.matching.titles import Title, parse_title
from music_assets.matching.vocabulary import IMPLIED_BY_RELEASE

ON_STAGE = frozenset({"live", "session", "unplugged"})
NOTHING: frozenset[str] = frozenset()
_NOT_FROM_THE_STAGE = frozenset(
    {"remix", "demo", "karaoke", "cover", "extended", "slowed", "alternate", "edit"}
)


@dataclass(frozen=True, slots=True)
class Side:
    """One side, read.

    `kinds` are the versions it is: those its title names, those its album gives to every track (`implied`).
    `named` says whose remix it is, or where it was played. `hints` are kinds the album only makes likely.
    """

    title: Title
    artist: str
    credit: Credit
    featured: tuple[str, ...]
    kinds: frozenset[str]
    implied: frozenset[str]
    named: dict[str, frozenset[str]]
    hints: frozenset[str]
    release: str
    release_key: str


@lru_cache(maxsize=CACHE_SIZE)
def read_side(title: str | None, artist_names: tuple[str, ...], release: str | None) -> Side:
    """Read one side. Cached: a song meets many candidates, and a candidate comes back."""
    parsed = parse_title(title, release)
    credit = read_credit(artist_names)
    if parsed.subtitles:
        parsed = parsed.without_subtitles(_own_words(parsed, credit, as_text(release)))
    guests = (name for listed in parsed.featured for name in split_names(listed))
    named: dict[str, frozenset[str]] = {}
    for marker in parsed.markers:
        named[marker.kind] = named.get(marker.kind, NOTHING) | marker.named
    says = release_says(release)
    implied = _implied(parsed, says)
    if implied & ON_STAGE:
        named.setdefault("live", release_place(release))
    return Side(
        title=parsed,
        artist=", ".join(artist_names),
        credit=credit,
        featured=tuple(dict.fromkeys((*guests, *credit.featured))),
        kinds=parsed.kinds | implied,
        implied=implied,
        named=named,
        hints=NOTHING if parsed.kinds or implied else says - IMPLIED_BY_RELEASE,
        release=as_text(release),
        release_key=parse_title(release).full if release else "",
    )


def _own_words(title: Title, credit: Credit, release: str) -> frozenset[str]:
    """The words of the artist and the album: a subtitle of such words says nothing, unless the album is named
    after the song, subtitle and all."""
    words = " ".join((*credit.names, *credit.featured))
    album = normalise(release)
    if not album.startswith(title.base):
        words = f"{words} {album}"
    return frozenset(words.split())


def _implied(title: Title, says: frozenset[str]) -> frozenset[str]:
    """The kinds an album gives to a track whose own title does not speak of the matter."""
    implied = says & IMPLIED_BY_RELEASE
    if (
        not implied
        or title.kinds & _NOT_FROM_THE_STAGE
        or any("studio" in plain(word) for word in title.dropped)
    ):
        return NOTHING
    return implied


def read_song(song: Song) -> Side:
    """Read a song's side."""
    artist = song.artist_name
    return read_side(_text(song.title), (artist,) if isinstance(artist, str) else (), _text(song.release))


def read_candidate(candidate: Candidate) -> Side:
    """Read a candidate's side."""
    return read_side(_text(candidate.title), tuple(candidate.artist_names), _text(candidate.album))


def seconds(duration: object) -> float:
    """A duration as a number of seconds; 0 for what is missing, not a number or not positive."""
    if not isinstance(duration, Real):
        return 0.0
    value = float(duration)
    return value if math.isfinite(value) and value > 0 else 0.0


def year(value: object) -> int:
    """A year as a number, 0 for what is missing or no year."""
    if not isinstance(value, Real):
        return 0
    year = float(value)
    return int(year) if math.isfinite(year) and 1000 <= year <= 9999 else 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
