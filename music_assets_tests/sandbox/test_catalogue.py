"""The catalogue follows from the songs alone, holds the truth, and is only built where something changed."""

from __future__ import annotations

import contextlib
import math
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sandbox.spotify.catalogue import ensure_catalogue, open_to_read, songs_of
from music_assets.sandbox.spotify.entities import Song
from music_assets.sandbox.spotify.generator import tracks_of
from music_assets.sandbox.spotify.names import fold, spotify_id
from music_assets_tests.support.sandbox import build_catalogue, songs_frame, truth

SONGS = songs_frame(600)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.sqlite"
    build_catalogue([SONGS], path)
    return path


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(open_to_read(path)) as db:
        return db.execute(sql).fetchall()


CONTENT = {
    "tracks": "SELECT id, name, artist_ids, album_id, isrc, duration_ms, popularity, track_number, key, "
    "mode, tempo, loudness, time_signature FROM tracks ORDER BY id",
    "artists": "SELECT * FROM artists ORDER BY id",
    "albums": "SELECT * FROM albums ORDER BY id",
    "songs": "SELECT track_id, recording, duration, right FROM songs ORDER BY track_id",
}


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows(path, sql) for name, sql in CONTENT.items()}


def found(path: Path, words: str) -> set[str]:
    sql = f"SELECT t.id FROM words JOIN tracks t ON t.number = words.rowid WHERE words MATCH '{words}'"
    return {id_ for (id_,) in rows(path, sql)}


# -- what a song becomes


def test_ids_and_isrcs_look_like_the_real_ones(built: Path) -> None:
    for id_, isrc, artists, album in rows(built, "SELECT id, isrc, artist_ids, album_id FROM tracks"):
        for each in (id_, album, *artists.split()):
            assert re.fullmatch(r"[0-9A-Za-z]{22}", each)
        assert re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", isrc)
    assert (
        spotify_id("track", "TRA", "0") == spotify_id("track", "TRA", "0") != spotify_id("track", "TRA", "1")
    )


def test_some_songs_are_missing_and_the_rest_have_right_tracks(built: Path) -> None:
    right = truth(built)
    assert right.keys() == set(SONGS["track_id"])
    missing = sum(not ids for ids in right.values()) / len(right)
    assert 0.04 < missing < 0.12
    ids = {id_ for (id_,) in rows(built, "SELECT id FROM tracks")}
    assert set().union(*right.values()) < ids


def test_right_tracks_are_the_song_as_a_service_lists_it(built: Path) -> None:
    durations = dict(rows(built, "SELECT id, duration_ms FROM tracks"))
    isrcs = dict(rows(built, "SELECT id, isrc FROM tracks"))
    names = dict(rows(built, "SELECT id, name FROM tracks"))
    seconds = dict(zip(SONGS["track_id"], SONGS["duration"], strict=True))
    titles = dict(zip(SONGS["track_id"], SONGS["title"], strict=True))
    right = truth(built)
    for track_id, ids in right.items():
        assert all(abs(durations[id_] / 1000 - seconds[track_id]) < 5 for id_ in ids)
        assert len({isrcs[id_] for id_ in ids}) <= 1  # copies share their ISRC
        if "(Live)" in titles[track_id]:
            assert all("live" in names[id_].lower() for id_ in ids)
        else:
            assert not any("live" in names[id_].lower() for id_ in ids)
    listed = Counter(names[id_] == titles[track_id] for track_id, ids in right.items() for id_ in ids)
    assert listed[True] > 300 and listed[False] > 100
    assert any(len(ids) > 1 for ids in right.values())


def test_beside_them_stand_tracks_that_are_not_the_song(built: Path) -> None:
    right = set().union(*truth(built).values())
    wrong = [
        (name, artist)
        for id_, name, artist in rows(built, "SELECT id, name, artist_words FROM tracks")
        if id_ not in right
    ]
    kinds = {
        "live": sum(" - Live" in name or "(Live" in name for name, _ in wrong),
        "karaoke": sum("Karaoke" in artist or "Karaoke" in name for name, artist in wrong),
        "remix": sum("Remix" in name for name, _ in wrong),
        "others": sum(artist in ("Otis Wren", "Mara Lindqvist", "Kite Weather") for _, artist in wrong),
    }
    assert min(kinds.values()) > 40, kinds
    assert 2.5 < len(rows(built, "SELECT id FROM tracks")) / len(SONGS) < 5


