"""What several songs of a release tell together: artists renamed since."""

from __future__ import annotations

from dataclasses import replace

import pytest

from music_assets.matching import Candidate, Song, decide, explain, renamed_artists

TITLES = ("Harbour Lights", "Night Ferry", "Salt and Sand", "Low Tide")
SONGS = [Song(title, "The Paper Lanterns", "Harbour", 200.0 + 10 * i) for i, title in enumerate(TITLES)]
TRACKS = [
    Candidate(f"track {i}", title, ("Lantern Club",), "Harbour", 200.4 + 10 * i)
    for i, title in enumerate(TITLES)
]
RENAMED = frozenset({("paper lanterns", "lantern club")})


def test_three_songs_that_agree_in_title_and_length_make_two_names_one_artist() -> None:
    assert renamed_artists(SONGS, TRACKS) == RENAMED
    assert renamed_artists(SONGS[:3], TRACKS) == RENAMED
    assert renamed_artists(SONGS[:2], TRACKS) == frozenset()


def test_every_song_of_the_release_is_then_matched_and_the_reasons_say_why() -> None:
    decisions = [decide(song, TRACKS, renamed_artists(SONGS, TRACKS)) for song in SONGS]
    assert [decision.best for decision in decisions] == [track.id for track in TRACKS]
    why = "artist renamed, as the songs of the release show"
    assert all(why in decision.ranked[0].comparison.reasons for decision in decisions)
    assert why in [row.words for row in explain(SONGS[0], TRACKS[0], RENAMED)]
    assert decide(SONGS[0], TRACKS).status == "below_floor"


def test_the_renaming_holds_for_other_songs_of_the_artist() -> None:
    other = Song("Open Sea", "Paper Lanterns_ The", "Gold", 300.0)
    track = Candidate("x", "Open Sea", ("Lantern Club",), "Gold", 300.2)
    assert decide(other, [track], renamed_artists(SONGS, TRACKS)).status == "matched"
    live = replace(track, title="Open Sea - Live", album="On Stage")
    assert decide(other, [live], renamed_artists(SONGS, TRACKS)).status == "below_floor"


@pytest.mark.parametrize(
    "tracks",
    [
        [replace(track, duration=(track.duration or 0) + 6) for track in TRACKS],
        [replace(track, duration=None) for track in TRACKS],
        [replace(track, title=f"{track.title} (Live)") for track in TRACKS],
        [replace(track, artist_names=("Lantern Club Karaoke",)) for track in TRACKS],
        [replace(track, artist_names=(f"Artist {i}",)) for i, track in enumerate(TRACKS)],
        [replace(track, album=f"Album {i}") for i, track in enumerate(TRACKS)],
        [replace(track, title="Intro") for track in TRACKS],
    ],
    ids=["other lengths", "no lengths", "live", "karaoke", "several artists", "several albums", "no names"],
)
def test_less_than_that_is_not_evidence(tracks: list[Candidate]) -> None:
    assert renamed_artists(SONGS, tracks) == frozenset()


def test_one_title_that_comes_thrice_counts_once() -> None:
    songs, tracks = [SONGS[0]] * 3, [replace(TRACKS[0], id=str(i)) for i in range(3)]
    assert renamed_artists(songs, tracks) == frozenset()


def test_an_artist_of_the_same_name_is_not_renamed() -> None:
    same = [replace(track, artist_names=("Paper Lanterns",)) for track in TRACKS]
    assert renamed_artists(SONGS, same) == frozenset()
    assert [decide(song, same).status for song in SONGS] == ["matched"] * 4
