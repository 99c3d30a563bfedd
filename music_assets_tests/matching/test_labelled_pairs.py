"""The matcher on real pairs, labelled by people: skipped where the data beside the repository is absent."""

from __future__ import annotations

import pytest

from music_assets.matching import compare, decide
from music_assets_tests.support.labelled_pairs import (
    CASES,
    PAIRS,
    LabelledPair,
    read_cases,
    read_pairs,
    tally,
    without_lengths,
)

pytestmark = pytest.mark.skipif(
    not PAIRS.is_file(), reason="needs the labelled pairs in ../shared, which are not part of the repository"
)


@pytest.fixture(scope="module")
def pairs() -> list[LabelledPair]:
    return read_pairs(PAIRS)


def share(right: int, total: int) -> float:
    return right / total


def test_pairs_with_lengths_are_matched_and_other_versions_are_not(pairs: list[LabelledPair]) -> None:
    counted = tally(lambda song, found: compare(song, found).accepted, (p for p in pairs if p.has_lengths))
    assert share(*counted.precision) >= 0.985
    assert share(*counted.recall) >= 0.95


def test_without_lengths_few_other_versions_are_accepted(pairs: list[LabelledPair]) -> None:
    withheld = without_lengths(p for p in pairs if p.has_lengths)
    for some in ([p for p in pairs if not p.has_lengths], withheld):
        assert share(*tally(lambda song, found: compare(song, found).accepted, some).precision) >= 0.97


def test_no_different_song_is_accepted(pairs: list[LabelledPair]) -> None:
    different = [pair for pair in pairs if pair.label == "different"]
    assert len(different) > 1000
    for some in (different, without_lengths(different)):
        assert [pair for pair in some if compare(pair.song, pair.candidate).accepted] == []


@pytest.mark.parametrize("lengths", [True, False])
def test_a_score_is_the_share_that_is_right(pairs: list[LabelledPair], lengths: bool) -> None:
    scored = [
        (compare(pair.song, pair.candidate).score, pair.same) for pair in pairs if pair.has_lengths is lengths
    ]
    sure = [(score, same) for score, same in scored if 0.93 <= score < 1.0]
    expected = sum(score for score, _ in sure) / len(sure)
    assert abs(sum(same for _, same in sure) / len(sure) - expected) < 0.03
    unlikely = [same for score, same in scored if score < 0.1]
    assert sum(unlikely) / len(unlikely) < 0.02


@pytest.mark.parametrize("case", read_cases(CASES) if CASES.is_file() else [], ids=lambda case: case[0])
def test_one_case_of_each_kind(case: tuple[str, object, object, bool]) -> None:
    kind, song, candidate, accepted = case
    assert compare(song, candidate).accepted is accepted, kind  # type: ignore[arg-type]
    assert (decide(song, [candidate]).status == "matched") is accepted, kind  # type: ignore[arg-type, list-item]
