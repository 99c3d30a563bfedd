"""The sandbox is as strict as the real Spotify: albums, markets, limits, documented errors, rough lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sandbox.spotify.names import split_artists
from music_assets_tests.sandbox.web_api import UNKNOWN, WebApiClient, assert_same_shape, recorded
from music_assets_tests.support.faults import ANSWERS, LIMITS, ROUGH, Faults
from music_assets_tests.support.sandbox import catalogue, running_server, songs_frame, truth

SONGS = songs_frame(400)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("strict"), SONGS)


@pytest.fixture(scope="module")
def extended(path: Path) -> Iterator[WebApiClient]:
    with running_server(path, mode="extended") as server:
        yield WebApiClient(server)


@pytest.fixture(scope="module")
def _development(path: Path) -> Iterator[WebApiClient]:
    with running_server(path) as server:
        yield WebApiClient(server)


@pytest.fixture
def own(_development: WebApiClient) -> WebApiClient:
    """The sandbox in development mode, to break; the next test finds it whole."""
    _development.server.reset()
    _development.login()
    return _development


def all_of(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(open_to_read(path)) as db:
        return db.execute(sql).fetchall()


# -- albums


def listed(client: WebApiClient, album_id: str) -> list[dict[str, Any]]:
    """All tracks of an album, page after page."""
    page = client(f"albums/{album_id}").json()["tracks"]
    items = list(page["items"])
    while page["next"]:
        page = client.session.get(page["next"]).json()
        items += page["items"]
    return items


def test_an_album_lists_the_songs_of_its_release_but_for_a_few(extended: WebApiClient, path: Path) -> None:
    right = truth(path)
    on_it = there = 0
    for (artist, release), songs in SONGS[:200].groupby(["artist_name", "release"]):
        q = f"artist:'{' '.join(split_artists(artist)[0].replace('&', ' ').split())}' album:'{release}'"
        albums = extended("search", q=q, type="album").json()["albums"]["items"]
        names = {album["name"]: album["id"] for album in albums}
        assert release in names, (q, names)
        tracks = {track["id"] for track in listed(extended, names[release])}
        for track_id in songs["track_id"]:
            there += bool(right[track_id])
            on_it += bool(right[track_id] & tracks)
    assert 0.8 < on_it / there < 0.97  # some songs are on another edition or a compilation today


def test_an_album_lists_as_many_tracks_as_it_says(extended: WebApiClient, path: Path) -> None:
    ids = [id_ for (id_,) in all_of(path, "SELECT id FROM albums ORDER BY id")]
    sizes = set()
    for id_ in ids[::25]:
        album = extended(f"albums/{id_}").json()
        tracks = listed(extended, id_)
        sizes.add(len(tracks))
        assert album["total_tracks"] == album["tracks"]["total"] == len(tracks)
        assert len({track["id"] for track in tracks}) == len(tracks)
        numbers = [track["track_number"] for track in tracks]
        assert numbers == sorted(numbers) and numbers[0] >= 1
        assert album["tracks"]["items"] == tracks[:50]
    assert max(sizes) > 50 > min(sizes)


def test_the_catalogues_tracks_are_on_the_album_they_name(extended: WebApiClient) -> None:
    for hit in extended.search("songs", limit=10):
        tracks = {track["id"]: track for track in listed(extended, hit["album"]["id"])}
        same = tracks[hit["id"]]
        assert {name: hit[name] for name in same} == same
        assert not same.keys() & {"album", "external_ids", "popularity"}


def test_a_deluxe_edition_has_all_that_its_album_has(extended: WebApiClient) -> None:
    albums = extended("search", q="deluxe edition", type="album", limit=10).json()["albums"]["items"]
    assert albums and all(album["name"].endswith("(Deluxe Edition)") for album in albums)
    deluxe = [len(listed(extended, album["id"])) for album in albums]
    assert min(deluxe) > 1


def test_albums_are_found_by_name_and_artist_only(extended: WebApiClient) -> None:
    def found(q: str, **params: Any) -> list[str]:
        items = extended("search", q=q, type="album", limit=10, **params).json()["albums"]["items"]
        assert all(item["type"] == "album" and "tracks" not in item for item in items)
        return [item["name"] for item in items]

    assert found("artist:'Marble Foxes' album:'River Songs'")[0] == "River Songs"
    assert found("marble foxes river songs")[0] == "River Songs"
    assert found("album:'Songs River'") == [] == found('album:"River Songs"')
    assert found("track:'Golden Lantern'") == [] == found("isrc:USABC1212345")
    assert found("artist:Hart & Holm album:River Songs") == []
    assert found("artist:'Hart Holm' album:'River Songs'") != []
    page = extended("search", q="artist:'Marble Foxes'", type="album", limit=10).json()["albums"]
    albums = list(page["items"])
    assert page["total"] > 10
    while page["next"]:
        page = extended.session.get(page["next"]).json()["albums"]
        albums += page["items"]
    assert len({album["id"] for album in albums}) == len(albums) == page["total"]
    # Its songs are on compilations too, which are credited to nobody.
    assert {album["artists"][0]["name"].removeprefix("The ") for album in albums} == {"Marble Foxes"}


def test_a_listed_album_has_the_shape_recorded_but_for_newer_fields(
    extended: WebApiClient, shared: Path
) -> None:
    artist = extended.search("artist:'Marble Foxes'")[0]["artists"][0]["id"]
    theirs = recorded(shared, "rspotify/artist_7Ln80lUS6He07XvHI8qqHH_albums_limit_20_offset_0_0.json")
    newer = "album_group artists release_date release_date_precision total_tracks".split()
    ours = extended(f"artists/{artist}/albums", limit=20).json()
    for item in ours["items"]:
        assert set(newer) <= item.keys()
        for name in newer:
            item.pop(name)
    assert_same_shape(ours, theirs)


# -- markets and ids that are gone


def test_in_a_market_some_tracks_come_relinked(
    extended: WebApiClient, own: WebApiClient, path: Path, shared: Path
) -> None:
    ids = [id_ for (id_,) in all_of(path, "SELECT id FROM tracks ORDER BY id LIMIT 200")]
    isrcs = dict(all_of(path, "SELECT id, isrc FROM tracks"))
    tracks = [
        each
        for i in range(0, 200, 50)
        for each in extended("tracks", ids=",".join(ids[i : i + 50]), market="ES").json()["tracks"]
    ]
    moved = {
        requested: track for requested, track in zip(ids, tracks, strict=True) if track["id"] != requested
    }
    assert 5 < len(moved) < 60
    for requested, track in moved.items():
        assert track["linked_from"]["id"] == requested and isrcs[requested] == isrcs[track["id"]]
        assert track["is_playable"] is True and "available_markets" not in track
        plain = own(f"tracks/{requested}", market="ES").json()
        assert plain["id"] == track["id"] and "linked_from" not in plain  # which development mode lost
        assert own(f"tracks/{requested}").json()["id"] == requested
    newer = {".is_local", ".album.total_tracks", ".album.release_date", ".album.release_date_precision"}
    theirs = recorded(shared, "rspotify/track_find_3jfr0TF6DQcOLat8gGn7E2_market_ES_0.json")
    assert_same_shape(next(iter(moved.values())), theirs, new=newer)
    album = next(iter(moved.values()))["album"]["id"]
    ours = extended(f"albums/{album}/tracks", market="ES", limit=50).json()
    assert all(item["is_playable"] and "available_markets" not in item for item in ours["items"])
    assert (
        "market=ES" in ours["href"]
        and "available_markets" not in extended(f"albums/{album}", market="ES").json()
    )


def test_an_id_that_is_gone_is_not_found_and_null_in_a_batch(path: Path) -> None:
    (one,), (two,) = all_of(path, "SELECT id FROM tracks ORDER BY id LIMIT 2")
    with running_server(path, mode="extended") as server:
        client = WebApiClient(server)
        server.sandbox.faults = Faults(gone=frozenset([one]))
        assert client(f"tracks/{one}").status_code == 404
        for batch in ("tracks", "audio-features"):
            (items,) = client(batch, ids=f"{one},{two}").json().values()
            assert items[0] is None and items[1]["id"] == two


# -- further recordings


def test_a_token_an_album_page_and_a_batch_have_the_shapes_recorded(
    own: WebApiClient, extended: WebApiClient, path: Path, shared: Path
) -> None:
    settings = own.server.settings
    token = own.session.post(
        settings.token_url,
        data={"grant_type": "client_credentials"},
        auth=(settings.client_id, settings.client_secret),
    ).json()
    assert_same_shape(token, recorded(shared, "rspotify/authenticate_client_0.json"))
    (id_,) = all_of(path, "SELECT id FROM albums ORDER BY total_tracks DESC LIMIT 1")[0]
    page = extended(f"albums/{id_}/tracks", limit=50, offset=50).json()
    assert page["previous"] and page["items"]
    theirs = recorded(shared, "rspotify/album_find_2js3lkzAjWpD656NK7ZaJX_tracks_0.json")
    assert_same_shape(page, theirs, new={".items.[].is_local"})
    one_and_none = json.loads((shared / "spotify/go/find_tracks_notfound.txt").read_text())["tracks"]
    (track_id,) = all_of(path, "SELECT id FROM tracks LIMIT 1")[0]
    batch = extended("tracks", ids=f"{track_id},{UNKNOWN}").json()["tracks"]
    assert [each is None for each in batch] == [each is None for each in one_and_none] == [False, True]


# -- every documented error


def test_each_recorded_error_is_met_in_the_sandbox(
    own: WebApiClient, extended: WebApiClient, path: Path, shared: Path
) -> None:
    (id_,) = all_of(path, "SELECT id FROM tracks LIMIT 1")[0]
    faults = own.server.faults
    met: list[tuple[int, Any, str | None]] = []

    def record(answer: requests.Response) -> None:
        body = answer.json() if answer.content else ""
        met.append((answer.status_code, body, answer.headers.get("retry-after")))

    own.server.sandbox.revoke_tokens()
    record(own("search", q="x", type="track"))
    own.login()
    record(own(f"audio-features/{id_}"))
    record(own("tracks", ids=id_))
    record(own("search", q="x", type="track", limit=11))
    record(own(f"tracks/{UNKNOWN}"))
    record(
        own.session.post(
            own.server.settings.token_url, data={"grant_type": "client_credentials"}, auth=("a", "b")
        )
    )
    record(extended("audio-features", ids=UNKNOWN))
    for name in ("wait_0", "wait_untold", "wait_a_day", "502"):
        faults.script.append(ANSWERS[name])
        record(own("search", q="x", type="track"))
    met_errors = {(status, json.dumps(body, sort_keys=True)) for status, body, _ in met}
    waits = {wait for _, _, wait in met}
    for each in json.loads((shared / "spotify/errors.json").read_text()):
        if "playlist" in each.get("endpoint", "") or (each["status"] == 429 and "body" not in each):
            continue  # no playlists here; of some 429s only the headers were recorded
        assert (each["status"], json.dumps(each["body"], sort_keys=True)) in met_errors, each
    assert {"0", None, "86207"} <= waits


def test_an_app_whose_owner_has_no_premium_is_refused(own: WebApiClient) -> None:
    own.server.faults.script.append(LIMITS["premium"])
    answer = own("search", q="x", type="track")
    assert answer.status_code == 403 and "premium subscription required" in answer.json()["error"]["message"]


# -- limits and rough lines


def search(client: WebApiClient, **more: Any) -> requests.Response:
    return client.session.get(
        client.server.settings.base_url + "search", params={"q": "x", "type": "track"}, **more
    )


def test_a_reset_connection_has_no_answer(own: WebApiClient) -> None:
    own.server.faults.script.append(ROUGH["reset"])
    with pytest.raises(requests.ConnectionError):
        search(own)
    assert search(own).status_code == 200


def test_a_connection_that_hangs_outlasts_the_clients_patience(own: WebApiClient) -> None:
    own.server.faults.script.append(ROUGH["hang"])
    with pytest.raises(requests.ReadTimeout):
        search(own, timeout=0.1)
    assert search(own).status_code == 200
    own.server.faults.hang = 0.05
    own.server.faults.script.append(ROUGH["hang"])
    with pytest.raises(requests.ConnectionError):
        search(own, timeout=20)


def test_a_token_may_expire_in_the_middle(own: WebApiClient) -> None:
    own.server.faults.script.append(ROUGH["expired"])
    assert search(own).json()["error"]["message"] == "The access token expired"
    assert search(own).status_code == 401
    own.login()
    assert search(own).status_code == 200


def test_every_fault_can_be_drawn_at_a_rate(own: WebApiClient) -> None:
    own.server.sandbox.faults = Faults(broken_rate=0.5, broken=tuple(ANSWERS), hang=0.01, seed=3)
    met: set[int | str] = set()
    for _ in range(120):
        try:
            answer = search(own, timeout=60)
        except requests.RequestException as error:
            met.add(type(error).__name__)
            continue
        met.add(answer.status_code)
        if answer.status_code == 401:
            own.login()
    assert {200, 401, 403, 429, 500, 502, 503} <= met and {"ConnectionError", "ChunkedEncodingError"} & met
    with pytest.raises(ValueError, match="no fault 'flood'"):
        Faults(broken=("flood",))


def test_a_quota_may_count_some_kinds_of_request_only(own: WebApiClient) -> None:
    own.server.sandbox.faults = Faults(quota_per_day=1, quota_for=("search",))
    assert [search(own).status_code for _ in range(2)] == [200, 429]
    assert own(f"tracks/{UNKNOWN}").status_code == 404
    own.server.clock.now += 86400
    own.login()
    assert search(own).status_code == 200


def test_latency_comes_before_each_answer(own: WebApiClient) -> None:
    own.server.sandbox.faults = Faults(latency=0.2)
    with pytest.raises(requests.ReadTimeout):
        search(own, timeout=0.05)
