"""What is compared, and what it is worth: one declared list, read from top to bottom.

Each `Evidence` has a weight and levels; the first level that holds is the one found. Its share of the weight
goes into the score, its words into the reasons and the `explain` table; a level that `refuses` keeps the pair
from being accepted whatever else agrees. Evidence that is absent on a side counts neither for nor against.

Belongs here: that list, `compare` and `explain`. Not here: how titles and artists are read (`titles`,
`artists`, `pair`), and which of several candidates is chosen (`decide`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from music_assets.matching.pair import Pair
from music_assets.matching.records import Candidate, Comparison, Song

FLOOR = 0.86
"""A candidate below this score is not accepted. One doubt of 8 points stays above it, two fall below unless the
duration agrees as well."""

REFUSED_BELOW = 0.5
"""A refused pair scores below this: its score is halved."""


@dataclass(frozen=True, slots=True)
class Level:
    """One way a piece of evidence can turn out. `words` may name a pair's attributes: "{pair.gap:.1f} s apart"."""

    words: str
    share: float
    when: Callable[[Pair], bool]
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """A thing compared: its weight in points, its two values for the reader, its levels from best to worst."""

    name: str
    weight: float
    values: Callable[[Pair], tuple[str, str]]
    present: Callable[[Pair], bool]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of `explain`: the evidence, both values, the level found, its points of how many, in words."""

    evidence: str
    song: str
    candidate: str
    level: int
    points: float
    of: float
    words: str


def _always(pair: Pair) -> bool:
    return True


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
                "title equal but for the subtitle {pair.lone_subtitle}",
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
        values=lambda pair: (pair.parts(pair.song), pair.parts(pair.candidate)),
        present=lambda pair: bool(pair.song.title.parts or pair.candidate.title.parts),
        levels=(
            Level("same part", 1.0, lambda pair: pair.song.title.parts == pair.candidate.title.parts),
            Level("another part", 0.0, _always, refuses=True),
        ),
    ),
    Evidence(
        name="version",
        weight=24,
        values=lambda pair: (pair.version(pair.song), pair.version(pair.candidate)),
        present=_always,
        levels=(
            Level("no version named", 1.0, lambda pair: pair.no_version),
            Level("same version", 1.0, lambda pair: pair.same_version),
            Level("same kind of version, named on one side only", 0.67, lambda pair: pair.version_named_once),
            Level("both live, at places that differ", 0.33, lambda pair: pair.live_elsewhere),
            Level("the release speaks of {pair.release_doubt}", 0.67, lambda pair: pair.release_doubt != ""),
            Level("another version: {pair.version_difference}", 0.0, _always, refuses=True),
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
            Level("artist equal", 1.0, lambda pair: pair.artist_share == 1.0),
            Level("artist credited beside others", 0.95, lambda pair: pair.artist_share >= 0.95),
            Level("artist equal but for the ensemble", 0.85, lambda pair: pair.artist_share >= 0.85),
            Level("artist spelled slightly otherwise", 0.8, lambda pair: pair.artist_share >= 0.8),
            Level("another artist", 0.0, _always, refuses=True),
        ),
    ),
    Evidence(
        name="featured",
        weight=16,
        values=lambda pair: (", ".join(pair.song.featured), ", ".join(pair.candidate.featured)),
        present=lambda pair: bool(pair.song.featured or pair.candidate.featured),
        levels=(
            Level("same featured artist", 1.0, lambda pair: pair.featured_agree),
            Level("featured artists differ", 0.0, lambda pair: pair.featured_on_both),
            Level(
                "the release is billed with a guest the track lacks",
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
        values=lambda pair: (pair.seconds(pair.song), pair.seconds(pair.candidate)),
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
        weight=2,
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
        values=lambda pair: (str(pair.song_year or ""), str(pair.candidate_year or "")),
        present=lambda pair: bool(pair.song_year and pair.candidate_year),
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
    pair = Pair.of(song, candidate)
    points = possible = 0.0
    refused = False
    reasons: list[str] = []
    for evidence in EVIDENCE:
        if not evidence.present(pair):
            continue
        for level in evidence.levels:
            if level.when(pair):
                break
        points += evidence.weight * level.share
        possible += evidence.weight
        refused = refused or level.refuses
        reasons.append(_say(level, pair))
    score = round(points / possible * (REFUSED_BELOW if refused else 1.0), 4)
    return Comparison(score, not refused and score >= FLOOR, tuple(reasons))


def explain(song: Song, candidate: Candidate) -> list[Row]:
    """The comparison row by row, from the same declaration as the score; absent evidence is a row without points."""
    pair = Pair.of(song, candidate)
    rows = []
    for evidence in EVIDENCE:
        ours, theirs = evidence.values(pair)
        if not evidence.present(pair):
            rows.append(Row(evidence.name, ours, theirs, 0, 0.0, 0.0, "not compared"))
            continue
        number, level = next(
            (number, level) for number, level in enumerate(evidence.levels, start=1) if level.when(pair)
        )
        points = round(evidence.weight * level.share, 2)
        rows.append(Row(evidence.name, ours, theirs, number, points, evidence.weight, _say(level, pair)))
    return rows


def _say(level: Level, pair: Pair) -> str:
    return level.words.format(pair=pair) if "{" in level.words else level.words
