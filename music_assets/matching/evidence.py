"""What is compared, and what it is worth: one declared list, read from top to bottom.

Each `Evidence` has a weight and levels; the first level that holds is the one found. Its share of the weight
goes into the score, its words into the reasons and the `explain` table; a level that `refuses` keeps the pair
from being accepted whatever else agrees. Evidence that is absent on a side counts neither for nor against.

Belongs here: that list, `compare` and `explain`. Not here: how titles and artists are read (`titles`,
`artists`, `pair`), and which of several candidates is chosen (`decide`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from music_assets.matching.artists import CREDITED, EQUAL, LEAD, NEAR
from music_assets.matching.pair import Pair
from music_assets.matching.records import Candidate, Comparison, Song
from music_assets.matching.side import Side

FLOOR = 0.87
"""A candidate below this score is not accepted. A single doubt (8 points) stays above it; two fall below it
unless the duration agrees as well."""

REFUSED_FACTOR = 0.5
"""A refused pair keeps this share of its score, which puts it far below any accepted one."""


@dataclass(frozen=True, slots=True)
class Level:
    """One way a piece of evidence can turn out. `words` may name a pair's attribute: "{pair.gap:.1f} s
    apart"."""

    words: str
    share: float
    when: Callable[[Pair], bool]
    refuses: bool = False

    def say(self, pair: Pair) -> str:
        """The words of this level for a pair."""
        return self.words.format(pair=pair) if "{" in self.words else self.words


