"""The sources without a key as the sandbox plays them, over plain HTTP: shapes, gaps, limits and refusals."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests

from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets_tests.support.faults import Faults
from music_assets_tests.support.sandbox import (
    SandboxServer,
    running_sandbox,
    songs_frame,
    truth,
)

SONGS = songs_frame(240)
UNKNOWN = "0" * 22
UNKNOWN_MBID = "00000000-0000-4000-8000-000000000000"
OURS = {"user-agent": "a test of ours"}
FEATURES = set(
    "id href isrc acousticness danceability energy instrumentalness key liveness loudness mode speechiness "
    "tempo valence".split()
)
TRACK = set(
    "id trackTitle artists durationMs isrc ean upc href availableCountries popularity".split(),
)


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return SONGS


@pytest.fixture(scope="module")
def tracks(songs_catalogue: Path) -> dict[str, str]:
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        return dict(db.execute("SELECT id, isrc FROM tracks ORDER BY id"))


def reccobeats(server: SandboxServer, path: str, ids: Any, headers: Any = OURS) -> requests.Response:
    url = f"{server.address.reccobeats_url}{path}"
    return requests.get(url, params={"ids": ids}, headers=headers, timeout=10)


def lookup(server: SandboxServer, body: Any) -> requests.Response:
    url = f"{server.address.labs_url}spotify-id-from-metadata/json"
    return requests.post(url, json=body, timeout=10)


def popularity(server: SandboxServer, entity: str, mbids: Any) -> requests.Response:
    url = f"{server.address.listenbrainz_url}popularity/{entity}"
    return requests.post(url, json={f"{entity}_mbids": mbids}, timeout=10)


@pytest.mark.parametrize(("path", "fields"), [("audio-features", FEATURES), ("track", TRACK)])
def test_reccobeats_leaves_out_what_it_does_not_know(
    server: SandboxServer, tracks: dict[str, str], path: str, fields: set[str]
) -> None:
    ids = list(tracks)[:39]
    content = reccobeats(server, path, ",".join([*ids, UNKNOWN])).json()["content"]
    assert 20 < len(content) < 39
    for item in content:
        assert item.keys() == fields
        id_ = item["href"].rpartition("/")[2]
        assert id_ in ids and item["isrc"] == tracks[id_] and item["id"] != id_
    assert reccobeats(server, path, ids).json()["content"] == content  # repeated or joined by commas


def test_a_reccobeats_track_names_its_artists_and_no_album(
    server: SandboxServer, songs_catalogue: Path
) -> None:
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        rows = {
            id_: rest
            for id_, *rest in db.execute("SELECT id, name, artist_ids, duration_ms, popularity FROM tracks")
        }
    for item in reccobeats(server, "track", list(rows)[:40]).json()["content"]:
        name, artist_ids, duration_ms, heard = rows[item["href"].rpartition("/")[2]]
        assert (item["trackTitle"], item["durationMs"]) == (name, duration_ms)
        assert abs(item["popularity"] - heard) < 5
        assert [artist["href"].rpartition("/")[2] for artist in item["artists"]] == artist_ids.split()


@pytest.mark.parametrize("path", ["audio-features", "track"])
def test_reccobeats_takes_isrcs_too_and_may_answer_with_several_tracks(
    server: SandboxServer, tracks: dict[str, str], path: str
) -> None:
    isrcs = list(tracks.values())
    shared_isrcs = list({isrc for isrc in isrcs if isrcs.count(isrc) > 1})[:40]
    content = reccobeats(server, path, ",".join(shared_isrcs)).json()["content"]
    assert {item["isrc"] for item in content} <= set(shared_isrcs)
    assert len(content) > len({item["isrc"] for item in content})


@pytest.mark.parametrize("path", ["audio-features", "track"])
@pytest.mark.parametrize("count", [0, 41])
def test_reccobeats_takes_one_to_forty(server: SandboxServer, path: str, count: int) -> None:
    refused = reccobeats(server, path, ",".join([UNKNOWN] * count))
    assert refused.status_code == 400 and refused.json()["status"] == 4004
    assert refused.json()["errors"][0]["message"] == "size must be between 1 and 40"
    assert reccobeats(server, path, ",".join([UNKNOWN] * 40)).json() == {"content": []}


@pytest.mark.parametrize("agent", ["python-requests/2.32.5", "Python-urllib/3.11"])
def test_reccobeats_refuses_pythons_own_user_agents(server: SandboxServer, agent: str) -> None:
    refused = reccobeats(server, "track", UNKNOWN, {"user-agent": agent})
    assert (refused.status_code, refused.text) == (403, "error code: 1010")


def listed(server: SandboxServer, path: str, **params: Any) -> requests.Response:
    url = f"{server.address.reccobeats_url}{path}"
    return requests.get(url, params=params, headers=OURS, timeout=10)


def test_reccobeats_lists_an_artists_tracks_page_by_page(
    server: SandboxServer, tracks: dict[str, str]
) -> None:
    track = reccobeats(server, "track", list(tracks)[:40]).json()["content"][0]
    artist = track["artists"][0]
    spotify_id = artist["href"].rpartition("/")[2]
    for id_ in (spotify_id, artist["id"]):
        (found,) = reccobeats(server, "artist", id_).json()["content"]
        assert (found["id"], found["href"]) == (artist["id"], artist["href"])
    path = f"artist/{artist['id']}/track"
    pages = [listed(server, path, page=0, size=50).json()]
    pages += [listed(server, path, page=at, size=50).json() for at in range(1, pages[0]["totalPages"] + 1)]
    rows = [row for page in pages for row in page["content"]]
    assert track in rows and len(rows) == pages[0]["totalElements"] and pages[-1]["content"] == []
    assert listed(server, path).json()["content"] == rows[:25]
    assert listed(server, path, size=51).status_code == 400
    assert listed(server, f"artist/{spotify_id}/track").status_code == 404  # only its own ids in a path


def test_reccobeats_finds_artists_by_name_the_same_name_first(server: SandboxServer) -> None:
    name = SONGS["artist_name"].iloc[0]
    page = listed(server, "artist/search", searchText=name.upper()).json()
    assert page["content"][0]["name"].lower() == name.lower() and page["size"] == 25
    assert listed(server, "artist/search", searchText="nobody is called so").json()["content"] == []
    assert listed(server, "artist/search").status_code == 400


def named(song: Any) -> dict[str, str]:
    return {"artist_name": song.artist_name, "release_name": song.release, "track_name": song.title}


def test_labs_respond_in_the_order_of_the_request(server: SandboxServer) -> None:
    songs = [named(song) for song in SONGS.itertuples()]
    answer = lookup(server, songs).json()
    assert [{name: row[name] for name in songs[0]} for row in answer] == songs
    found = [row["spotify_track_ids"] for row in answer]
    assert sum(map(bool, found)) > 20 and not all(found)
    other_release = lookup(server, [{**song, "release_name": "Another"} for song in songs]).json()
    assert sum(bool(row["spotify_track_ids"]) for row in other_release) >= sum(map(bool, found))


def test_labs_answer_one_of_equal_songs_in_a_batch(server: SandboxServer) -> None:
    songs = [named(song) for song in SONGS.itertuples()]
    alone = [row["spotify_track_ids"] for row in lookup(server, songs).json()]
    song, ids = next((song, ids) for song, ids in zip(songs, alone, strict=True) if ids)
    loud = {name: text.upper() for name, text in song.items()}
    for batch in ([song, song, song], [song, loud]):
        assert sorted(row["spotify_track_ids"] for row in lookup(server, batch).json())[-2:] == [[], ids]


def test_labs_may_answer_with_an_id_of_another_version(server: SandboxServer, songs_catalogue: Path) -> None:
    right = truth(songs_catalogue)
    songs = [named(song) for song in SONGS.itertuples()]
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        known = {id_ for (id_,) in db.execute("SELECT id FROM tracks")}
    wrong = [
        track_id
        for track_id, row in zip(SONGS["track_id"], lookup(server, songs).json(), strict=True)
        if set(row["spotify_track_ids"]) & known - right[track_id]
    ]
    assert 0 < len(wrong) < 24


def test_labs_compare_letters_alone_and_take_the_msds_underscore_for_one(server: SandboxServer) -> None:
    songs = [named(song) for song in SONGS.itertuples()]
    plain = [row["spotify_track_ids"] for row in lookup(server, songs).json()]
    loud = [{name: f" {text.upper()}! " for name, text in song.items()} for song in songs]
    assert [row["spotify_track_ids"] for row in lookup(server, loud).json()] == plain
    odd = [{**song, "track_name": song["track_name"].replace(" ", "_")} for song in songs]
    assert not any(row["spotify_track_ids"] for row in lookup(server, odd).json())


@pytest.mark.parametrize("body", [{}, [{}], ["x"], [{"artist_name": "a", "track_name": "b"}], None])
def test_labs_need_all_three_names(server: SandboxServer, body: Any) -> None:
    assert lookup(server, body).status_code == 400


@pytest.mark.parametrize("entity", ["recording", "artist"])
def test_listenbrainz_counts_in_the_order_requested_null_for_the_unknown(
    server: SandboxServer, songs_catalogue: Path, entity: str
) -> None:
    table = {"recording": "recordings", "artist": "recorded_artists"}[entity]
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        mbids = [mbid for (mbid,) in db.execute(f"SELECT mbid FROM {table} ORDER BY mbid LIMIT 999")]
    answer = popularity(server, entity, [*mbids, UNKNOWN_MBID])
    rows = answer.json()
    assert [row[f"{entity}_mbid"] for row in rows] == [*mbids, UNKNOWN_MBID]
    assert rows[-1]["total_listen_count"] is None and rows[-1]["total_user_count"] is None
    played = [row for row in rows if row["total_listen_count"] is not None]
    assert len(played) > 0.8 * len(mbids)
    assert all(row["total_listen_count"] >= row["total_user_count"] > 0 for row in played)
    assert answer.headers["x-ratelimit-reset-in"] == "10"


@pytest.mark.parametrize("mbids", [[], None, "x", ["not an MBID"], [UNKNOWN_MBID] * 1001])
def test_listenbrainz_takes_one_to_a_thousand_mbids(server: SandboxServer, mbids: Any) -> None:
    refused = popularity(server, "recording", mbids)
    assert refused.status_code == refused.json()["code"] == 400 and refused.json()["error"]


def test_their_faults_are_their_own(server: SandboxServer) -> None:
    server.sandbox.other_faults = Faults(rate_per_30s=1)
    server.sandbox.faults_of = {"labs": Faults(broken_rate=1, broken=("503",))}
    assert [reccobeats(server, "track", UNKNOWN).status_code for _ in range(2)] == [200, 429]
    assert reccobeats(server, "track", UNKNOWN).headers["retry-after"] == "30"
    assert lookup(server, []).status_code == 503
    busy = popularity(server, "artist", [UNKNOWN_MBID])
    assert (busy.status_code, busy.headers["x-ratelimit-reset-in"]) == (429, "30")
    server.clock.now += 30
    assert reccobeats(server, "track", UNKNOWN).status_code == 200
    assert server.sandbox.requests == {"reccobeats": 4, "labs": 1, "listenbrainz": 1}
    answer = requests.get(f"{server.address.base_url}search", timeout=10)
    assert answer.status_code == 401  # Spotify's, which wants a token and has no such limit


def test_a_sandbox_in_a_process_plays_them_too(songs_catalogue: Path) -> None:
    faults_of = {"labs": {"broken_rate": 1, "broken": ["html"]}}
    with running_sandbox(songs_catalogue, other_faults={"quota_per_day": 1}, faults_of=faults_of) as address:
        url = f"{address.reccobeats_url}audio-features?ids={UNKNOWN}"
        assert [requests.get(url, headers=OURS, timeout=10).status_code for _ in range(2)] == [200, 429]
        answer = requests.post(f"{address.labs_url}spotify-id-from-metadata/json", json=[], timeout=10)
        assert answer.headers["content-type"] == "text/html"
        assert address.dumps_url.startswith("http://127.0.0.1:")
