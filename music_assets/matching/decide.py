"""Choosing among candidates: floor, margin, and the same recording on several albums.

Belongs here: `decide` and its thresholds. Not here: what one comparison is worth (`evidence`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from music_assets.matching.evidence import compare
from music_assets.matching.normalise import as_text
from music_assets.matching.pair import gap
from music_assets.matching.records import Candidate, Comparison, Decision, Ranked, Song
from music_assets.matching.side import read_candidate, seconds

MARGIN = 0.02
"""The best must lead the next recording by this much, else the answer is `ambiguous` (Picard's margin)."""

SAME_RECORDING_WITHIN = 3.0
"""Seconds by which two issues of one recording may differ."""


def decide(song: Song, candidates: Iterable[Candidate]) -> Decision:
    """Which candidate is the song, if any.

    `matched`: the first in `ranked` is accepted and leads every other recording by the margin.
    `ambiguous`: it is accepted, but another recording comes too close. `below_floor`: none is accepted.
    The answer does not depend on the order the candidates come in; a candidate that comes twice counts once.
    """
    unique = {candidate.id: candidate for candidate in sorted(candidates, key=_in_order)}
    compared = [(candidate, compare(song, candidate)) for candidate in unique.values()]
    compared.sort(key=lambda entry: _rank(song, *entry))
    if not compared:
        return Decision("no_candidates", None, None, ())
    best, comparison = compared[0]
    ranked = tuple(
        Ranked(
            candidate,
            result,
            index > 0 and comparison.accepted and _same_recording(best, candidate, result.accepted),
        )
        for index, (candidate, result) in enumerate(compared)
    )
    others = [entry.comparison.score for entry in ranked[1:] if not entry.equivalent]
    margin = round(comparison.score - max(others, default=0.0), 4)
    if not comparison.accepted:
        return Decision("below_floor", None, margin, ranked)
    if others and margin < MARGIN:
        return Decision("ambiguous", None, margin, ranked)
    return Decision("matched", best.id, margin, ranked)


def _rank(song: Song, candidate: Candidate, comparison: Comparison) -> tuple[bool, float, float, str]:
    """The accepted first, by score; of equal ones the nearest in length, then the smallest id."""
    apart = gap(seconds(song.duration), seconds(candidate.duration))
    return not comparison.accepted, -comparison.score, math.inf if apart is None else apart, str(candidate.id)


def _in_order(candidate: Candidate) -> tuple[str, str]:
    """An order of candidates that is the same whatever order they came in, twins of one id included."""
    return str(candidate.id), repr(candidate)


def _same_recording(best: Candidate, other: Candidate, accepted: bool) -> bool:
    """Whether another candidate is the best one's recording on another album.

    The same ISRC says so; else it must be accepted too, with title, version and artist the same and durations
    that agree. Albums and years may differ.
    """
    isrc = as_text(best.isrc).upper()
    if isrc and isrc == as_text(other.isrc).upper():
        return True
    if not accepted:
        return False
    apart = gap(seconds(best.duration), seconds(other.duration))
    return _essentials(best) == _essentials(other) and (apart is None or apart <= SAME_RECORDING_WITHIN)


def _essentials(candidate: Candidate) -> tuple[object, ...]:
    side = read_candidate(candidate)
    return side.title.full, side.title.parts, side.kinds, side.named, side.credit.names[:1]
