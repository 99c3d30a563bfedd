"""One record of a comparison, read once: what `titles`, `artists` and `markers` find in a song or candidate.

Not here: what holds between two records (`pair`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real

from music_assets.matching import vocabulary
from music_assets.matching.artists import Credit, read_credit, split_names
from music_assets.matching.markers import release_kinds, release_place
from music_assets.matching.normalise import CACHE_SIZE, as_text, number, plain
from music_assets.matching.records import Candidate, Song
from music_assets.matching.titles import Title, parse_title

ON_STAGE = frozenset({"live", "session", "unplugged"})
NOTHING: frozenset[str] = frozenset()
_NOT_FROM_THE_STAGE = frozenset("remix demo karaoke cover extended slowed alternate edit".split())
_NUMBER = (int, float, Real)
_NUMBERED = vocabulary.COUNTED | {"no"}
_COMPILATION = re.compile(rf" (?:{'|'.join(' '.join(phrase) for phrase in sorted(vocabulary.COMPILATION))}) ")


@dataclass(frozen=True, slots=True)
class Release:
    """A release by name: `name` as it came; `key` its title without neutral words and with its kind, such as
    remixes; `stem` and `numbers` the key's words and its numbers, of which "Vol. 2" is one; `kinds` what its
    tracks are or may be; whether it collects recordings that came out elsewhere (`compilation`)."""

    name: str = ""
    key: str = ""
    stem: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset()
    kinds: frozenset[str] = NOTHING
    compilation: bool = False


@dataclass(frozen=True, slots=True)
class RecordFeatures:
    """One record, read.

    `version_kinds` are the versions it is: those its title names, those its release gives to every track
    (`implied`). `named` tells whose remix it is, or where it was played. `possible_kinds` are those its
    release only makes likely.
    """

    title: Title
    artist: str
    credit: Credit
    featured: tuple[str, ...]
    version_kinds: frozenset[str]
    implied: frozenset[str]
    named: dict[str, frozenset[str]]
    possible_kinds: frozenset[str]
    release: Release


@lru_cache(maxsize=CACHE_SIZE)
def read_record(title: str, artist_names: tuple[str, ...], release: str) -> RecordFeatures:
    """Read one record. Cached: a song meets many candidates, and a candidate comes back."""
    parsed = parse_title(title, release)
    credit = read_credit(artist_names)
    album = read_release(release)
    guests = (name for listed in parsed.featured for name in split_names(listed))
    named: dict[str, frozenset[str]] = {}
    for marker in parsed.markers:
        named[marker.kind] = named.get(marker.kind, NOTHING) | marker.named
    studio = parsed.kinds & _NOT_FROM_THE_STAGE or any("studio" in plain(word) for word in parsed.dropped)
    implied = NOTHING if studio else album.kinds & vocabulary.IMPLIED_BY_RELEASE
    if implied & ON_STAGE:
        named.setdefault("live", release_place(release))
    return RecordFeatures(
        title=parsed,
        artist=", ".join(artist_names),
        credit=credit,
        featured=tuple(dict.fromkeys((*guests, *credit.featured))),
        version_kinds=parsed.kinds | implied,
        implied=implied,
        named=named,
        possible_kinds=NOTHING if parsed.kinds or implied else album.kinds - vocabulary.IMPLIED_BY_RELEASE,
        release=album,
    )


@lru_cache(maxsize=CACHE_SIZE)
def read_release(release: str) -> Release:
    """Read the name of a release."""
    if not release:
        return Release()
    title = parse_title(release)
    first, *words = title.full.split(" ")
    compilation = bool(_COMPILATION.search(f" {plain(release)} "))
    kinds = release_kinds(release)
    return Release(
        name=release,
        key=" ".join((title.full, *sorted(title.kinds - ON_STAGE - {"version"}))),
        stem=(first, *(word for word in words if number(word) is None and word not in _NUMBERED)),
        numbers=frozenset(value for word in words if (value := number(word)) is not None).union(title.parts),
        # "Hits & Remixes" holds more hits than remixes.
        kinds=kinds - {"remix"} if compilation else kinds,
        compilation=compilation,
    )


def read_song(song: Song) -> RecordFeatures:
    """Read a song."""
    names = (song.artist_name,) if isinstance(song.artist_name, str) else ()
    return read_record(as_text(song.title), names, as_text(song.release))


def read_candidate(candidate: Candidate) -> RecordFeatures:
    """Read a candidate."""
    return read_record(as_text(candidate.title), tuple(candidate.artist_names), as_text(candidate.album))


def seconds(duration: object) -> float:
    """A duration as a number of seconds; 0 for what is missing, not a number or not positive."""
    value = float(duration) if isinstance(duration, _NUMBER) else 0.0
    return value if 0 < value < math.inf else 0.0


def year(value: object) -> int:
    """A year as a number, 0 for what is missing or not a year."""
    year = float(value) if isinstance(value, _NUMBER) else 0.0
    return int(year) if 1000 <= year <= 9999 else 0
