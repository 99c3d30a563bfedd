"""Choosing among candidates: floor, margin, ambiguity, and the same recording on several albums."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.matching import Candidate, Decision, Song, decide
from music_assets.matching.decide import DOUBTFUL, MARGIN

SONG = Song("Harbour Lights", "The Paper Lanterns", "Night Ferry", 200.0, 1998)
ARTIST = ("The Paper Lanterns",)


def track(
    id: str,
    title: str = "Harbour Lights",
    album: str | None = "Night Ferry",
    duration: float | None = 200.0,
    release_year: int | None = 1998,
    isrc: str | None = None,
    artist_names: tuple[str, ...] = ARTIST,
) -> Candidate:
    return Candidate(id, title, artist_names, album, duration, release_year, isrc)


def ids(decision: Decision) -> list[str]:
    return [entry.candidate.id for entry in decision.ranked]


def test_without_candidates_there_is_nothing_to_decide() -> None:
    assert decide(SONG, []) == Decision("no_candidates", None, None, ())


def test_the_candidate_that_agrees_is_matched_among_others() -> None:
    others = [
        track("b", "Harbour Lights - Live", duration=231.0),
        track("c", "Wheels"),
        track("d", artist_names=("Orchid",)),
    ]
    decision = decide(SONG, [*others, track("a")])
    assert (decision.status, decision.best) == ("matched", "a")
    assert decision.ranked[0].candidate.id == "a"
    assert decision.ranked[0].comparison.accepted
    assert decision.margin is not None and decision.margin > 0.1


def test_every_candidate_is_ranked_best_first() -> None:
    decision = decide(SONG, [track("c", "Wheels"), track("b", duration=210.0), track("a")])
    assert ids(decision) == ["a", "b", "c"]


def test_the_first_hit_is_not_taken_when_none_agrees() -> None:
    decision = decide(
        Song("Elena Marin", "Orchid"), [track("a", "Pedro y Elena Marin", artist_names=("Orchid",))]
    )
    assert (decision.status, decision.best) == ("below_floor", None)


def test_two_recordings_too_close_to_tell_apart_are_ambiguous() -> None:
    song = Song("Harbour Lights", "The Paper Lanterns")
    decision = decide(song, [track("a", album=None, duration=180.0), track("b", album=None, duration=240.0)])
    assert (decision.status, decision.best) == ("ambiguous", None)
    assert decision.margin is not None and decision.margin < MARGIN


def test_the_duration_resolves_what_would_be_ambiguous() -> None:
    decision = decide(SONG, [track("a", duration=225.0), track("b", duration=201.0)])
    assert (decision.status, decision.best) == ("matched", "b")


def test_of_equal_scores_the_nearest_in_length_comes_first() -> None:
    decision = decide(SONG, [track("a", duration=202.5), track("b", duration=200.4)])
    assert decision.best == "b"


def test_the_release_tells_two_live_takes_apart() -> None:
    song = Song("Harbour Lights", ARTIST[0], "Live at the Ferry", 200.0)
    same = track("b", "Harbour Lights - Live", album="Live at the Ferry", release_year=None)
    other = track("a", "Harbour Lights - Live", album="Encores", duration=202.8, release_year=None)
    assert decide(song, [same, other]).best == "b"


def test_a_live_acoustic_take_is_distinguished_from_a_live_one() -> None:
    song = Song("Harbour Lights [Live Acoustic]", ARTIST[0], duration=200.0)
    acoustic = track("b", "Harbour Lights - Live Acoustic", album=None)
    live = track("a", "Harbour Lights - Live", album=None)
    decision = decide(song, [live, acoustic])
    assert (decision.status, decision.best) == ("matched", "b")
    assert "live on both sides, acoustic on one" in decision.ranked[1].comparison.reasons


def test_a_live_take_beside_the_studio_one_is_no_rival() -> None:
    live = track("a", "Harbour Lights - Live at Wembley")
    assert decide(SONG, [live, track("b")]).best == "b"
    assert decide(Song("Harbour Lights (Live)", ARTIST[0]), [live, track("b")]).best == "a"


# --- the same recording on several albums ---


def test_the_same_recording_on_several_albums_is_not_ambiguous() -> None:
    decision = decide(
        SONG, [track("c", album="Greatest Hits", release_year=2005), track("b"), track("d", duration=201.0)]
    )
    assert (decision.status, decision.best) == ("matched", "b")
    assert [entry.equivalent for entry in decision.ranked] == [False, True, True]


def test_the_album_the_song_stands_on_is_preferred_then_the_year_then_the_id() -> None:
    assert decide(SONG, [track("a", album="Hits"), track("b")]).best == "b"
    assert decide(SONG, [track("a", album="Hits", release_year=2005), track("b", album="Gold")]).best == "b"
    assert decide(SONG, [track("b", album="Hits"), track("a", album="Gold")]).best == "a"


def test_the_same_isrc_is_the_same_recording_whatever_the_wording() -> None:
    remaster = track("a", "Harbour Lights (La Mer)", duration=205.0, isrc="XX-123")
    decision = decide(SONG, [remaster, track("b", isrc="xx-123")])
    assert decision.best == "b"
    assert decision.ranked[1].equivalent


def test_the_same_recording_is_measured_against_the_song() -> None:
    """Two issues 4 s apart are both the song that lies between them; one that is 4 s from the song is not."""
    between = decide(SONG, [track("a", duration=198.0), track("b", album="Greatest Hits", duration=202.0)])
    assert (between.status, between.best) == ("matched", "a")
    assert between.ranked[1].equivalent
    beyond = decide(SONG, [track("a", duration=198.0), track("b", album="Greatest Hits", duration=196.0)])
    assert beyond.status == "matched"
    assert not beyond.ranked[1].equivalent


def test_artists_are_a_set() -> None:
    song = Song("Harbour Lights", "Ada Winter / Ben Stone", "Night Ferry")
    pair = [
        track("a", artist_names=("Ada Winter", "Ben Stone"), duration=None),
        track("b", artist_names=("Ben Stone", "Ada Winter"), duration=None),
        track("c", "Harbour Lights (feat. Ben Stone)", artist_names=("Ada Winter",), duration=None),
    ]
    decision = decide(song, pair)
    assert (decision.status, decision.best) == ("matched", "a")
    assert [entry.equivalent for entry in decision.ranked] == [False, True, True]


@pytest.mark.parametrize(
    "doubtful",
    [
        track("a", album="Desert Songs", duration=205.0),
        track("a", album="Desert Songs", duration=None),
        track("a", album="The Remixes", duration=200.3),
        track("a", album="Night Ferry II", duration=201.3),
    ],
)
def test_a_doubtful_best_is_ambiguous_and_not_matched(doubtful: Candidate) -> None:
    decision = decide(SONG, [doubtful])
    assert (decision.status, decision.best) == ("ambiguous", None)
    assert decision.ranked[0].comparison.score >= DOUBTFUL
    assert decide(SONG, [doubtful, track("b")]).best == "b"


def test_what_is_vetoed_is_below_the_floor() -> None:
    assert decide(SONG, [track("a", "Wheels"), track("b", duration=260.0)]).status == "below_floor"


def test_recordings_of_other_lengths_are_not_equivalent() -> None:
    decision = decide(SONG, [track("a"), track("b", duration=212.0)])
    assert not decision.ranked[1].equivalent


@pytest.mark.parametrize("isrc", [None, "", float("nan")])
def test_a_missing_isrc_says_nothing(isrc: object) -> None:
    pair = [track(id, duration=length, isrc=isrc) for id, length in (("a", 200.0), ("b", 212.0))]  # type: ignore[arg-type]
    assert not decide(SONG, pair).ranked[1].equivalent


def test_nothing_is_equivalent_to_a_candidate_that_was_not_accepted() -> None:
    decision = decide(SONG, [track("a", "Wheels", isrc="X"), track("b", "Wheels", isrc="X")])
    assert decision.status == "below_floor"
    assert not any(entry.equivalent for entry in decision.ranked)


# --- order never shows ---

MIXED = [
    track("a", album="Hits"),
    track("b", duration=203.5),
    track("c", "Harbour Lights - Live"),
    track("d", artist_names=("Orchid",)),
    track("e", album="Gold", isrc="X"),
]


@pytest.mark.parametrize("order", list(permutations(range(5)))[::7])
def test_the_answer_is_the_same_in_any_order(order: tuple[int, ...]) -> None:
    assert decide(SONG, [MIXED[index] for index in order]) == decide(SONG, MIXED)


@given(st.lists(st.sampled_from(MIXED), max_size=8))
def test_a_candidate_that_comes_twice_counts_once(candidates: list[Candidate]) -> None:
    decision = decide(SONG, candidates)
    assert decision == decide(SONG, reversed(candidates))
    assert len(decision.ranked) == len({candidate.id for candidate in candidates})
    assert (decision.best is not None) is (decision.status == "matched")


def test_ties_fall_to_the_smallest_id() -> None:
    assert ids(decide(SONG, [track("z"), track("m"), track("a")])) == ["a", "m", "z"]
