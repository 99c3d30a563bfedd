"""Each way the sandbox misbehaves, as a client without any cleverness sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from music_assets.sandbox.spotify.behaviours import BEHAVIOURS, DAY, MARKET
from music_assets_tests.sandbox.web_api import WebApiClient
from music_assets_tests.support.sandbox import catalogue, running_sandbox, running_server, songs_frame

SONGS = songs_frame(200)
RELEASE = "artist:'Ozone Choir' album:'River Songs'"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("behaviours"), SONGS)


@pytest.fixture(scope="module")
def _client(path: Path) -> Iterator[WebApiClient]:
    with running_server(path) as server:
        yield WebApiClient(server)


@pytest.fixture
def client(_client: WebApiClient) -> WebApiClient:
    _client.server.reset()
    _client.login()
    return _client


def switch(client: WebApiClient, *names: str, **values: float) -> None:
    client.server.sandbox.behaviours.switch({**dict.fromkeys(names), **values})


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def queries(count: int = 100) -> list[str]:
    return [f"track:'{title.split(' (')[0]}'" for title in SONGS["title"][:count]]


def test_misled_searches_bring_other_songs(client: WebApiClient) -> None:
    assert client.search("track:'No Such Song'") == []
    honest = {q: ids(client.search(q, limit=10)) for q in queries()}
    switch(client, "fuzzy")
    fuzzy = client.search("track:'No Such Song'", limit=10)
    assert len(fuzzy) == 10 == len(ids(client.search("track:'No Such Song'", limit=10)))
    assert client.search("No Such Song At All") == []  # words without a filter find what there is
    assert {q: ids(client.search(q, limit=10)) for q in queries()} == {
        q: found or ids(client.search(q, limit=10)) for q, found in honest.items()
    }
    switch(client, "junk")
    junk = [q for q, found in honest.items() if ids(client.search(q, limit=10)) != found]
    assert 0.1 < len(junk) / len(honest) < 0.4
    assert ids(client.search(junk[0])) == ids(client.search(junk[0]))


def test_searches_for_a_release_list_less_or_other_tracks(client: WebApiClient) -> None:
    honest = client.search(RELEASE, limit=10)
    album = honest[0]["album"]
    assert honest and {hit["album"]["name"] for hit in honest} <= {"River Songs"}
    switch(client, "fillers")
    filled = client.search(RELEASE, limit=10)
    assert ids(filled) != ids(honest) and len(filled) == 10
    listed = client(f"albums/{album['id']}").json()["tracks"]["items"]
    of_album = [hit for hit in filled if hit["album"]["id"] == album["id"]]
    assert {*ids(of_album)} <= {*ids(listed), *ids(honest)} and {*ids(of_album)} - {*ids(honest)}
    assert client(f"tracks/{ids(honest)[0]}").status_code == 200
    switch(client, "few_hits")
    assert len(client.search(RELEASE, limit=10)) <= 5
    switch(client, few_hits=2)
    assert ids(client.search(RELEASE, limit=10)) == ids(honest)[:2]
    switch(client, "hidden_albums")
    assert client.search(RELEASE) == [] and client.search("album:'River Songs'")


def test_search_without_a_market_knows_what_is_sold_in_one_country(client: WebApiClient) -> None:
    def found(**params: str) -> int:
        return sum(len(client.search(q, limit=10, **params)) for q in queries(40))

    everything = found()
    switch(client, "markets")
    assert found(market=MARKET) == everything
    assert 0.6 * everything < found() < 0.95 * everything
    assert found() == found(market="US")


def test_a_bucket_is_open_again_when_its_oldest_request_is_a_day_old(client: WebApiClient) -> None:
    clock = client.server.clock
    switch(client, buckets=3)
    track = client.search("river")[0]["id"]
    for _ in range(2):
        clock.now += 100
        client.search("river")
    refused = client("search", q="river", type="track")
    assert refused.status_code == 429 and refused.json()["error"]["reason"] == "QUOTA_EXCEEDED"
    assert float(refused.headers["retry-after"]) == DAY - 200
    assert client(f"tracks/{track}").status_code == 200  # another bucket
    switch(client, buckets=3, fuzzy=1.0)  # with others on, it counts on
    assert client("search", q="river", type="track").status_code == 429
    clock.now += DAY - 200
    client.login()
    assert client("search", q="river", type="track").status_code == 200
    assert client("search", q="river", type="track").status_code == 429


def test_premium_is_missed_once(client: WebApiClient) -> None:
    switch(client, premium=2)
    answers = [client("search", q="river", type="track") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 403, 200, 200]
    assert answers[1].text.startswith("Active premium") and answers[1].headers["content-type"].startswith(
        "text/plain"
    )


def test_between_the_modes_tracks_have_their_popularity_but_batches_are_refused(
    client: WebApiClient, path: Path
) -> None:
    assert "popularity" not in client.search("river")[0]
    switch(client, "between_modes")
    hit = client.search("river")[0]
    assert "popularity" in hit and "popularity" in client(f"tracks/{hit['id']}").json()
    assert client("tracks", ids=hit["id"]).status_code == 403


@pytest.mark.parametrize(
    ("name", "share"), [("error_bodies", 0.5), ("empty_pages", 0.5), ("search_404", 0.5), ("search_404", 1.0)]
)
def test_a_share_of_requests_has_no_answer_and_a_repetition_may(
    client: WebApiClient, name: str, share: float
) -> None:
    def is_answer(q: str) -> bool:
        answer = client("search", q=q, type="track")
        tracks = answer.json().get("tracks") or {}
        items = tracks.get("items")
        if name == "empty_pages" and items == []:
            assert tracks["total"] in (0, 734)
        return answer.status_code == 200 and bool(items)

    asked = [q for q in queries() if is_answer(q)]
    switch(client, **{name: share})
    first = [is_answer(q) for q in asked]
    assert abs(first.count(False) / len(asked) - share) < 0.2
    assert any(is_answer(q) for q in asked) == (share < 1)
    switch(client, **{name: share})
    assert [is_answer(q) for q in asked] == first


def test_hits_may_lack_a_name_or_have_one_that_is_no_text(client: WebApiClient) -> None:
    honest = client.search("river")
    switch(client, nameless=1.0)
    named = client.search("river", limit=10)
    assert [(hit["name"], hit["id"]) for hit in named[:3]] == [
        ("", honest[0]["id"]),
        (None, honest[0]["id"]),
        (honest[0]["name"], "../../x"),
    ]
    switch(client, half_pairs=1.0)
    assert {json.loads(json.dumps(hit["name"]))[-1] for hit in client.search("river")} == {"\ud83c"}
    switch(client, nameless=1.0, half_pairs=1.0)
    assert [hit["name"] for hit in client.search("river")[:2]] == ["", None]


def test_behaviours_are_switched_over_http_and_in_a_process_of_their_own(path: Path) -> None:
    with running_sandbox(path, mode="development", behaviours={"fuzzy": None, "junk": 0.5}) as address:
        url = address.base_url.removesuffix("v1/") + "sandbox/behaviours"
        assert requests.get(url).json() == {"fuzzy": 1.0, "junk": 0.5}
        assert requests.put(url, json={"buckets": None}).json() == {"buckets": 600}
        for wrong in (b'{"bucket": 3}', b"[1]", b"{"):
            answer = requests.put(url, data=wrong)
            assert answer.status_code == 400 and answer.text
        assert requests.get(url).json() == {"buckets": 600}


def test_every_behaviour_says_what_its_number_is() -> None:
    assert all(behaviour.value > 0 and behaviour.meaning for behaviour in BEHAVIOURS.values())
