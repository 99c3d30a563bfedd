"""A song and a candidate side by side: the questions the evidence asks of them.

Belongs here: reading each side once (`Side`), and what holds between two sides (`Pair`). Not here: what an
answer is worth (`evidence`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from music_assets.matching.artists import Credit, credit_agreement, name_agreement, read_credit, split_names
from music_assets.matching.normalise import CACHE_SIZE, as_text, loose, normalise, plain
from music_assets.matching.records import Candidate, Song
from music_assets.matching.titles import Title, parse_title, release_marks

_VENUE_FREE = frozenset({"live", "unplugged", "session"})
_IMPLIED = frozenset({"live", "unplugged", "karaoke", "cover", "instrumental"})
"""Kinds that an album's name gives to every track on it; others ("remix", "acoustic", "demo") only raise doubt."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side, read: title, credit, guests, and the kinds of version it is, from the title and the release."""

    title: Title
    artist: str
    credit: Credit
    featured: tuple[str, ...]
    kinds: frozenset[str]
    words: dict[str, frozenset[str]]
    release: str
    release_key: str
    hints: frozenset[str]

    @property
    def implied(self) -> frozenset[str]:
        """Kinds that only the release gives."""
        return self.kinds - self.title.kinds


@lru_cache(maxsize=CACHE_SIZE)
def read_side(title: str | None, artist_names: tuple[str, ...], release: str | None) -> Side:
    """Read one side. Cached: a song meets many candidates, and a candidate comes back."""
    parsed = parse_title(title, release)
    credit = read_credit(artist_names)
    parsed = _without_own_names(parsed, credit, release)
    marks = release_marks(release)
    kinds = parsed.kinds
    implied = {kind for kind in marks & _IMPLIED if not kinds}
    if "live" in marks and kinds & {"acoustic", "instrumental"}:
        implied.add("live")
    featured = [name for credited in parsed.featured for name in split_names(credited)]
    featured.extend(credit.featured)
    words: dict[str, frozenset[str]] = {}
    for marker in parsed.markers:
        words[marker.kind] = words.get(marker.kind, frozenset()) | marker.words
    return Side(
        title=parsed,
        artist=", ".join(artist_names),
        credit=credit,
        featured=tuple(name for name in dict.fromkeys(featured) if name != credit.whole),
        kinds=kinds | implied,
        words=words,
        release=as_text(release),
        release_key=_release_key(as_text(release)),
        hints=(marks - _IMPLIED) - kinds
        if not kinds & {"remix", "acoustic", "demo", "live"}
        else frozenset(),
    )


def _without_own_names(title: Title, credit: Credit, release: str | None) -> Title:
    """A subtitle that only repeats the artist or the album, as in "Skit (Artist/Album)", says nothing."""
    if not title.subtitles:
        return title
    known = set(" ".join((*credit.names, *credit.featured, normalise(as_text(release)))).split())
    kept = tuple(subtitle for subtitle in title.subtitles if not set(subtitle.split()) <= known)
    if kept == title.subtitles:
        return title
    gone = tuple(subtitle for subtitle in title.subtitles if subtitle not in kept)
    return Title(
        title.text, title.base, " ".join((title.base, *kept)), title.short, kept, title.markers,
        title.dropped + gone, title.featured, title.parts,
    )  # fmt: skip


@lru_cache(maxsize=CACHE_SIZE)
def _release_key(release: str) -> str:
    return parse_title(release).base if release else ""


@lru_cache(maxsize=CACHE_SIZE)
def near(one: str, other: str) -> bool:
    """Whether two normalised names are one in two spellings: word by word, numbers equal, short words equal.

    A word of five letters may drop or swap one, a word of seven may change one, a word of ten two; the first
    letter stays, and at most two words differ. A name of one word must have seven letters.
    """
    mine, theirs = one.split(" "), other.split(" ")
    if len(mine) != len(theirs) or (len(mine) == 1 and min(len(one), len(other)) < 7):
        return False
    apart = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    return len(apart) <= 2 and all(_near_word(a, b) for a, b in apart)


