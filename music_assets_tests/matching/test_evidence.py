"""The comparison: what is accepted, what is refused, and in which words."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.matching import Candidate, Song, compare, explain
from music_assets.matching.evidence import EVIDENCE, FLOOR, FLOOR_BY_TEXT, PRIOR, VETO, probability
from music_assets_tests.matching.invented import OTHER, SAME, Row

SONG = Song("Harbour Lights", "The Paper Lanterns", "Night Ferry", 200.0, 1998)


def candidate(
    title: str | None = "Harbour Lights",
    artist_names: tuple[str, ...] = ("The Paper Lanterns",),
    album: str | None = "Night Ferry",
    duration: float | None = 200.0,
    release_year: int | None = 1998,
) -> Candidate:
    return Candidate("id", title, artist_names, album, duration, release_year)


def test_a_candidate_that_agrees_in_everything_scores_one() -> None:
    comparison = compare(SONG, candidate())
    assert comparison.accepted
    assert comparison.score > 0.99


@pytest.mark.parametrize("row", SAME, ids=lambda row: f"{row[1]} = {row[4]}")
def test_the_same_recording_in_other_words_is_accepted(row: Row) -> None:
    artist, title, release, names, track = row
    # A release on one side only tells nothing by itself: with lengths it is the same recording, or not.
    lengths = (200.0, 200.4) if release else (None, None)
    song, found = Song(title, artist, release, lengths[0]), Candidate("id", track, names, None, lengths[1])
    comparison = compare(song, found)
    assert comparison.accepted, comparison


@pytest.mark.parametrize("row", OTHER, ids=lambda row: f"{row[1]} != {row[4]}")
def test_another_recording_in_like_words_is_not_accepted(row: Row) -> None:
    artist, title, release, names, track = row
    comparison = compare(Song(title, artist, release), Candidate("id", track, names))
    assert not comparison.accepted, comparison


# --- duration ---


@pytest.mark.parametrize(
    ("apart", "accepted"), [(0, True), (3, True), (9, True), (11, False), (25, False), (90, False)]
)
def test_on_the_same_release_duration_counts_less_and_less_until_it_vetoes(
    apart: float, accepted: bool
) -> None:
    assert compare(SONG, candidate(duration=200.0 + apart)).accepted is accepted


def test_a_nearer_duration_never_scores_less() -> None:
    scores = [compare(SONG, candidate(duration=200.0 + apart)).score for apart in range(60)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == scores[1] > scores[2] > scores[3] > scores[4] > scores[8] > scores[12]


@pytest.mark.parametrize(
    ("apart", "album", "accepted"),
    [
        (2.5, "Gold Sand", True),
        (5.0, "Desert Songs", False),
        (5.0, "Greatest Hits", True),
        (5.0, None, True),
        (11.0, "Greatest Hits", False),
    ],
)
def test_on_another_release_lengths_must_agree_better(
    apart: float, album: str | None, accepted: bool
) -> None:
    assert compare(SONG, candidate(duration=200.0 + apart, album=album)).accepted is accepted


@pytest.mark.parametrize("missing", [None, float("nan"), 0.0, -1.0, math.inf])
def test_without_lengths_the_release_decides(missing: float | None) -> None:
    comparison = compare(SONG, candidate(duration=missing))
    assert comparison.accepted
    assert not any("apart" in reason for reason in comparison.reasons)
    for album in ("Greatest Hits", "Night Ferry (Deluxe Edition)", None):
        assert not compare(SONG, candidate(duration=missing, album=album)).accepted


def test_without_lengths_a_single_holds_several_versions_of_its_song() -> None:
    song = Song("Harbour Lights", "The Paper Lanterns", "Harbour Lights")
    assert not compare(song, candidate(album="Harbour Lights", duration=None)).accepted


def test_without_lengths_the_floor_is_stricter() -> None:
    with_length = compare(SONG, candidate(duration=203.5, album="Greatest Hits"))
    by_text = compare(SONG, candidate(duration=None, album="Night Ferry (La Mer)"))
    assert with_length.accepted
    assert FLOOR < with_length.score < FLOOR_BY_TEXT
    assert not by_text.accepted
    assert FLOOR < by_text.score < FLOOR_BY_TEXT


def test_one_doubt_is_outweighed_two_are_not_unless_the_duration_agrees() -> None:
    song = Song("Magical Harbour Lights", "Magic Systeme")
    one = Candidate("id", "Magical Harbour Lights", ("Magic System",))
    two = Candidate("id", "Magicall Harbour Lights", ("Magic System",))
    assert compare(song, one).accepted
    assert not compare(song, two).accepted
    timed = Song(song.title, song.artist_name, duration=200.0)
    assert compare(timed, Candidate("id", two.title, two.artist_names, duration=201.0)).accepted


# --- release and year ---


def test_release_and_year_break_ties_and_no_more() -> None:
    whole = compare(SONG, candidate())
    elsewhere = compare(SONG, candidate(album="Greatest Hits", release_year=2011))
    assert elsewhere.accepted
    assert 0 < whole.score - elsewhere.score < 0.04


@pytest.mark.parametrize("album", ["Night Ferry II", "Night Ferry, Vol. 2", "Night Ferry"])
def test_a_release_of_another_number_is_another_release(album: str) -> None:
    song = Song("Harbour Lights", "The Paper Lanterns", "Night Ferry I", 200.0)
    assert not compare(song, candidate(album=album, duration=201.2)).accepted
    assert compare(song, candidate(album="Night Ferry I", duration=201.2)).accepted


def test_an_album_that_is_live_makes_an_unmarked_track_live() -> None:
    assert not compare(SONG, candidate(album="Live in Oslo", duration=None)).accepted
    live = Song("Harbour Lights", "The Paper Lanterns", "Live in Oslo", 200.0)
    assert compare(live, candidate(album="Live in Oslo", duration=None)).accepted
    assert not compare(live, candidate(duration=None)).accepted
    assert not compare(live, candidate(duration=201.5)).accepted


def test_a_live_album_may_hold_a_studio_track_of_the_very_same_length() -> None:
    song = Song("Harbour Lights", "The Paper Lanterns", "Caught Live + 5", 200.0)
    assert compare(song, candidate(duration=200.1)).accepted
    on_stage = candidate("Harbour Lights - Live at Sea", album="Live at Sea", duration=200.1)
    assert not compare(SONG, on_stage).accepted


def test_a_live_release_known_by_name_only_to_spotify_is_accepted_where_length_agrees() -> None:
    song = Song("Harbour Lights", "The Paper Lanterns", "South of Sand", 214.0)
    live = candidate(title="Harbour Lights - Live", album="South of Sand", duration=215.0)
    assert compare(song, live).accepted
    assert not compare(
        song, candidate(title="Harbour Lights - Live", album="Night Ferry", duration=215.0)
    ).accepted


@pytest.mark.parametrize("release", ["The Remixes", "Acoustic Sessions", "The Demos"])
def test_a_release_of_other_versions_is_a_doubt_on_either_side(release: str) -> None:
    there = Song("Harbour Lights", "The Paper Lanterns", release, 200.0)
    assert not compare(there, candidate(duration=200.5)).accepted
    assert not compare(SONG, candidate(album=release, duration=200.5)).accepted
    assert compare(there, candidate(album=release, duration=200.5)).accepted
    assert "release of other versions" in str(compare(SONG, candidate(album=release)).reasons)


# --- odd input ---


@pytest.mark.parametrize("title", [None, "", "  ", float("nan")])
@pytest.mark.parametrize("artist", [None, "", float("nan")])
def test_missing_names_score_low_and_never_raise(title: object, artist: object) -> None:
    song = Song(title, artist)  # type: ignore[arg-type]
    odd = Candidate("id", title, artist)  # type: ignore[arg-type]
    for comparison in (compare(song, candidate()), compare(SONG, odd), compare(song, odd)):
        assert not comparison.accepted
        assert comparison.score < 0.1


@pytest.mark.parametrize(
    "names", [None, [], "", "The Paper Lanterns", ["The Paper Lanterns", None, float("nan")], 3.0]
)
def test_artist_names_of_any_shape_are_taken(names: object) -> None:
    odd = Candidate("id", "Harbour Lights", names, duration=200.0)  # type: ignore[arg-type]
    assert compare(SONG, odd).accepted is (
        "The Paper Lanterns" in (names if isinstance(names, (list, str)) else ())
    )


ODD_TEXT = st.none() | st.text(max_size=30) | st.just(float("nan"))
ODD_NUMBER = st.none() | st.floats() | st.integers() | st.just("x")


@given(ODD_TEXT, ODD_TEXT, ODD_TEXT, ODD_NUMBER, ODD_NUMBER)
def test_nothing_raises_and_scores_stay_in_bounds(
    title: object, artist: object, release: object, duration: object, year: object
) -> None:
    song = Song(title, artist, release, duration, year)  # type: ignore[arg-type]
    odd = Candidate("id", title, (artist,), release, duration, year)  # type: ignore[arg-type]
    for comparison in (compare(song, odd), compare(SONG, odd), compare(song, candidate())):
        assert 0.0 <= comparison.score <= 1.0
        assert comparison.accepted <= (comparison.score >= FLOOR)
    assert [row.evidence for row in explain(song, odd)] == [evidence.name for evidence in EVIDENCE]


@given(
    st.text(alphabet="abcdefghij", min_size=1, max_size=12),
    st.text(alphabet="klmnopqr", min_size=2, max_size=12),
)
def test_a_track_with_the_song_s_own_names_is_always_accepted(title: str, artist: str) -> None:
    assert compare(Song(title, artist), Candidate("id", title.title(), (artist.upper(),))).accepted


# --- reasons, and the table that explains them ---


@pytest.mark.parametrize(
    ("track", "reason"),
    [
        (candidate(), "title equal"),
        (candidate("Harbour Lights (Album Version)"), "title equal after dropping 'Album Version'"),
        (candidate("Harbour Lights (La Mer)"), "title equal but for 'la mer'"),
        (candidate("Harbour Lights - Live", album="Desert Songs"), "different version: live"),
        (candidate("Harbour Lights, Pt. 2"), "part on one side only"),
        (candidate("Wheels"), "different title"),
        (candidate(artist_names=("Orchid",)), "different artist"),
        (candidate(artist_names=("Karaoke Kings",)), "performed by a karaoke or tribute artist"),
        (candidate(duration=201.2), "1.2 s apart (up to 2)"),
        (candidate(duration=260.0), "60 s apart"),
        (candidate(), "artist equal"),
        (candidate(), "same release"),
        (candidate(release_year=2004), "released 6 years apart"),
    ],
)
def test_reasons_are_words_a_reader_knows(track: Candidate, reason: str) -> None:
    assert reason in compare(SONG, track).reasons


@pytest.mark.parametrize(
    "track",
    [
        candidate(),
        candidate("Harbour Lights - Live", album="Gold"),
        candidate(duration=None),
        candidate(album=None),
    ],
)
def test_explain_tells_the_score_from_the_same_declaration(track: Candidate) -> None:
    rows = explain(SONG, track)
    comparison = compare(SONG, track)
    assert tuple(row.words for row in rows if row.level) == comparison.reasons
    assert comparison.score == pytest.approx(probability(PRIOR + sum(row.points for row in rows)), abs=1e-4)
    assert all(row.points <= row.of for row in rows)


def test_explain_shows_both_values() -> None:
    rows = {row.evidence: row for row in explain(SONG, candidate("Harbour Lights - Live", duration=None))}
    assert (rows["title"].song, rows["title"].candidate) == ("Harbour Lights", "Harbour Lights - Live")
    assert (rows["version"].song, rows["version"].candidate) == ("", "live")
    assert (rows["guests"].level, rows["guests"].words) == (0, "not compared")


def test_every_evidence_has_a_level_that_does_not_veto_and_ends_with_one_that_always_holds() -> None:
    for evidence in EVIDENCE:
        assert any(level.weight > VETO for level in evidence.levels), evidence.name
        assert all(level.weight >= VETO for level in evidence.levels), evidence.name
        looks_at_nothing: Any = object()
        assert evidence.levels[-1].when(looks_at_nothing), evidence.name


def test_a_veto_leaves_little_probability_whatever_else_agrees() -> None:
    best = PRIOR + sum(max(level.weight for level in evidence.levels) for evidence in EVIDENCE)
    assert probability(best + VETO) < 0.05


def test_popularity_is_not_evidence() -> None:
    assert "popularity" not in {evidence.name for evidence in EVIDENCE}