def test_credits_leave_the_title_for_the_list_of_artists() -> None:
    songs = [
        Song(f"TR{i}", "Losing Weight (feat. Juelz Santana)", "Cam / Jim Jones", "Ran", 240.0)
        for i in range(60)
    ]
    right = [track for song in songs for track in tracks_of(song) if track.right]
    assert {tuple(artist.name.removeprefix("The ") for artist in track.artists) for track in right} == {
        ("Cam", "Jim Jones", "Juelz Santana")
    }
    assert {"feat" in track.name for track in right} == {True, False}


@pytest.mark.parametrize(
    ("msd", "spotify"), [("Hello_ Goodbye", "Hello, Goodbye"), ("Either_Or", "Either/Or"), ("Wait_", "Wait,")]
)
def test_the_msds_underscore_becomes_the_sign_it_stands_for(msd: str, spotify: str) -> None:
    names = Counter(
        t.name for i in range(20) for t in tracks_of(Song(f"TR{i}", msd, "Ana", "A", 200.0)) if t.right
    )
    assert names.most_common(1)[0][0] == spotify


def test_features_follow_the_songs_own() -> None:
    song = Song(
        "TRB", "Title", "Ana", "A", 200.0, key=7, mode=0, tempo=131.0, loudness=-6.0, time_signature=3
    )
    own = tracks_of(song)[0]
    assert own.right and (own.key, own.mode, own.time_signature) == (7, 0, 3)
    assert abs(own.tempo - 131) < 2 and abs(own.loudness + 6) <= 1


TEXT = st.text(min_size=1, max_size=40)


@given(TEXT, TEXT, TEXT, st.floats(0.5, 3000), st.none() | st.integers(1922, 2011))
def test_any_song_becomes_tracks_the_same_each_time(
    title: str, artist: str, release: str, duration: float, year: int | None
) -> None:
    song = Song("TRX", title, artist, release, duration, year)
    tracks = tracks_of(song)
    assert tracks == tracks_of(song)
    assert len({track.id for track in tracks}) == len(tracks)
    for track in tracks:
        assert track.artists and track.duration_ms > 0 and 0 <= track.popularity <= 100
        assert re.fullmatch(r"\d{4}(-\d\d){0,2}", track.album.release_date)


@pytest.mark.parametrize(
    "number",
    [
        *({"duration": value} for value in (1e308, 1e6, -5.0, 0.0, math.inf, math.nan)),
        *({"year": value} for value in (2**31 - 1, -7)),
        {"tempo": 1e308, "loudness": -1e308},
        {"key": 2**31 - 1, "mode": -(2**31), "time_signature": 10**9},
        {"song_hotttnesss": 1e308, "artist_hotttnesss": -1e308},
    ],
)
def test_a_number_that_no_song_has_stops_no_other_song(tmp_path: Path, number: dict[str, float]) -> None:
    """As in a damaged file."""
    frame = songs_frame(5)
    frame = pd.concat([frame, songs_frame(1, 5).assign(**number)], ignore_index=True)
    build_catalogue([frame], tmp_path / "odd.sqlite")
    build_catalogue([songs_frame(5)], tmp_path / "without.sqlite")
    others, found = truth(tmp_path / "without.sqlite"), truth(tmp_path / "odd.sqlite")
    assert {track_id: found[track_id] for track_id in others} == others


def test_names_are_folded_to_what_spellings_share() -> None:
    assert fold("The Béatles") == fold("beatles") and fold("Hart & Holm") == fold("Hart and Holm")
    assert fold("The The") == "the"


# -- truth


def test_duplicates_in_the_msd_share_what_is_right(tmp_path: Path) -> None:
    twins = pd.DataFrame(
        [
            ("TRA", "Soul Deep", "The Box", 200.0),
            ("TRB", "soul deep (Album Version)", "Box", 203.0),
            ("TRC", "Soul Deep", "The Box", 240.0),
            ("TRD", "Soul Deep (Live)", "The Box", 200.0),
        ],
        columns=["track_id", "title", "artist_name", "duration"],
    )
    build_catalogue([twins], tmp_path / "c.sqlite")
    right = truth(tmp_path / "c.sqlite")
    assert right["TRA"] == right["TRB"] != set()
    assert not right["TRA"] & right["TRC"] and not right["TRA"] & right["TRD"]


def test_songs_without_the_least_are_left_out() -> None:
    frame = pd.DataFrame(
        {
            "track_id": ["A", "B", "C", "D"],
            "title": ["T", None, "T", float("nan")],
            "artist_name": ["X", "X", "", "X"],
            "duration": [100.0, 100.0, 100.0, 100.0],
        }
    )
    assert [(song.track_id, song.release, song.year) for song in songs_of(frame)] == [("A", "T", None)]


