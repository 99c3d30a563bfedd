"""The comparison: what is accepted, what is refused, and how it is told."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.matching import Candidate, Song, compare, explain
from music_assets.matching.evidence import EVIDENCE, FLOOR, REFUSED_FACTOR
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
    assert comparison.score == 1.0


@pytest.mark.parametrize("row", SAME, ids=lambda row: f"{row[1]} = {row[4]}")
def test_the_same_recording_in_other_words_is_accepted(row: Row) -> None:
    artist, title, release, names, track = row
    comparison = compare(Song(title, artist, release), Candidate("id", track, names))
    assert comparison.accepted, comparison


@pytest.mark.parametrize("row", OTHER, ids=lambda row: f"{row[1]} != {row[4]}")
def test_another_recording_in_like_words_is_not_accepted(row: Row) -> None:
    artist, title, release, names, track = row
    comparison = compare(Song(title, artist, release), Candidate("id", track, names))
    assert not comparison.accepted, comparison


# --- duration ---


@pytest.mark.parametrize(
    ("apart", "accepted"), [(0, True), (3, True), (12, True), (25, False), (31, False), (90, False)]
)
def test_duration_counts_less_and_less_until_it_refuses(apart: float, accepted: bool) -> None:
    assert compare(SONG, candidate(duration=200.0 + apart)).accepted is accepted


def test_a_nearer_duration_never_scores_less() -> None:
    scores = [compare(SONG, candidate(duration=200.0 + apart)).score for apart in range(60)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == scores[3] > scores[4] > scores[8] > scores[12] > scores[20] > scores[31]


@pytest.mark.parametrize("missing", [None, float("nan"), 0.0, -1.0, math.inf])
def test_a_missing_duration_speaks_neither_for_nor_against(missing: float | None) -> None:
    comparison = compare(SONG, candidate(duration=missing))
    assert comparison.score == 1.0
    assert not any("apart" in reason for reason in comparison.reasons)


def test_one_doubt_is_forgiven_two_are_not_unless_the_duration_agrees() -> None:
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


def test_an_album_that_is_live_makes_an_unmarked_track_live() -> None:
    assert not compare(SONG, candidate(album="Live in Oslo", duration=None)).accepted
    live = Song("Harbour Lights", "The Paper Lanterns", "Live in Oslo")
    assert compare(live, candidate(album="Live in Oslo", duration=None)).accepted
    assert not compare(live, candidate(duration=None)).accepted


def test_a_live_release_known_by_name_only_to_spotify_is_believed_where_length_agrees() -> None:
    song = Song("Harbour Lights", "The Paper Lanterns", "South of Sand", 214.0)
    live = candidate(title="Harbour Lights - Live", album="South of Sand", duration=215.0)
    assert compare(song, live).accepted
    assert not compare(
        song, candidate(title="Harbour Lights - Live", album="Night Ferry", duration=215.0)
    ).accepted


def test_a_release_of_remixes_raises_a_doubt_only() -> None:
    song = Song("Harbour Lights", "The Paper Lanterns", "The Remixes")
    comparison = compare(song, candidate(album=None))
    assert comparison.accepted
    assert comparison.score < 1.0


# --- odd input ---


@pytest.mark.parametrize("title", [None, "", "  ", float("nan")])
@pytest.mark.parametrize("artist", [None, "", float("nan")])
def test_missing_names_score_low_and_never_raise(title: object, artist: object) -> None:
    song = Song(title, artist)  # type: ignore[arg-type]
    odd = Candidate("id", title, artist)  # type: ignore[arg-type]
    for comparison in (compare(song, candidate()), compare(SONG, odd), compare(song, odd)):
        assert not comparison.accepted
        assert comparison.score <= REFUSED_FACTOR


@pytest.mark.parametrize(
    "names", [None, [], "", "The Paper Lanterns", ["The Paper Lanterns", None, float("nan")], 3.0]
)
def test_artist_names_of_any_shape_are_taken(names: object) -> None:
    odd = Candidate("id", "Harbour Lights", names)  # type: ignore[arg-type]
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
        (candidate("Harbour Lights (La Mer)"), "title equal but for the words 'la mer'"),
        (candidate("Harbour Lights - Live", album="Gold"), "another version: live"),
        (candidate("Harbour Lights, Pt. 2"), "another part"),
        (candidate("Wheels"), "another title"),
        (candidate(artist_names=("Orchid",)), "another artist"),
        (candidate(artist_names=("Karaoke Kings",)), "performed by a karaoke or tribute artist"),
        (candidate(duration=201.2), "1.2 s apart"),
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
    share = sum(row.points for row in rows) / sum(row.of for row in rows)
    factor = 1.0 if comparison.accepted else REFUSED_FACTOR
    assert comparison.score == pytest.approx(share * factor, abs=1e-3)


def test_explain_shows_both_values() -> None:
    rows = {row.evidence: row for row in explain(SONG, candidate("Harbour Lights - Live", duration=None))}
    assert (rows["title"].song, rows["title"].candidate) == ("Harbour Lights", "Harbour Lights - Live")
    assert (rows["version"].song, rows["version"].candidate) == ("", "live")
    assert (rows["duration"].level, rows["duration"].words) == (0, "not compared")


def test_every_evidence_is_declared_from_best_to_worst_and_ends_with_a_level_that_always_holds() -> None:
    for evidence in EVIDENCE:
        accepting = [level.share for level in evidence.levels if not level.refuses]
        assert all(0.0 <= level.share <= 1.0 for level in evidence.levels)
        assert accepting, evidence.name
        assert evidence.levels[-1].when.__name__ == "_always", evidence.name


def test_popularity_is_no_evidence() -> None:
    assert "popularity" not in {evidence.name for evidence in EVIDENCE}
