"""A song and a candidate side by side: the features that the evidence is made of.

Not here: how a record is read (`features`), and what a feature is worth (`evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rapidfuzz import fuzz

from music_assets.matching import vocabulary
from music_assets.matching.artists import RENAMED, CreditMatch, Renamings, artist_pair, match_credits
from music_assets.matching.features import NOTHING, ON_STAGE, read_candidate, read_song, seconds, year
from music_assets.matching.normalise import loose, normalise
from music_assets.matching.records import Candidate, Song
from music_assets.matching.titles import Title

_EDIT_WITHIN_S = 1.0
_REMIX_WITHIN_S = 2.5
_STAGE_WITHIN_S = 3.0
_IMPLIED_WITHIN_S = 0.5
"""Lengths this close outweigh a version that only one side names: see `PairFeatures.version_excused`."""


class PairFeatures:
    """A song beside a candidate: both records, their titles (`ours`, `theirs`), how their credits agree, the
    seconds between them (`gap`, None where a length is missing), and further features."""

    def __init__(self, song: Song, candidate: Candidate, renamings: Renamings = frozenset()) -> None:
        self.song = one = read_song(song)
        self.candidate = two = read_candidate(candidate)
        self.ours, self.theirs = self._without_composers(one.title, two.title)
        self.title_equal = self.ours.full == self.theirs.full
        self.lone_kinds = one.version_kinds ^ two.version_kinds
        self.credits = match_credits(one.credit, two.credit, one.featured, two.featured)
        unlike = bool(renamings) and not self.credits.value
        self.renamed = unlike and artist_pair(song, candidate) in renamings
        if self.renamed:
            self.credits = CreditMatch(RENAMED)
        self.durations = (seconds(song.duration), seconds(candidate.duration))
        self.gap = gap(*self.durations)
        self.releases_known = bool(one.release.key and two.release.key)
        self.release_equal = self.releases_known and one.release.key == two.release.key
        self.years = (year(song.year), year(candidate.release_year))
        self.years_apart = abs(self.years[0] - self.years[1])

    def within(self, limit: float) -> bool:
        """Whether the lengths are known and at most so many seconds apart."""
        return self.gap is not None and self.gap <= limit

    # --- title ---

    @property
    def names_no_song(self) -> bool:
        """Whether a title such as "Intro" is not known to stand on one release."""
        return not self.release_equal and (self.ours.names_no_song or self.theirs.names_no_song)

    @property
    def subtitle_on_one_side(self) -> bool:
        ours, theirs = self.ours, self.theirs
        if not (set(ours.subtitles) <= set(theirs.subtitles) or set(theirs.subtitles) <= set(ours.subtitles)):
            return False
        return loose(ours.base) == loose(theirs.base) or loose(ours.short) == loose(theirs.short)

    @property
    def lone_subtitle(self) -> object:
        """The subtitles only one title has; a bracket in front is only named as such."""
        return Quoted(sorted({*self.ours.subtitles} ^ {*self.theirs.subtitles})) or "a bracket in front"

    @property
    def title_continued(self) -> bool:
        """Whether one title goes on where the other ends, with words that tell of no version or number."""
        short, long = sorted((title.full.split(" ") for title in (self.ours, self.theirs)), key=len)
        start, rest = long[: len(short)], long[len(short) :]
        return len(short) > 2 and [*map(loose, start)] == [*map(loose, short)] and not _telling(rest)

    @property
    def dropped(self) -> Quoted:
        """The neutral words either title carries."""
        return Quoted((*self.ours.dropped, *self.theirs.dropped))

    # --- part ---

    @property
    def catalogue_differs(self) -> bool:
        ours, theirs = self.ours.catalogue, self.theirs.catalogue
        return not (ours <= theirs or theirs <= ours)

    # --- version ---

    @property
    def lone_words(self) -> str:
        return ", ".join(sorted(self.lone_kinds or self.song.version_kinds))

    @property
    def version_excused(self) -> bool:
        """Whether lengths or the release outweigh that only one side names a version."""
        lone = self.lone_kinds
        if not lone or self.version_names == "different":
            return False
        if lone in ({"edit"}, {"extended"}):
            return self.within(_EDIT_WITHIN_S)
        if lone <= {"remix", "edit"}:
            return self.release_equal and self.within(_REMIX_WITHIN_S)
        if lone == {"own cover"}:
            return self.release_equal or self.within(_REMIX_WITHIN_S)
        if lone == {"version"} or lone <= ON_STAGE:
            named = self.song.title.kinds | self.candidate.title.kinds
            implied = lone.isdisjoint(named)
            on_release = self.release_equal and self.within(_STAGE_WITHIN_S)
            return on_release or (implied and self.within(_IMPLIED_WITHIN_S))
        return False

    @property
    def same_kinds(self) -> bool:
        """Whether both are the same kinds of version. An unplugged or radio session is live or acoustic."""
        ours, theirs = self.song.version_kinds, self.candidate.version_kinds
        if ours == theirs:
            return True
        both = ours | theirs
        unplugged = "acoustic" in both and not both.isdisjoint({"session", "unplugged"})
        played = ON_STAGE | {"acoustic"}
        if not (unplugged and ours and theirs) and not (ours & ON_STAGE and theirs & ON_STAGE):
            return False
        return ours - played == theirs - played

    @property
    def version_names(self) -> Literal["equal", "once", "apart", "different"]:
        """How the versions of one kind are named: "once" where only one side tells where it was played,
        "apart" where the places differ or only one side tells whose remix it is, "different" for two
        remixes."""
        ours, theirs = self.song.named, self.candidate.named
        found: Literal["equal", "once", "apart"] = "equal"
        for kind in ours.keys() | theirs.keys():
            one, other = ours.get(kind, NOTHING), theirs.get(kind, NOTHING)
            if _same_names(kind, one, other):
                continue
            if kind not in ON_STAGE and one and other:
                return "different"
            if kind not in ON_STAGE or (one and other):
                found = "apart"
            elif found == "equal":
                found = "once"
        return found

    @property
    def possible_kinds(self) -> Quoted:
        """What the release of one side makes likely and the other does not show."""
        ours, theirs = self.song, self.candidate
        if not (ours.possible_kinds or theirs.possible_kinds):
            return NO_WORDS
        one = ours.possible_kinds - theirs.possible_kinds - theirs.version_kinds
        return Quoted(sorted(one | (theirs.possible_kinds - ours.possible_kinds - ours.version_kinds)))

    # --- artist ---

    @property
    def copied(self) -> bool:
        return self.candidate.credit.copyist and not self.song.credit.copyist

    @property
    def lone_artists(self) -> Quoted:
        """The main artists that only one side credits."""
        return Quoted((*self.credits.ours, *self.credits.theirs))

    @property
    def lone_guests(self) -> Quoted:
        """The guests that only one side names."""
        return Quoted((*self.credits.our_guests, *self.credits.their_guests))

    # --- release and year ---

    @property
    def release_alike(self) -> bool:
        return fuzz.token_set_ratio(self.song.release.key, self.candidate.release.key) >= 85

    @property
    def release_numbered_otherwise(self) -> bool:
        ours, theirs = self.song.release, self.candidate.release
        return ours.stem == theirs.stem and bool(ours.stem) and ours.numbers != theirs.numbers

    @property
    def collected(self) -> bool:
        """Whether a release is a collection or unknown: its recording may have come from the other's."""
        known = self.releases_known
        return not known or self.song.release.compilation or self.candidate.release.compilation

    @property
    def reissued(self) -> bool:
        return self.collected or self.named_after_song

    @property
    def named_after_song(self) -> bool:
        """Whether a release is named after the song, as a single is."""
        return any(record.release.key.startswith(self.ours.base) for record in (self.song, self.candidate))

    @property
    def same_edition(self) -> bool:
        """Whether the releases are named alike to the letter and not after the song: editions with bonus
        tracks and singles hold several versions of a song."""
        ours, theirs = (normalise(record.release.name) for record in (self.song, self.candidate))
        return bool(ours) and ours == theirs and not self.named_after_song

    def _without_composers(self, ours: Title, theirs: Title) -> tuple[Title, Title]:
        """Both titles, without a composer whom only one of them puts in front."""
        if not (ours.composer or theirs.composer) or ours.full == theirs.full:
            return ours, theirs
        names = (*self.song.credit.names, *self.candidate.credit.names)
        known = {word for name in names for word in name.split(" ")}
        before, after = (
            title.composer.rpartition(" ")[2] in known
            or not vocabulary.COMPOSERS.isdisjoint(title.composer.split(" "))
            for title in (ours, theirs)
        )
        if before == after:
            return ours, theirs
        return (ours.without_composer(), theirs) if before else (ours, theirs.without_composer())


def gap(ours: float, theirs: float) -> float | None:
    """Seconds between two durations, None where one is unknown."""
    return abs(ours - theirs) if ours and theirs else None


def _same_names(kind: str, ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether two markers of one kind name the same: one place with more or fewer words, the same words for a
    remix, and never other years or numbers."""
    if ours == theirs:
        return True
    one, other = ({word for word in names if word.isdigit()} for names in (ours, theirs))
    if not (ours and theirs) or (one and other and one != other):
        return False
    return kind in ON_STAGE and (ours <= theirs or theirs <= ours)


def _telling(words: Iterable[str]) -> bool:
    """Whether one of the words is a number or a letter, or tells of a version."""
    return any(word.isdigit() or len(word) < 2 or (word,) in vocabulary.VERSION_PHRASES for word in words)


class Quoted(tuple[str, ...]):
    """Words that a message quotes: "'Album Version', 'Remastered 2009'"."""

    def __str__(self) -> str:
        return ", ".join(f"'{word}'" for word in dict.fromkeys(self))


NO_WORDS = Quoted()