# -- building


def test_the_order_of_directories_makes_no_difference(tmp_path: Path, built: Path) -> None:
    parts = [(str(i), "v1", lambda i=i: SONGS.iloc[i * 150 : (i + 1) * 150]) for i in range(4)]
    ensure_catalogue(tmp_path / "a.sqlite", parts)
    ensure_catalogue(tmp_path / "b.sqlite", reversed(parts))
    assert content(tmp_path / "a.sqlite") == content(tmp_path / "b.sqlite") == content(built)


def test_directories_that_spell_an_artist_differently_agree_on_one(tmp_path: Path) -> None:
    def spelt(name: str, track_id: str, year: int) -> pd.DataFrame:
        return songs_frame(1, start=7).assign(artist_name=name, track_id=track_id, year=year)

    parts = [
        ("AA", "1", lambda: spelt("Señor Volante", "TRAAAAA", 1999)),
        ("AB", "1", lambda: spelt("senor volante", "TRAAAAB", 1988)),
    ]
    ensure_catalogue(tmp_path / "a.sqlite", parts)
    ensure_catalogue(tmp_path / "b.sqlite", reversed(parts))
    assert content(tmp_path / "a.sqlite") == content(tmp_path / "b.sqlite")
    spellings = [name for (name,) in rows(tmp_path / "a.sqlite", "SELECT name FROM artists")]
    assert sum(fold(name) == "senor volante" for name in spellings) == 1


def test_only_what_changed_is_built_again(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    loaded = Counter[str]()

    def directory(key: str, fingerprint: str, frame: pd.DataFrame) -> tuple[str, str, Any]:
        def load() -> pd.DataFrame:
            loaded[key] += 1
            return frame

        return key, fingerprint, load

    before = [directory("AA", "1", SONGS[:40]), directory("AB", "1", SONGS[40:80])]
    assert ensure_catalogue(path, before) == ["AA", "AB"]
    assert ensure_catalogue(path, before) == []
    after = [directory("AA", "1", SONGS[:40]), directory("AB", "2", SONGS[60:120])]
    assert ensure_catalogue(path, after) == ["AB"] and loaded == {"AA": 1, "AB": 2}
    assert truth(path).keys() == set(SONGS["track_id"][:40]) | set(SONGS["track_id"][60:120])
    # The index of words was updated with the tables.
    afresh = tmp_path / "afresh.sqlite"
    ensure_catalogue(afresh, after)
    assert content(path)["tracks"] == content(afresh)["tracks"]
    for word in ("river", "lantern", "live", "marble", "songs"):
        assert found(path, word) == found(afresh, word) != set()


KILLED = """
import os, sys
from music_assets.sandbox.spotify.catalogue import ensure_catalogue
from music_assets_tests.support.sandbox import songs_frame
def die():
    os.kill(os.getpid(), 9)
frames = iter([songs_frame(50), None])
def bad():
    import music_assets.sandbox.spotify.catalogue as catalogue
    catalogue.tracks_of = lambda song: die()
    return songs_frame(50, start=50)
ensure_catalogue(sys.argv[1], [("AA", "1", lambda: songs_frame(50)), ("AB", "1", bad)])
"""


def test_a_build_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)]).returncode == -9
    assert truth(path).keys() == set(songs_frame(50)["track_id"])
    again = [("AA", "1", lambda: SONGS[:50]), ("AB", "1", lambda: SONGS[50:100])]
    assert ensure_catalogue(path, again) == ["AB"]
    assert len(truth(path)) == 100


def test_a_loader_that_fails_leaves_the_directory_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    ensure_catalogue(path, [("AA", "1", lambda: SONGS[:50])])
    before = content(path)

    def fail() -> pd.DataFrame:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        ensure_catalogue(path, [("AA", "2", fail)])
    assert content(path) == before


@pytest.mark.parametrize("bad", ["no database", "another version"])
def test_a_file_that_is_not_a_catalogue_is_rebuilt(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "c.sqlite"
    if bad == "no database":
        path.write_bytes(b"something else" * 1000)
    else:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 77")
    assert ensure_catalogue(path, [("AA", "1", lambda: SONGS[:20])]) == ["AA"]
    assert len(truth(path)) == 20


def test_there_is_no_truth_without_a_catalogue(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ensure_catalogue"):
        truth(tmp_path / "none.sqlite")
