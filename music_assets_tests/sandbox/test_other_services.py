"""ReccoBeats and ListenBrainz as the sandbox plays them, over plain HTTP."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import requests

from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets_tests.support.faults import Faults
from music_assets_tests.support.sandbox import (
    SandboxServer,
    running_sandbox,
    songs_frame,
)

SONGS = songs_frame(60)
UNKNOWN = "0" * 22


@pytest.fixture(scope="module")
def tracks(songs_catalogue: Path) -> dict[str, str]:
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        return dict(db.execute("SELECT id, isrc FROM tracks ORDER BY id"))


def features(server: SandboxServer, ids: Any) -> requests.Response:
    return requests.get(f"{server.address.reccobeats_url}audio-features", params={"ids": ids}, timeout=10)


def lookup(server: SandboxServer, body: Any) -> requests.Response:
    url = f"{server.address.listenbrainz_url}spotify-id-from-metadata/json"
    return requests.post(url, json=body, timeout=10)


def test_reccobeats_leaves_out_what_it_does_not_know(server: SandboxServer, tracks: dict[str, str]) -> None:
    ids = list(tracks)[:39]
    content = features(server, ",".join([*ids, UNKNOWN])).json()["content"]
    assert 20 < len(content) < 39
    for item in content:
        assert item.keys() == set(
            "id href isrc acousticness danceability energy instrumentalness key liveness loudness mode "
            "speechiness tempo valence".split()
        )
        id_ = item["href"].rpartition("/")[2]
        assert id_ in ids and item["isrc"] == tracks[id_] and item["id"] != id_
    assert features(server, ids).json()["content"] == content  # repeated or joined by commas


def test_reccobeats_takes_isrcs_too_and_may_answer_with_several_tracks(
    server: SandboxServer, tracks: dict[str, str]
) -> None:
    isrcs = list(tracks.values())
    shared_isrcs = list({isrc for isrc in isrcs if isrcs.count(isrc) > 1})[:40]
    content = features(server, ",".join(shared_isrcs)).json()["content"]
    assert {item["isrc"] for item in content} <= set(shared_isrcs)
    assert len(content) > len({item["isrc"] for item in content})


@pytest.mark.parametrize("count", [0, 41])
def test_reccobeats_takes_one_to_forty(server: SandboxServer, count: int) -> None:
    assert features(server, ",".join([UNKNOWN] * count)).status_code == 400
    assert features(server, ",".join([UNKNOWN] * 40)).json() == {"content": []}


def named(song: Any) -> dict[str, str]:
    return {"artist_name": song.artist_name, "release_name": song.release, "track_name": song.title}


def test_listenbrainz_responds_in_the_order_of_the_request(server: SandboxServer) -> None:
    songs = [named(song) for song in SONGS.itertuples()]
    answer = lookup(server, songs).json()
    assert [{name: row[name] for name in songs[0]} for row in answer] == songs
    found = [row["spotify_track_ids"] for row in answer]
    assert sum(map(bool, found)) > 20 and not all(found)
    other_release = lookup(server, [{**song, "release_name": "Another"} for song in songs]).json()
    assert sum(bool(row["spotify_track_ids"]) for row in other_release) >= sum(map(bool, found))


def test_listenbrainz_compares_letters_alone_and_takes_the_msds_underscore_for_one(
    server: SandboxServer,
) -> None:
    songs = [named(song) for song in SONGS.itertuples()]
    plain = [row["spotify_track_ids"] for row in lookup(server, songs).json()]
    loud = [{name: f" {text.upper()}! " for name, text in song.items()} for song in songs]
    assert [row["spotify_track_ids"] for row in lookup(server, loud).json()] == plain
    odd = [{**song, "track_name": song["track_name"].replace(" ", "_")} for song in songs]
    assert not any(row["spotify_track_ids"] for row in lookup(server, odd).json())


@pytest.mark.parametrize("body", [{}, [{}], ["x"], [{"artist_name": "a", "track_name": "b"}], None])
def test_listenbrainz_needs_all_three_names(server: SandboxServer, body: Any) -> None:
    assert lookup(server, body).status_code == 400


def test_their_faults_are_their_own(server: SandboxServer) -> None:
    server.sandbox.other_faults = Faults(rate_per_30s=1)
    assert [features(server, UNKNOWN).status_code for _ in range(2)] == [200, 429]
    assert features(server, UNKNOWN).headers["retry-after"] == "30"
    server.clock.now += 30
    assert features(server, UNKNOWN).status_code == 200
    assert server.sandbox.requests["reccobeats"] == 4
    answer = requests.get(f"{server.address.base_url}search", timeout=10)
    assert answer.status_code == 401  # Spotify's, which wants a token and has no such limit


def test_a_sandbox_in_a_process_plays_them_too(songs_catalogue: Path) -> None:
    with running_sandbox(songs_catalogue, other_faults={"quota_per_day": 1}) as address:
        url = f"{address.reccobeats_url}audio-features?ids={UNKNOWN}"
        assert [requests.get(url, timeout=10).status_code for _ in range(2)] == [200, 429]
        assert address.listenbrainz_url.startswith("http://127.0.0.1:")
