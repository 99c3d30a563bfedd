"""A song and a candidate side by side: the questions the evidence asks of them.

Belongs here: reading each side once (`Side`), and what holds between two sides (`Pair`). Not here: what an
answer is worth (`evidence`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real

from rapidfuzz import fuzz

from music_assets.matching.artists import Credit, credit_agreement, name_agreement, read_credit, split_names
from music_assets.matching.markers import release_place, release_says
from music_assets.matching.normalise import CACHE_SIZE, as_text, loose, near, normalise, plain
from music_assets.matching.records import Candidate, Song
from music_assets.matching.titles import Title, parse_title
from music_assets.matching.vocabulary import IMPLIED_BY_RELEASE

_ON_STAGE = frozenset({"live", "session", "unplugged"})
_NOT_FROM_THE_STAGE = frozenset(
    {"remix", "demo", "karaoke", "cover", "extended", "slowed", "alternate", "edit"}
)
_SAME_STAGE_SECONDS = 3.0
_NOTHING: frozenset[str] = frozenset()


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
        named[marker.kind] = named.get(marker.kind, _NOTHING) | marker.named
    says = release_says(release)
    implied = _implied(parsed, says)
    if implied & _ON_STAGE:
        named.setdefault("live", release_place(release))
    return Side(
        title=parsed,
        artist=", ".join(artist_names),
        credit=credit,
        featured=tuple(dict.fromkeys((*guests, *credit.featured))),
        kinds=parsed.kinds | implied,
        implied=implied,
        named=named,
        hints=_NOTHING if parsed.kinds or implied else says - IMPLIED_BY_RELEASE,
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
        return _NOTHING
    return implied - _ON_STAGE if title.kinds & _ON_STAGE else implied


class Pair:
    """A song beside a candidate. Each property is a question; the answers to costly ones are cached by
    text."""

    __slots__ = ("candidate", "durations", "gap", "song", "years")

    def __init__(self, song: Song, candidate: Candidate) -> None:
        artist = song.artist_name
        self.song = read_side(
            _text(song.title), (artist,) if isinstance(artist, str) else (), _text(song.release)
        )
        self.candidate = read_candidate(candidate)
        self.durations = (seconds(song.duration), seconds(candidate.duration))
        self.gap = gap(*self.durations)
        self.years = (_year(song.year), _year(candidate.release_year))

    # --- title ---

    @property
    def has_titles(self) -> bool:
        return bool(self.song.title.base and self.candidate.title.base)

    @property
    def title_equal(self) -> bool:
        return self.song.title.full == self.candidate.title.full

    @property
    def title_sounds_equal(self) -> bool:
        return loose(self.song.title.full) == loose(self.candidate.title.full)

    @property
    def subtitle_on_one_side(self) -> bool:
        ours, theirs = self.song.title, self.candidate.title
        if not (set(ours.subtitles) <= set(theirs.subtitles) or set(theirs.subtitles) <= set(ours.subtitles)):
            return False
        return loose(ours.base) == loose(theirs.base) or loose(ours.short) == loose(theirs.short)

    @property
    def lone_subtitle(self) -> str:
        """The subtitle only one title has, as "'la biche'"; what a bracket in front adds is not told
        apart."""
        ours, theirs = self.song.title.subtitles, self.candidate.title.subtitles
        lone = [subtitle for subtitle in (*ours, *theirs) if not (subtitle in ours and subtitle in theirs)]
        return _quoted(lone) if lone else "in front"

    @property
    def title_near(self) -> bool:
        return near(self.song.title.full, self.candidate.title.full)

    @property
    def dropped(self) -> str:
        """The neutral words either title carries, as "'Album Version', 'Remastered 2009'"."""
        return _quoted((*self.song.title.dropped, *self.candidate.title.dropped))

    # --- version ---

    @property
    def no_version(self) -> bool:
        return not (self.song.kinds or self.candidate.kinds or self.song.hints)

    @property
    def same_kinds(self) -> bool:
        """Whether both are the same kinds of version. An unplugged or radio session is live or acoustic
        alike."""
        ours, theirs = self.song.kinds, self.candidate.kinds
        if ours == theirs:
            return True
        if ours & _ON_STAGE and theirs & _ON_STAGE:
            apart = _ON_STAGE | {"acoustic"}
        elif {"session", "unplugged"} & (ours | theirs):
            apart = _ON_STAGE | {"acoustic"} if "acoustic" in ours | theirs else _NOTHING
        else:
            return False
        return ours - apart == theirs - apart

    @property
    def names_equal(self) -> bool:
        return all(_same_names(kind, ours, theirs) for kind, ours, theirs in self._names())

    @property
    def stage_named_once(self) -> bool:
        """Whether only one side says where it was played, and nothing else is named differently."""
        return all(
            _same_names(kind, ours, theirs) or (kind in _ON_STAGE and not (ours and theirs))
            for kind, ours, theirs in self._names()
        )

    @property
    def names_compatible(self) -> bool:
        """Whether whose or where is named on one side only, or both are on stage at different places."""
        return all(
            _same_names(kind, ours, theirs) or not (ours and theirs) or kind in _ON_STAGE
            for kind, ours, theirs in self._names()
        )

    @property
    def hints(self) -> frozenset[str]:
        """What the song's release makes likely and the candidate does not show."""
        return self.song.hints - self.candidate.hints - self.candidate.kinds

    @property
    def hint_words(self) -> str:
        return ", ".join(sorted(self.hints))

    @property
    def live_on_same_release(self) -> bool:
        """Whether only one side says "live" of a track on the same release, and the lengths agree: many an
        album is live without a word of it in the MSD."""
        lone = self.song.kinds ^ self.candidate.kinds
        return (
            bool(lone) and lone <= _ON_STAGE and self.release_equal and self.gap_within(_SAME_STAGE_SECONDS)
        )

    @property
    def version_difference(self) -> str:
        return ", ".join(sorted(self.song.kinds ^ self.candidate.kinds or self.song.kinds))

    def _names(self) -> list[tuple[str, frozenset[str], frozenset[str]]]:
        ours, theirs = self.song.named, self.candidate.named
        return [
            (kind, ours.get(kind, _NOTHING), theirs.get(kind, _NOTHING))
            for kind in ours.keys() | theirs.keys()
        ]

    # --- artist ---

    @property
    def has_artists(self) -> bool:
        return bool(self.song.credit.names and self.candidate.credit.names)

    @property
    def copied(self) -> bool:
        return self.candidate.credit.copyist and not self.song.credit.copyist

    @property
    def artist_agreement(self) -> float:
        return credit_agreement(self.song.credit, self.candidate.credit)

    @property
    def guests_agree(self) -> bool:
        ours, theirs = self.song, self.candidate
        return _any_shared(ours.featured, theirs.credit.names + theirs.featured) or _any_shared(
            theirs.featured, ours.credit.names
        )

    @property
    def guests_on_both(self) -> bool:
        return bool(self.song.featured and self.candidate.featured)

    @property
    def billed_guest_missing(self) -> bool:
        """Whether the song's release itself is billed with the guest whom the candidate lacks."""
        release = f" {normalise(self.song.release)} "
        return any(f" {name} " in release for name in self.song.featured)

    # --- duration, release, year ---

    def gap_within(self, limit: float) -> bool:
        return self.gap is not None and self.gap <= limit

    @property
    def release_equal(self) -> bool:
        return bool(self.song.release_key) and self.song.release_key == self.candidate.release_key

    @property
    def release_alike(self) -> bool:
        return fuzz.token_set_ratio(self.song.release_key, self.candidate.release_key) >= 85

    @property
    def years_apart(self) -> int:
        return abs(self.years[0] - self.years[1])


