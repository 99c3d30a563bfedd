"""What is read of one record of a comparison: a song's or a candidate's title, credit, versions and guests.

Belongs here: bringing together what `titles`, `artists` and `markers` read, once per record. Not here: what
holds between two records (`pair`).
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
from music_assets.matching.normalise import CACHE_SIZE, as_text, normalise, number, plain
from music_assets.matching.records import Candidate, Song
from music_assets.matching.titles import Title, parse_title

ON_STAGE = frozenset({"live", "session", "unplugged"})
NOTHING: frozenset[str] = frozenset()
_NOT_FROM_THE_STAGE = frozenset(
    {"remix", "demo", "karaoke", "cover", "extended", "slowed", "alternate", "edit"}
)


@dataclass(frozen=True, slots=True)
class Release:
    """A release by name: `name` as it came; `key` its title without neutral words and with its kind, such as
    remixes; `stem` and `numbers` the key's words and its numbers, of which "Vol. 2" is one; whether it
    collects recordings that came out elsewhere (`compilation`)."""

    name: str = ""
    key: str = ""
    stem: tuple[str, ...] = ()
    numbers: frozenset[int] = frozenset()
    compilation: bool = False


@dataclass(frozen=True, slots=True)
class RecordFeatures:
    """One record, read.

    `version_kinds` are the versions it is: those its title names, those its release gives to every track
    (`implied`). `named` tells whose remix it is, or where it was played. `possible_kinds` are those its
    release only makes likely. `release_words` are words of the release that its title repeats in a bracket.
    """

    title: Title
    artist: str
    credit: Credit
    featured: tuple[str, ...]
    version_kinds: frozenset[str]
    implied: frozenset[str]
    named: dict[str, frozenset[str]]
    possible_kinds: frozenset[str]
    release_words: tuple[str, ...]
    release: Release

    @property
    def performers(self) -> frozenset[str]:
        """The words of all artists and guests, whatever their order."""
        return self.credit.players.union(*(name.split(" ") for name in self.featured))


@lru_cache(maxsize=CACHE_SIZE)
def read_record(title: str | None, artist_names: tuple[str, ...], release: str | None) -> RecordFeatures:
    """Read one record. Cached: a song meets many candidates, and a candidate comes back."""
    parsed = parse_title(title, release)
    credit = read_credit(artist_names)
    subtitles = parsed.subtitles
    if subtitles:
        artists = frozenset(" ".join((*credit.names, *credit.featured)).split())
        parsed = parsed.without_subtitles(artists | _release_words(parsed, as_text(release)))
    guests = (name for listed in parsed.featured for name in split_names(listed))
    named: dict[str, frozenset[str]] = {}
    for marker in parsed.markers:
        named[marker.kind] = named.get(marker.kind, NOTHING) | marker.named
    kinds = release_kinds(release)
    implied = _implied(parsed, kinds)
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
        possible_kinds=_possible(parsed, implied, kinds, read_release(release)),
        release_words=tuple(subtitle for subtitle in subtitles if subtitle not in parsed.subtitles),
        release=read_release(release),
    )


@lru_cache(maxsize=CACHE_SIZE)
def read_release(release: str | None) -> Release:
    """Read the name of a release."""
    if not release:
        return Release()
    title = parse_title(release)
    words = title.full.split(" ")
    values = [None if index == 0 else number(word) for index, word in enumerate(words)]
    text = f" {plain(release)} "
    return Release(
        name=release,
        key=" ".join((title.full, *sorted(title.kinds - ON_STAGE - {"version"}))),
        stem=tuple(
            word for word, value in zip(words, values, strict=True) if value is None and word not in _NUMBERED
        ),
        numbers=frozenset(value for value in values if value is not None).union(title.parts),
        compilation=bool(_COMPILATION.search(text)),
    )


def _any_of(phrases: frozenset[vocabulary.Phrase]) -> re.Pattern[str]:
    listed = "|".join(" ".join(phrase).replace("#", r"\d+") for phrase in phrases)
    return re.compile(rf" (?:{listed}) ")


_NUMBERED = vocabulary.COUNTED | {"no"}
_COMPILATION = _any_of(vocabulary.COMPILATION)


def _release_words(title: Title, release: str) -> frozenset[str]:
    """The words of the album: a subtitle of such words tells nothing, unless the album is named after the
    song, subtitle and all."""
    album = normalise(release)
    return NOTHING if album.startswith(title.base) else frozenset(album.split())


def _implied(title: Title, kinds: frozenset[str]) -> frozenset[str]:
    """The kinds an album gives to a track whose own title does not name one of the matter."""
    implied = kinds & vocabulary.IMPLIED_BY_RELEASE
    if (
        not implied
        or title.kinds & _NOT_FROM_THE_STAGE
        or any("studio" in plain(word) for word in title.dropped)
    ):
        return NOTHING
    return implied


def _possible(
    title: Title, implied: frozenset[str], kinds: frozenset[str], release: Release
) -> frozenset[str]:
    """The kinds that an album makes likely: none where the title names its own, and "Hits & Remixes" holds
    more hits than remixes."""
    if title.kinds or implied:
        return NOTHING
    possible = kinds - vocabulary.IMPLIED_BY_RELEASE
    return possible - {"remix"} if release.compilation else possible


def read_song(song: Song) -> RecordFeatures:
    """Read a song."""
    artist = song.artist_name
    return read_record(_text(song.title), (artist,) if isinstance(artist, str) else (), _text(song.release))


def read_candidate(candidate: Candidate) -> RecordFeatures:
    """Read a candidate."""
    return read_record(_text(candidate.title), tuple(candidate.artist_names), _text(candidate.album))


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
