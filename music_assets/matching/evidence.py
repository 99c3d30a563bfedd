"""What is compared, and what it is worth: one declared list, read from top to bottom.

In splink's words each `Evidence` is a comparison: its first level that holds is the one found, the last the
else level, and evidence that is absent on a side is at the null level and counts nothing. A level's weight is
a match weight in bits: one bit more doubles the odds. The sum, from `PRIOR` on, gives the score, which is
therefore the match probability. A comment such as "140 of 143" counts the labelled pairs that were the same
recording where everything else agreed; a weight without one was set by judgement (docs/matching.md).

Not here: how titles and artists are read (`titles`, `artists`, `pair`), which candidate is chosen (`decide`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from music_assets.matching.artists import CREDITED, EQUAL, EXPLAINED, LEAD, RENAMED, Renamings
from music_assets.matching.features import RecordFeatures
from music_assets.matching.normalise import letters_lost, loose, masked_equal, near
from music_assets.matching.pair import PairFeatures
from music_assets.matching.records import Candidate, Comparison, Song

PRIOR = 2.0  # match weight of two records of which nothing is known but that their names agree
FLOOR = 0.7  # a candidate below this match probability is not accepted
FLOOR_BY_TEXT = 0.9  # the same where a length is missing
VETO = -14.0  # match weight of a level that keeps a pair from being accepted


@dataclass(frozen=True, slots=True)
class Level:
    """One way a piece of evidence can turn out, and its match weight in bits; without `when` the else level.
    `words` may name a feature of the pair: "{p.gap:.1f} s apart"."""

    words: str
    weight: float
    when: Callable[[PairFeatures], object] = lambda p: True

    def describe(self, pair: PairFeatures) -> str:
        """The words of this level for a pair."""
        return self.words.format(p=pair) if "{" in self.words else self.words


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison: its two values for the reader, its levels in order, whether it is `present`."""

    name: str
    values: Callable[[PairFeatures], tuple[str, str]]
    levels: tuple[Level, ...]
    present: Callable[[PairFeatures], object] = lambda p: True


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `explain`: the evidence, both values, the level found (1 the first, 0 for evidence that is
    absent), its match weight in bits, the highest it could have been, and in words."""

    evidence: str
    song: str
    candidate: str
    level: int = 0
    points: float = 0.0
    of: float = 0.0
    words: str = "not compared"


def _parts(record: RecordFeatures) -> str:
    return ", ".join((*map(str, record.title.parts), *sorted(record.title.catalogue)))


def _version(record: RecordFeatures) -> str:
    implied = (f"{kind} (by its release)" for kind in sorted(record.implied))
    return ", ".join((*sorted(record.title.kinds), *implied))


EVIDENCE: tuple[Evidence, ...] = (
    Evidence(
        "title",
        lambda p: (p.ours.text, p.theirs.text),
        (
            Level("no title to compare", VETO, lambda p: not (p.ours.base and p.theirs.base)),
            Level("title names no song, other release", VETO, lambda p: p.names_no_song),
            Level("title equal after dropping {p.dropped}", 0.0, lambda p: p.title_equal and p.dropped),
            Level("title equal", 0.0, lambda p: p.title_equal),
            Level("title equal but for spelling", -0.3, lambda p: loose(p.ours.full) == loose(p.theirs.full)),
            Level("title equal but for stars", -0.3, lambda p: masked_equal(p.ours.name, p.theirs.name)),
            Level("equal but for lost letters", -2.0, lambda p: letters_lost(p.ours.name, p.theirs.name)),
            Level("title equal but for {p.lone_subtitle}", -2.0, lambda p: p.subtitle_on_one_side),
            Level("title nearly equal", -2.0, lambda p: near(p.ours.full, p.theirs.full)),
            # By text alone 3 of 8 were the same.
            Level("one title goes on, no lengths", -7.0, lambda p: p.title_continued and p.gap is None),
            Level("one title goes on where the other ends", -3.7, lambda p: p.title_continued),
            Level("different title", VETO),
        ),
    ),
    Evidence(
        "part",
        lambda p: (_parts(p.song), _parts(p.candidate)),
        (
            Level("different catalogue number", VETO, lambda p: p.catalogue_differs),
            Level("part agrees", 0.0, lambda p: p.ours.parts == p.theirs.parts),
            Level(
                "part on one side only", -2.5, lambda p: p.within(1) and not (p.ours.parts and p.theirs.parts)
            ),
            Level("different part", VETO),
        ),
        present=lambda p: p.ours.numbered or p.theirs.numbered,
    ),
    Evidence(
        "version",
        lambda p: (_version(p.song), _version(p.candidate)),
        (
            Level("{p.lone_words} on one side, lengths or release agree", -2.0, lambda p: p.version_excused),
            Level("different version: {p.lone_words}", VETO, lambda p: not p.same_kinds),
            Level("release of other versions: {p.possible_kinds}", -4.5, lambda p: p.possible_kinds),
            Level("versions agree", 0.0, lambda p: not p.song.version_kinds),
            Level("live on both sides, acoustic on one", -2.0, lambda p: p.lone_kinds == {"acoustic"}),
            Level("same version", 0.0, lambda p: p.version_names == "equal"),
            Level("both live, the place named on one side", -0.7, lambda p: p.version_names == "once"),
            Level("same kind of version, named differently", -4.0, lambda p: p.version_names == "apart"),
            Level("different version by name", VETO),
        ),
    ),
    Evidence(
        "artist",
        lambda p: (p.song.artist, p.candidate.artist),
        (
            Level(
                "no artist to compare", VETO, lambda p: not (p.song.credit.names and p.candidate.credit.names)
            ),
            Level("performed by a karaoke or tribute artist", VETO, lambda p: p.copied),
            Level("different artist", VETO, lambda p: not p.credits.value),
            Level("apart from {p.lone_artists}", -5.0, lambda p: p.credits.ours and p.credits.theirs),
            # By text alone 10 of 21 were the same.
            Level("{p.lone_artists} on one side", -6.5, lambda p: p.lone_artists and p.gap is None),
            Level("{p.lone_artists} on one side only", -3.5, lambda p: p.lone_artists),
            Level("artist equal", 0.0, lambda p: p.credits.value >= EQUAL),
            Level("artist renamed, as the songs of the release show", -0.3, lambda p: p.renamed),
            Level("artist by another name", -0.3, lambda p: p.credits.value >= RENAMED),
            Level("artists credited in another way", -0.3, lambda p: p.credits.value >= CREDITED),
            Level("artist equal but for a bracket", -3.5, lambda p: p.credits.value >= EXPLAINED),
            Level("artist equal but for ensemble or leader", -2.5, lambda p: p.credits.value >= LEAD),
            Level("artist spelled differently", -2.0),
        ),
    ),
    Evidence(
        "guests",
        lambda p: (", ".join(p.song.featured), ", ".join(p.candidate.featured)),
        (
            Level("guests agree", 0.0, lambda p: not p.lone_guests),
            Level("different guests", -4.0, lambda p: p.credits.our_guests and p.credits.their_guests),
            Level("guest {p.lone_guests} named by the MSD alone", -1.5, lambda p: p.credits.our_guests),
            Level("guest {p.lone_guests} not named by the MSD", -0.7),
        ),
        present=lambda p: p.song.featured or p.candidate.featured,
    ),
    Evidence(
        "duration",
        lambda p: (f"{p.durations[0]:.1f} s", f"{p.durations[1]:.1f} s"),
        (
            # Labelled by reading, as there was nothing to hear: 1,101 of 1,104.
            Level("no lengths, no release", 4.5, lambda p: p.gap is None and not p.song.release.key),
            Level("no lengths, same release", 2.5, lambda p: p.gap is None and p.same_edition),
            Level("no lengths, another release or edition", -0.5, lambda p: p.gap is None),  # 82 of 109
            Level("{p.gap:.1f} s apart", 3.5, lambda p: p.within(1)),  # 140 of 143
            Level("{p.gap:.1f} s apart (up to 2)", 2.5, lambda p: p.within(2)),  # 65 of 68
            Level("{p.gap:.1f} s apart (up to 3)", 1.2, lambda p: p.within(3)),  # 26 of 29
            Level(
                "{p.gap:.1f} s apart on a release (up to 6)", 1.0, lambda p: p.within(6) and p.release_equal
            ),
            Level("{p.gap:.1f} s apart, reissued (up to 4)", 0.3, lambda p: p.within(4) and p.reissued),
            Level("{p.gap:.1f} s apart (up to 4)", -1.0, lambda p: p.within(4)),  # 13 of 20
            Level(
                "{p.gap:.1f} s apart on a release (up to 10)",
                -0.5,
                lambda p: p.within(10) and p.release_equal,
            ),
            Level("{p.gap:.1f} s apart, collected (up to 10)", -0.6, lambda p: p.within(10) and p.collected),
            # 18 of 37, most of them on the same release or a collection.
            Level("{p.gap:.1f} s apart (up to 10)", -2.5, lambda p: p.within(10)),
            Level("{p.gap:.0f} s apart", VETO),
        ),
    ),
    Evidence(
        "release",
        lambda p: (p.song.release.name, p.candidate.release.name),
        (
            Level("same release", 1.0, lambda p: p.release_equal),
            Level("release of another number", -4.0, lambda p: p.release_numbered_otherwise),
            Level("release much alike", 0.5, lambda p: p.release_alike),
            Level("another release, a collection", 0.0, lambda p: p.collected),
            Level("another release", -0.3),
        ),
        present=lambda p: p.releases_known,
    ),
    Evidence(
        "year",
        lambda p: (str(p.years[0] or ""), str(p.years[1] or "")),
        (
            Level("same year", 0.2, lambda p: p.years_apart == 0),
            Level("a year apart", 0.1, lambda p: p.years_apart == 1),
            Level("released {p.years_apart} years apart", 0.0),
        ),
        present=lambda p: all(p.years),
    ),
)


def compare(song: Song, candidate: Candidate, renamings: Renamings = frozenset()) -> Comparison:
    """Weigh all the evidence that a candidate is the song. Never raises on missing or odd values.

    `renamings` are pairs of artists that are one: see `releases`. Popularity never counts.
    """
    pair = PairFeatures(song, candidate, renamings)
    bits = PRIOR
    vetoed = False
    reasons: list[str] = []
    for _, level in _levels(pair):
        bits += level.weight
        vetoed = vetoed or level.weight <= VETO
        reasons.append(level.describe(pair))
    score = round(probability(bits), 4)
    floor = FLOOR_BY_TEXT if pair.gap is None else FLOOR
    return Comparison(score, not vetoed and score >= floor, tuple(reasons))


def probability(bits: float) -> float:
    """The probability that a match weight stands for: 0 bits are even odds, 3 bits eight to one."""
    return 1.0 / (1.0 + math.pow(2.0, -bits))


def explain(song: Song, candidate: Candidate, renamings: Renamings = frozenset()) -> list[Row]:
    """The comparison row by row, from the declaration that gives the score."""
    pair = PairFeatures(song, candidate, renamings)
    found = dict(_levels(pair))
    rows = []
    for evidence in EVIDENCE:
        row = Row(evidence.name, *evidence.values(pair))
        if level := found.get(evidence):
            best = max(each.weight for each in evidence.levels)
            number = evidence.levels.index(level) + 1
            row = replace(row, level=number, points=level.weight, of=best, words=level.describe(pair))
        rows.append(row)
    return rows


def weigh(song: Song, candidate: Candidate, names: Collection[str]) -> dict[str, tuple[float, str]]:
    """Match weight and words of some pieces of evidence, by name: for candidates without a length."""
    pair = PairFeatures(song, candidate)
    return {found.name: (level.weight, level.describe(pair)) for found, level in _levels(pair, names)}


def _levels(pair: PairFeatures, names: Collection[str] | None = None) -> Iterator[tuple[Evidence, Level]]:
    """The level found for each piece of evidence that is present; the last level of each always holds."""
    for evidence in EVIDENCE:
        if (names is None or evidence.name in names) and evidence.present(pair):
            for level in evidence.levels:
                if level.when(pair):
                    yield evidence, level
                    break
