"""Choosing among candidates: `decide` and its thresholds, and the same recording on several albums.

Not here: what one comparison is worth (`evidence`), what several songs of a release show (`releases`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from music_assets.matching.artists import Renamings
from music_assets.matching.evidence import compare
from music_assets.matching.features import RecordFeatures, read_candidate, seconds
from music_assets.matching.normalise import as_text
from music_assets.matching.pair import gap
from music_assets.matching.records import Candidate, Comparison, Decision, Ranked, Song

MARGIN = 0.02  # by which the best must lead the next recording, else it is `ambiguous`: as Picard has it
DOUBTFUL = 0.3  # a best candidate that is not accepted is `ambiguous` from this match probability on
SAME_RECORDING_WITHIN_S = 3.0  # 19 of 20 issues of one recording do not differ by more


def decide(song: Song, candidates: Iterable[Candidate], renamings: Renamings = frozenset()) -> Decision:
    """Which candidate is the song, if any.

    `matched`: the first in `ranked` is accepted and leads every other recording by the margin.
    `ambiguous`: it is doubtful, or another recording comes too close. `below_floor`: none is likely.
    The answer does not depend on the order the candidates come in; a candidate that comes twice counts once.
    `renamings` are pairs of artists that are one: see `releases`.
    """
    in_order = sorted(candidates, key=lambda candidate: (str(candidate.id), repr(candidate)))
    unique = {candidate.id: candidate for candidate in in_order}
    compared = [(candidate, compare(song, candidate, renamings)) for candidate in unique.values()]
    compared.sort(key=lambda entry: _rank(song, *entry))
    if not compared:
        return Decision("no_candidates", None, None, ())
    best, comparison = compared[0]
    ranked = tuple(
        Ranked(
            candidate,
            result,
            index > 0 and comparison.accepted and _same_recording(song, best, candidate, result.accepted),
        )
        for index, (candidate, result) in enumerate(compared)
    )
    others = [entry.comparison.score for entry in ranked[1:] if not entry.equivalent]
    margin = round(comparison.score - max(others, default=0.0), 4)
    if not comparison.accepted:
        doubtful = comparison.score >= DOUBTFUL
        return Decision("ambiguous" if doubtful else "below_floor", None, margin, ranked)
    if others and margin < MARGIN:
        return Decision("ambiguous", None, margin, ranked)
    return Decision("matched", best.id, margin, ranked)


def _rank(song: Song, candidate: Candidate, comparison: Comparison) -> tuple[bool, float, float, str]:
    """The accepted first, by score; of equal ones the nearest in length, then the smallest id."""
    apart = gap(seconds(song.duration), seconds(candidate.duration))
    return not comparison.accepted, -comparison.score, math.inf if apart is None else apart, str(candidate.id)


def _same_recording(song: Song, best: Candidate, other: Candidate, accepted: bool) -> bool:
    """Whether another candidate is the best one's recording on another album.

    The same ISRC tells; else it must be accepted too, be the same version and as long as the song. Where the
    song has no length, it must have the same title and artists as the best, and its length. Albums and years
    may differ.
    """
    isrc = as_text(best.isrc).upper()
    if isrc and isrc == as_text(other.isrc).upper():
        return True
    one, two = read_candidate(best), read_candidate(other)
    if not accepted or (one.version_kinds, one.named) != (two.version_kinds, two.named):
        return False
    length = seconds(song.duration)
    apart = gap(length or seconds(best.duration), seconds(other.duration))
    if apart is not None and apart > SAME_RECORDING_WITHIN_S:
        return False
    return _names(one) == _names(two) or bool(length and apart is not None)


def _names(record: RecordFeatures) -> tuple[object, ...]:
    """Title and artists, these as a set of words."""
    guests = (name.split(" ") for name in record.featured)
    return record.title.full, record.title.parts, record.credit.players.union(*guests)