def read_candidate(candidate: Candidate) -> Side:
    """Read a candidate's side."""
    return read_side(_text(candidate.title), tuple(candidate.artist_names), _text(candidate.album))


def seconds(duration: object) -> float:
    """A duration as a number of seconds; 0 for what is missing, not a number or not positive."""
    if not isinstance(duration, Real):
        return 0.0
    value = float(duration)
    return value if math.isfinite(value) and value > 0 else 0.0


def gap(ours: float, theirs: float) -> float | None:
    """Seconds between two durations, None where one is unknown."""
    return abs(ours - theirs) if ours and theirs else None


def _same_names(kind: str, ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether two markers of one kind name the same: one word in common for a place, the same words for a
    remix."""
    if ours == theirs:
        return True
    if kind in _ON_STAGE:
        return bool(ours & theirs)
    return (
        bool(ours and theirs) and fuzz.token_set_ratio(" ".join(sorted(ours)), " ".join(sorted(theirs))) >= 90
    )


def _any_shared(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(name_agreement(one, other) > 0 for one in some for other in others)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in dict.fromkeys(words))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _year(value: object) -> int:
    """A year as a number, 0 for what is missing or no year."""
    if not isinstance(value, Real):
        return 0
    year = float(value)
    return int(year) if math.isfinite(year) and 1000 <= year <= 9999 else 0