@dataclass(frozen=True, slots=True)
class Evidence:
    """A thing compared: its weight in points, its two values for the reader, its levels from best to
    worst."""

    name: str
    weight: float
    values: Callable[[Pair], tuple[str, str]]
    present: Callable[[Pair], bool]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `explain`: the evidence, both values, the level found (1 the best, 0 for evidence that is
    absent), its points out of how many, and in words."""

    evidence: str
    song: str
    candidate: str
    level: int
    points: float
    of: float
    words: str


def _always(pair: Pair) -> bool:
    return True


def _parts(side: Side) -> str:
    return ", ".join(map(str, side.title.parts))


def _version(side: Side) -> str:
    return ", ".join(
        (*sorted(side.title.kinds), *(f"{kind} (by its release)" for kind in sorted(side.implied)))
    )


EVIDENCE: tuple[Evidence, ...] = (
    Evidence(
        name="title",
        weight=40,
        values=lambda pair: (pair.song.title.text, pair.candidate.title.text),
        present=_always,
        levels=(
            Level("no title to compare", 0.0, lambda pair: not pair.has_titles, refuses=True),
            Level("title equal", 1.0, lambda pair: pair.title_equal and not pair.dropped),
            Level("title equal after dropping {pair.dropped}", 1.0, lambda pair: pair.title_equal),
            Level("title equal but for spelling", 0.95, lambda pair: pair.title_sounds_equal),
            Level(
                "title equal but for the words {pair.lone_subtitle}",
                0.8,
                lambda pair: pair.subtitle_on_one_side,
            ),
            Level("title nearly equal", 0.8, lambda pair: pair.title_near),
            Level("another title", 0.0, _always, refuses=True),
        ),
    ),
    Evidence(
        name="part",
        weight=4,
        values=lambda pair: (_parts(pair.song), _parts(pair.candidate)),
        present=lambda pair: bool(pair.song.title.parts or pair.candidate.title.parts),
        levels=(
            Level("same part", 1.0, lambda pair: pair.song.title.parts == pair.candidate.title.parts),
            Level("another part", 0.0, _always, refuses=True),
        ),
    ),
    Evidence(
        name="version",
        weight=24,
        values=lambda pair: (_version(pair.song), _version(pair.candidate)),
        present=_always,
        levels=(
            Level("no other version named", 1.0, lambda pair: pair.no_version),
            Level("live on one side only, on the same release", 0.4, lambda pair: pair.live_on_same_release),
            Level(
                "another version: {pair.version_difference}",
                0.0,
                lambda pair: not pair.same_kinds,
                refuses=True,
            ),
            Level("its release is of remixes", 0.7, lambda pair: pair.hints == {"remix"}),
            Level(
                "its release speaks of another version: {pair.hint_words}", 0.4, lambda pair: bool(pair.hints)
            ),
            Level("live on both sides, acoustic on one", 0.7, lambda pair: pair.acoustic_on_one_side),
            Level("same version", 1.0, lambda pair: pair.names_equal),
            Level("both live, the place named on one side", 0.9, lambda pair: pair.stage_named_once),
            Level("same kind of version, named differently", 0.4, lambda pair: pair.names_compatible),
            Level("another version by name", 0.0, _always, refuses=True),
        ),
    ),
    Evidence(
        name="artist",
        weight=30,
        values=lambda pair: (pair.song.artist, pair.candidate.artist),
        present=_always,
        levels=(
            Level("no artist to compare", 0.0, lambda pair: not pair.has_artists, refuses=True),
            Level("performed by a karaoke or tribute artist", 0.0, lambda pair: pair.copied, refuses=True),
            Level("artist equal", 1.0, lambda pair: pair.artist_agreement == EQUAL),
            Level("artist credited beside others", CREDITED, lambda pair: pair.artist_agreement >= CREDITED),
            Level("artist equal but for the ensemble", LEAD, lambda pair: pair.artist_agreement >= LEAD),
            Level("artist spelled slightly otherwise", NEAR, lambda pair: pair.artist_agreement >= NEAR),
            Level("another artist", 0.0, _always, refuses=True),
        ),
    ),
    Evidence(
        name="guests",
        weight=16,
        values=lambda pair: (", ".join(pair.song.featured), ", ".join(pair.candidate.featured)),
        present=lambda pair: bool(pair.song.featured or pair.candidate.featured),
        levels=(
            Level("same guest", 1.0, lambda pair: pair.guests_agree),
            Level("other guests", 0.0, lambda pair: pair.guests_on_both),
            Level(
                "its release is billed with a guest the track lacks",
                0.0,
                lambda pair: pair.billed_guest_missing,
            ),
            Level("guest not named by Spotify", 0.5, lambda pair: bool(pair.song.featured)),
            Level("guest not named by the MSD", 0.75, _always),
        ),
    ),
    Evidence(
        name="duration",
        weight=25,
        values=lambda pair: (f"{pair.durations[0]:.1f} s", f"{pair.durations[1]:.1f} s"),
        present=lambda pair: pair.gap is not None,
        levels=(
            Level("{pair.gap:.1f} s apart", 1.0, lambda pair: pair.gap_within(3)),
            Level("{pair.gap:.1f} s apart", 0.9, lambda pair: pair.gap_within(6)),
            Level("{pair.gap:.1f} s apart", 0.7, lambda pair: pair.gap_within(10)),
            Level("{pair.gap:.1f} s apart", 0.5, lambda pair: pair.gap_within(15)),
            Level("{pair.gap:.1f} s apart", 0.2, lambda pair: pair.gap_within(30)),
            Level("{pair.gap:.0f} s apart", 0.0, _always, refuses=True),
        ),
    ),
    Evidence(
        name="release",
        weight=3,
        values=lambda pair: (pair.song.release, pair.candidate.release),
        present=lambda pair: bool(pair.song.release_key and pair.candidate.release_key),
        levels=(
            Level("same release", 1.0, lambda pair: pair.release_equal),
            Level("release much alike", 0.7, lambda pair: pair.release_alike),
            Level("another release", 0.0, _always),
        ),
    ),
    Evidence(
        name="year",
        weight=1,
        values=lambda pair: (str(pair.years[0] or ""), str(pair.years[1] or "")),
        present=lambda pair: bool(pair.years[0] and pair.years[1]),
        levels=(
            Level("same year", 1.0, lambda pair: pair.years_apart == 0),
            Level("a year apart", 0.7, lambda pair: pair.years_apart == 1),
            Level("released {pair.years_apart} years apart", 0.0, _always),
        ),
    ),
)
"""The comparison, as declared. Release and year only break ties; popularity never counts."""


def compare(song: Song, candidate: Candidate) -> Comparison:
    """Weigh all the evidence that a candidate is the song. Never raises on missing or odd values."""
    pair = Pair(song, candidate)
    points = possible = 0.0
    refused = False
    reasons: list[str] = []
    for evidence, level in _found(pair):
        points += evidence.weight * level.share
        possible += evidence.weight
        refused = refused or level.refuses
        reasons.append(level.say(pair))
    score = round(points / possible * (REFUSED_FACTOR if refused else 1.0), 4)
    return Comparison(score, not refused and score >= FLOOR, tuple(reasons))


def explain(song: Song, candidate: Candidate) -> list[Row]:
    """The comparison row by row, from the declaration that gives the score."""
    pair = Pair(song, candidate)
    found = {evidence.name: level for evidence, level in _found(pair)}
    rows = []
    for evidence in EVIDENCE:
        ours, theirs = evidence.values(pair)
        level = found.get(evidence.name)
        if level is None:
            rows.append(Row(evidence.name, ours, theirs, 0, 0.0, 0.0, "not compared"))
            continue
        place = evidence.levels.index(level) + 1
        points = round(evidence.weight * level.share, 2)
        rows.append(Row(evidence.name, ours, theirs, place, points, evidence.weight, level.say(pair)))
    return rows


def _found(pair: Pair) -> Iterator[tuple[Evidence, Level]]:
    """The level found for each piece of evidence that is present; the last level of each always holds."""
    for evidence in EVIDENCE:
        if evidence.present(pair):
            for level in evidence.levels:
                if level.when(pair):
                    yield evidence, level
                    break
