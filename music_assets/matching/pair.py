"""A song and a candidate side by side: the questions the evidence asks of them.

Belongs here: what holds between two sides. Not here: how a side is read (`side`), and what an answer is worth
(`evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz

from music_assets.matching.artists import credit_agreement, name_agreement
from music_assets.matching.normalise import loose, near, normalise
from music_assets.matching.records import Candidate, Song
from music_assets.matching.side import NOTHING, ON_STAGE, read_candidate, read_song, seconds, year

_SAME_STAGE_SECONDS = 3.0


class Pair:
    """A song beside a candidate. Each property is a question; answers that cost are cached by text."""

    __slots__ = ("candidate", "durations", "gap", "song", "years")

    def __init__(self, song: Song, candidate: Candidate) -> None:
        self.song = read_song(song)
        self.candidate = read_candidate(candidate)
        self.durations = (seconds(song.duration), seconds(candidate.duration))
        self.gap = gap(*self.durations)
        self.years = (year(song.year), year(candidate.release_year))

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
        """The subtitles only one title has, as "'la biche'"; a bracket in front is only said to be there."""
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
        """Whether both are the same kinds of version. An unplugged or radio session is live or acoustic."""
        ours, theirs = self.song.kinds, self.candidate.kinds
        if ours == theirs:
            return True
        if ours & ON_STAGE and theirs & ON_STAGE:
            apart = ON_STAGE | {"acoustic"}
        elif {"session", "unplugged"} & (ours | theirs):
            apart = ON_STAGE | {"acoustic"} if "acoustic" in ours | theirs else NOTHING
        else:
            return False
        return ours - apart == theirs - apart

    @property
    def acoustic_on_one_side(self) -> bool:
        """Whether both are live and only one says it is acoustic as well."""
        return self.song.kinds ^ self.candidate.kinds == {"acoustic"}

    @property
    def names_equal(self) -> bool:
        return all(_same_names(kind, ours, theirs) for kind, ours, theirs in self._names())

    @property
    def stage_named_once(self) -> bool:
        """Whether only one side says where it was played, and nothing else is named differently."""
        return all(
            _same_names(kind, ours, theirs) or (kind in ON_STAGE and not (ours and theirs))
            for kind, ours, theirs in self._names()
        )

    @property
    def names_compatible(self) -> bool:
        """Whether whose or where is named on one side only, or both are on stage at different places."""
        return all(
            _same_names(kind, ours, theirs) or not (ours and theirs) or kind in ON_STAGE
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
        return bool(lone) and lone <= ON_STAGE and self.release_equal and self.gap_within(_SAME_STAGE_SECONDS)

    @property
    def version_difference(self) -> str:
        return ", ".join(sorted(self.song.kinds ^ self.candidate.kinds or self.song.kinds))

    def _names(self) -> list[tuple[str, frozenset[str], frozenset[str]]]:
        ours, theirs = self.song.named, self.candidate.named
        return [
            (kind, ours.get(kind, NOTHING), theirs.get(kind, NOTHING)) for kind in ours.keys() | theirs.keys()
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


def gap(ours: float, theirs: float) -> float | None:
    """Seconds between two durations, None where one is unknown."""
    return abs(ours - theirs) if ours and theirs else None


def _same_names(kind: str, ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether two markers of one kind name the same: a word in common for a place, all words for a remix."""
    if ours == theirs:
        return True
    if kind in ON_STAGE:
        return bool(ours & theirs)
    return (
        bool(ours and theirs) and fuzz.token_set_ratio(" ".join(sorted(ours)), " ".join(sorted(theirs))) >= 90
    )


def _any_shared(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(name_agreement(one, other) > 0 for one in some for other in others)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in dict.fromkeys(words))