def _near_word(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    if shorter < 5 or one[0] != other[0] or not (one.isalpha() and other.isalpha()):
        return False
    distance = OSA.distance(one, other)
    if distance == 1:
        return shorter >= 7 or len(one) != len(other) or sorted(one) == sorted(other)
    return distance == 2 and shorter >= 10


class Pair:
    """A song beside a candidate. Each property is a question; the answers to costly ones are cached by text."""

    __slots__ = ("song", "candidate", "gap", "song_year", "candidate_year", "_artist_share")

    def __init__(
        self, song: Side, candidate: Side, gap: float | None, song_year: int, candidate_year: int
    ) -> None:
        self.song = song
        self.candidate = candidate
        self.gap = gap
        self.song_year = song_year
        self.candidate_year = candidate_year
        self._artist_share: float | None = None

    @classmethod
    def of(cls, song: Song, candidate: Candidate) -> Pair:
        """Read both sides."""
        artist = song.artist_name
        return cls(
            read_side(_text(song.title), (artist,) if isinstance(artist, str) else (), _text(song.release)),
            read_side(_text(candidate.title), tuple(candidate.artist_names), _text(candidate.album)),
            _gap(song.duration, candidate.duration),
            _year(song.year),
            _year(candidate.release_year),
        )

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
        if ours.subtitles and theirs.subtitles:
            return False
        return loose(ours.base) == loose(theirs.base) or loose(ours.short) == loose(theirs.short)

    @property
    def lone_subtitle(self) -> str:
        subtitles = self.song.title.subtitles or self.candidate.title.subtitles
        return ", ".join(f"'{subtitle}'" for subtitle in subtitles) or "in front"

    @property
    def title_near(self) -> bool:
        return near(self.song.title.full, self.candidate.title.full)

    @property
    def dropped(self) -> str:
        words = dict.fromkeys(self.song.title.dropped + self.candidate.title.dropped)
        return ", ".join(f"'{word}'" for word in words)

    @staticmethod
    def parts(side: Side) -> str:
        return ", ".join(map(str, side.title.parts))

    # --- version ---

    @staticmethod
    def version(side: Side) -> str:
        said = ", ".join(sorted(side.title.kinds))
        implied = ", ".join(f"{kind} (by its release)" for kind in sorted(side.implied))
        return "; ".join(filter(None, (said, implied)))

    @property
    def no_version(self) -> bool:
        return not (self.song.kinds or self.candidate.kinds or self.song.hints)

    @property
    def same_version(self) -> bool:
        return (
            self._kinds_agree
            and all(
                not (a or b) or bool(a & b) if kind in _VENUE_FREE else a == b for kind, a, b in self._named()
            )
            and not self._hinted
        )

    @property
    def version_named_once(self) -> bool:
        return (
            self._kinds_agree
            and not self._hinted
            and all(not a or not b or bool(a & b) for kind, a, b in self._named())
        )

    @property
    def live_elsewhere(self) -> bool:
        return (
            self._kinds_agree
            and not self._hinted
            and all(kind in _VENUE_FREE or not a or not b or bool(a & b) for kind, a, b in self._named())
        )

    @property
    def release_doubt(self) -> str:
        return ", ".join(sorted(self.song.hints)) if self._kinds_agree and self._hinted else ""

    @property
    def version_difference(self) -> str:
        lone = self.song.kinds ^ self.candidate.kinds
        return ", ".join(sorted(lone or self.song.kinds))

    @property
    def _hinted(self) -> bool:
        return bool(self.song.hints - self.candidate.hints)

    @property
    def _kinds_agree(self) -> bool:
        ours, theirs = _alike(self.song.kinds, self.candidate.kinds)
        return ours == theirs

    def _named(self) -> list[tuple[str, frozenset[str], frozenset[str]]]:
        nothing: frozenset[str] = frozenset()
        kinds = self.song.kinds | self.candidate.kinds
        return [
            (kind, self.song.words.get(kind, nothing), self.candidate.words.get(kind, nothing))
            for kind in kinds
        ]

    # --- artist ---

    @property
    def has_artists(self) -> bool:
        return bool(self.song.credit.names and self.candidate.credit.names)

    @property
    def copied(self) -> bool:
        return self.candidate.credit.copyist and not self.song.credit.copyist

    @property
    def artist_share(self) -> float:
        if self._artist_share is None:
            self._artist_share = credit_agreement(self.song.credit, self.candidate.credit)
        return self._artist_share

    @property
    def featured_agree(self) -> bool:
        return _shares_name(self.song.featured, _everyone(self.candidate)) or _shares_name(
            self.candidate.featured, _everyone(self.song)
        )

    @property
    def featured_on_both(self) -> bool:
        return bool(self.song.featured and self.candidate.featured)

    @property
    def billed_guest_missing(self) -> bool:
        release = plain(self.song.release)
        return any(plain(name) in release for name in self.song.featured)

    # --- duration, release, year ---

    def gap_within(self, seconds: float) -> bool:
        return self.gap is not None and self.gap <= seconds

    @staticmethod
    def seconds(side: Side) -> str:
        return ""

    @property
    def release_equal(self) -> bool:
        return self.song.release_key == self.candidate.release_key

    @property
    def release_alike(self) -> bool:
        return fuzz.token_set_ratio(self.song.release_key, self.candidate.release_key) >= 85

    @property
    def years_apart(self) -> int:
        return abs(self.song_year - self.candidate_year)


def _alike(ours: frozenset[str], theirs: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Kinds made comparable: an unplugged or radio session agrees with "live" and with "acoustic"."""
    for kind in ("unplugged", "session"):
        if kind in ours and theirs & {"live", "acoustic", "unplugged", "session"}:
            return ours - {kind, "live", "acoustic"}, theirs - {"unplugged", "session", "live", "acoustic"}
        if kind in theirs and ours & {"live", "acoustic"}:
            return ours - {"live", "acoustic"}, theirs - {kind, "live", "acoustic"}
    if "live" in ours and "live" in theirs:
        return ours - {"acoustic"}, theirs - {"acoustic"}
    return ours, theirs


def _everyone(side: Side) -> tuple[str, ...]:
    return side.credit.names + side.featured


def _shares_name(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(name_agreement(one, other) > 0 for one in some for other in others)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _gap(ours: float | None, theirs: float | None) -> float | None:
    """Seconds between two durations; None where either is missing, not a number, or not positive."""
    if not ours or not theirs:
        return None
    gap = abs(ours - theirs)
    return None if math.isnan(gap) or math.isinf(gap) or ours <= 0 or theirs <= 0 else gap


def _year(value: int | None) -> int:
    """The year, 0 where unknown."""
    return int(value) if value and value == value and abs(value) < 10_000 else 0
