"""The sandbox's Spotify answers as the real one was recorded to, in both access modes, faults included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from music_assets.sandbox.spotify.search import parse
from music_assets_tests.sandbox.web_api import UNKNOWN, WebApiClient, assert_same_shape, recorded, shape
from music_assets_tests.support.faults import BROKEN, Faults
from music_assets_tests.support.sandbox import catalogue, running_server, songs_frame

SONGS = songs_frame(300)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue(tmp_path_factory.mktemp("server"), SONGS)


@pytest.fixture(scope="module")
def development(path: Path) -> Iterator[WebApiClient]:
    with running_server(path) as server:
        yield WebApiClient(server)


@pytest.fixture(scope="module")
def extended(path: Path) -> Iterator[WebApiClient]:
    with running_server(path, mode="extended") as server:
        yield WebApiClient(server)


@pytest.fixture
def own(path: Path) -> Iterator[WebApiClient]:
    """A sandbox of the test's own, to break."""
    with running_server(path) as server:
        yield WebApiClient(server)


@pytest.fixture(scope="module")
def recorded_errors(shared: Path) -> dict[tuple[int, str], Any]:
    listed = json.loads((shared / "spotify/errors.json").read_text())
    return {(each["status"], each.get("endpoint", "")): each.get("body") for each in listed}


# -- search


def test_a_page_has_five_hits_by_default_and_ten_at_most(extended: WebApiClient) -> None:
    assert len(extended.search("songs")) == 5
    assert len(extended.search("songs", limit=10)) == 10
    for limit in (0, 11, 50, -1, "x"):
        answer = extended("search", q="songs", type="track", limit=limit)
        assert answer.status_code == 400
        assert answer.json() == {"error": {"status": 400, "message": "Invalid limit"}}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"q": "", "type": "track"}, "No search query"),
        ({"type": "track"}, "No search query"),
        ({"q": "x" * 251, "type": "track"}, "Query exceeds maximum length of 250 characters"),
        ({"q": "x"}, "Missing parameter type"),
        ({"q": "x", "type": "playlist"}, "Bad search type field playlist"),
        ({"q": "x", "type": "track", "offset": 1001}, "Invalid offset"),
    ],
)
def test_a_search_that_is_refused_says_why(
    extended: WebApiClient, params: dict[str, Any], message: str
) -> None:
    answer = extended("search", **params)
    assert (answer.status_code, answer.json()) == (400, {"error": {"status": 400, "message": message}})


def test_pages_follow_one_another_by_their_links(extended: WebApiClient) -> None:
    seen: list[str] = []
    page = extended("search", q="live", type="track", limit=10).json()["tracks"]
    total = page["total"]
    while True:
        seen += [item["id"] for item in page["items"]]
        if not page["next"]:
            break
        assert page["next"].startswith(extended.server.settings.base_url)
        page = extended.session.get(page["next"]).json()["tracks"]
    assert len(seen) == len(set(seen)) == total > 10
    assert page["previous"] and page["offset"] == (total - 1) // 10 * 10


def test_the_same_query_has_the_same_response(extended: WebApiClient) -> None:
    assert extended.search("golden lantern") == extended.search("golden lantern") != []


def test_all_words_must_match_and_the_most_telling_hits_come_first(extended: WebApiClient) -> None:
    hits = extended.search("Golden Lantern Marble Foxes", limit=10)
    assert hits and all("Golden Lantern" in hit["name"] for hit in hits)
    assert any(artist["name"].endswith("Marble Foxes") for artist in hits[0]["artists"])
    assert extended.search("Golden Lantern Marble Foxes nowhereatall") == []


def names(hits: list[dict[str, Any]]) -> set[str]:
    return {hit["name"] for hit in hits}


def test_filters_narrow_a_search_to_a_field(extended: WebApiClient) -> None:
    by_artist = extended.search("artist:'Marble Foxes'", limit=10)
    assert by_artist and all("Marble Foxes" in h["artists"][0]["name"] for h in by_artist)
    both = extended.search("track:'Golden Lantern' artist:'Marble Foxes'", limit=10)
    assert both and all("Golden Lantern" in name for name in names(both))
    assert extended.search("track:Golden Lantern artist:Marble Foxes", limit=10) == both
    album = both[0]["album"]["name"]
    assert all(hit["album"]["name"].startswith(album) for hit in extended.search(f"album:'{album}'"))
    year = both[0]["album"]["release_date"][:4]
    in_year = extended.search(f"track:'Golden Lantern' year:{year}", limit=10)
    assert in_year and {hit["album"]["release_date"][:4] for hit in in_year} == {year}
    decade = f"{int(year) - 5}-{int(year) + 4}"
    assert len(extended.search(f"track:'Golden Lantern' year:{decade}", limit=10)) >= len(in_year)
    isrc = both[0]["external_ids"]["isrc"]
    by_isrc = extended.search(f"isrc:{isrc}", limit=10)
    assert by_isrc and {hit["external_ids"]["isrc"] for hit in by_isrc} == {isrc}


def test_among_equal_hits_the_popular_come_first(extended: WebApiClient) -> None:
    pages = [extended.search(f"year:{year}", limit=10) for year in range(1975, 1990)]
    popularity = [[hit["popularity"] for hit in page] for page in pages if len(page) > 2]
    assert len(popularity) > 5 and popularity == [sorted(page, reverse=True) for page in popularity]


def test_values_in_single_quotes_are_phrases_and_in_double_quotes_find_nothing(
    extended: WebApiClient,
) -> None:
    assert extended.search("track:'Lantern Golden'") == [] != extended.search("track:Lantern Golden")
    assert extended.search('track:"Golden Lantern"') == []


def test_signs_inside_a_filter_find_nothing_where_plain_words_do(extended: WebApiClient) -> None:
    assert extended.search("artist:Hart & Holm") == [] == extended.search("artist:'Hart & Holm'")
    assert extended.search("Hart & Holm") != [] != extended.search("artist:'Hart Holm'")


def test_accents_case_and_apostrophes_do_not_matter(extended: WebApiClient) -> None:
    assert extended.search("senor volante") == extended.search("SEÑOR VOLANTE") != []
    assert parse("Didn't").match == parse("didnt").match or parse("Didn't").match == ['"Didnt"']


@pytest.mark.parametrize(
    "odd", ["!!!", "'", '"', "track:", "track:''", "AND OR NOT", "a*", "(", "NEAR(", "ロマンス", "^a -b +c"]
)
def test_no_query_breaks_the_server(extended: WebApiClient, odd: str) -> None:
    assert isinstance(extended.search(odd), list)


def test_artists_and_albums_can_be_searched_too(extended: WebApiClient) -> None:
    answer = extended("search", q="marble foxes", type="track,artist,album", limit=10).json()
    assert answer.keys() == {"tracks", "artists", "albums"}
    assert {item["type"] for item in answer["artists"]["items"]} == {"artist"}
    assert {item["type"] for item in answer["albums"]["items"]} == {"album"}


# -- single objects and batches


@pytest.fixture(scope="module")
def hit(extended: WebApiClient) -> dict[str, Any]:
    return extended.search("artist:'Marble Foxes'")[0]


def test_what_a_search_found_can_be_fetched(
    development: WebApiClient, extended: WebApiClient, hit: dict[str, Any]
) -> None:
    assert extended(f"tracks/{hit['id']}").json() == hit
    for client in (development, extended):
        assert client(f"tracks/{hit['id']}").json()["name"] == hit["name"]
        artist = client(f"artists/{hit['artists'][0]['id']}").json()
        assert artist["name"] == hit["artists"][0]["name"] and isinstance(artist["genres"], list)
        album = client(f"albums/{hit['album']['id']}").json()
        assert hit["id"] in [track["id"] for track in album["tracks"]["items"]]
        listed = client(f"albums/{hit['album']['id']}/tracks", limit=50).json()
        assert listed["items"] == album["tracks"]["items"]
        assert not listed["items"][0].keys() & {"album", "external_ids", "popularity"}
        page = client(f"artists/{hit['artists'][0]['id']}/albums", limit=10).json()
        albums = list(page["items"])
        while page["next"]:
            page = client.session.get(page["next"]).json()
            albums += page["items"]
        assert hit["album"]["id"] in [each["id"] for each in albums]


def test_batches_answer_in_order_with_null_for_the_unknown(
    extended: WebApiClient, hit: dict[str, Any]
) -> None:
    ids = f"{UNKNOWN},{hit['id']}"
    tracks = extended("tracks", ids=ids).json()["tracks"]
    assert tracks == [None, hit]
    features = extended("audio-features", ids=ids).json()["audio_features"]
    assert features[0] is None and features[1] == extended(f"audio-features/{hit['id']}").json()
    artist = hit["artists"][0]["id"]
    assert [a and a["id"] for a in extended("artists/", ids=f"{artist},{UNKNOWN}").json()["artists"]] == [
        artist,
        None,
    ]
    assert [a and a["id"] for a in extended("albums", ids=hit["album"]["id"]).json()["albums"]] == [
        hit["album"]["id"]
    ]


@pytest.mark.parametrize(
    ("batch", "most"), [("tracks", 50), ("artists", 50), ("albums", 20), ("audio-features", 100)]
)
def test_batches_have_a_largest_size(extended: WebApiClient, batch: str, most: int) -> None:
    assert extended(batch, ids=",".join([UNKNOWN] * most)).status_code == 200
    assert extended(batch, ids=",".join([UNKNOWN] * (most + 1))).status_code == 400


@pytest.mark.parametrize("kind", ["tracks", "artists", "albums", "audio-features"])
def test_an_id_that_is_unknown_or_none_is_refused(extended: WebApiClient, kind: str) -> None:
    assert extended(f"{kind}/{UNKNOWN}").json() == {"error": {"status": 404, "message": "Resource not found"}}
    assert extended(f"{kind}/{UNKNOWN}").status_code == 404
    assert extended(f"{kind}/short").status_code == 400


def test_album_and_artist_listings_of_the_unknown_are_not_found(extended: WebApiClient) -> None:
    assert extended(f"albums/{UNKNOWN}/tracks").status_code == 404
    assert extended(f"artists/{UNKNOWN}/albums").status_code == 404


# -- development mode


def test_an_artists_albums_come_ten_at_a_time_and_an_albums_tracks_fifty(
    development: WebApiClient, extended: WebApiClient, hit: dict[str, Any]
) -> None:
    albums, tracks = f"artists/{hit['artists'][0]['id']}/albums", f"albums/{hit['album']['id']}/tracks"
    for limit in (11, 20, 50):
        answer = development(albums, limit=limit)
        refused = {"error": {"status": 400, "message": "Invalid limit"}}
        assert (answer.status_code, answer.json()) == (400, refused)
        assert extended(albums, limit=limit).status_code == 200
    assert development(albums, limit=10).json()["limit"] == 10
    assert (development(albums).json()["limit"], extended(albums).json()["limit"]) == (5, 20)
    for client in (development, extended):
        assert client(tracks, limit=50).status_code == 200
        assert client(tracks, limit=51).status_code == client(albums, limit=51).status_code == 400


def test_development_mode_refuses_what_was_removed(
    development: WebApiClient, recorded_errors: dict[tuple[int, str], Any]
) -> None:
    forbidden = recorded_errors[403, "GET /v1/tracks?ids= (development mode app, 2026)"]
    silent = recorded_errors[403, "GET /v1/audio-features/{id} and ?ids="]
    for path in (
        "tracks",
        "artists",
        "albums",
        "markets",
        f"artists/{UNKNOWN}/top-tracks",
        "browse/new-releases",
        "users/x",
    ):
        answer = development(path, ids=UNKNOWN)
        assert (answer.status_code, answer.json()) == (403, forbidden), path
    for path in ("audio-features", f"audio-features/{UNKNOWN}"):
        answer = development(path, ids=UNKNOWN)
        assert (answer.status_code, answer.json()) == (403, silent)


def keys(value: Any, at: str = "") -> set[str]:
    """Every key of an object, with its way down."""
    if isinstance(value, dict):
        return {
            path for name, inner in value.items() for path in {f"{at}.{name}", *keys(inner, f"{at}.{name}")}
        }
    return {path for inner in value for path in keys(inner, f"{at}[]")} if isinstance(value, list) else set()


def test_development_mode_lacks_the_fields_that_were_removed(
    development: WebApiClient, extended: WebApiClient, hit: dict[str, Any]
) -> None:
    def removed(path: str) -> set[str]:
        return keys(extended(path).json()) - keys(development(path).json())

    assert removed(f"tracks/{hit['id']}") == {".popularity", ".available_markets", ".album.available_markets"}
    assert removed(f"artists/{hit['artists'][0]['id']}") == {
        ".popularity",
        ".followers",
        ".followers.href",
        ".followers.total",
    }
    assert removed(f"albums/{hit['album']['id']}") == {
        ".popularity",
        ".label",
        ".available_markets",
        ".tracks.items[].available_markets",
    }
    assert development.search("artist:'Marble Foxes'")[0]["external_ids"]["isrc"]  # restored in March 2026


# -- shapes, against the recordings


def test_a_search_answer_has_the_shape_recorded_in_2023(extended: WebApiClient, shared: Path) -> None:
    ours = extended("search", q="artist:'Marble Foxes'", type="track", limit=10).json()
    assert_same_shape(ours, recorded(shared, "music_etl/SongFetcher_search_one_0.json"))


def test_an_artist_has_the_shape_recorded_in_2023(
    extended: WebApiClient, shared: Path, hit: dict[str, Any]
) -> None:
    ours = extended(
        "artists", ids=",".join(a["artists"][0]["id"] for a in extended.search("songs", limit=10))
    ).json()
    assert_same_shape(ours, recorded(shared, "music_etl/ArtistFetcher_fetch_many_0.json"))


def test_audio_features_have_the_shape_recorded_in_2016(
    extended: WebApiClient, shared: Path, hit: dict[str, Any]
) -> None:
    ours = extended("audio-features", ids=hit["id"]).json()
    assert_same_shape(ours, recorded(shared, "rspotify/audio_features_find_multiple_0.json"))


def test_an_album_has_the_shape_recorded_but_for_its_upc(
    extended: WebApiClient, shared: Path, hit: dict[str, Any]
) -> None:
    ours = extended(f"albums/{hit['album']['id']}").json()
    theirs = recorded(shared, "rspotify/album_find_2js3lkzAjWpD656NK7ZaJX_0.json")
    assert_same_shape(
        ours,
        theirs,
        new={".total_tracks", ".release_date_precision", ".tracks.items.[].is_local"}
        & shape(ours).keys() - shape(theirs).keys(),
        gone={".external_ids.upc"},
    )


# -- tokens and faults


def test_a_wrong_secret_gets_the_flat_error_that_was_recorded(
    own: WebApiClient, recorded_errors: dict[tuple[int, str], Any]
) -> None:
    url = own.server.settings.token_url
    form = {"grant_type": "client_credentials"}
    for auth in (("sandbox", "wrong"), ("", "")):
        answer = own.session.post(url, data=form, auth=auth)
        assert answer.json() == recorded_errors[400, "POST accounts.spotify.com/api/token"]
        assert answer.status_code == 400
    settings = own.server.settings
    answer = own.session.post(url, data={}, auth=(settings.client_id, settings.client_secret))
    assert answer.json()["error"] == "unsupported_grant_type"


def test_tokens_are_needed_and_expire(own: WebApiClient) -> None:
    assert own("search", q="x", type="track").status_code == 200
    own.server.clock.now += 3601
    answer = own("search", q="x", type="track")
    assert answer.json() == {"error": {"status": 401, "message": "The access token expired"}}
    assert (answer.status_code, "invalid_token" in answer.headers["www-authenticate"]) == (401, True)
    own.login()
    assert own("search", q="x", type="track").status_code == 200
    for header in ("Bearer nonsense", "Basic x", ""):
        own.session.headers["Authorization"] = header
        assert own("search", q="x", type="track").status_code == 401


def test_beyond_the_rate_it_says_how_long_to_wait(own: WebApiClient) -> None:
    own.server.faults.rate_per_30s = 3
    codes = [own("search", q="x", type="track").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    own.server.clock.now += 12
    answer = own("search", q="x", type="track")
    assert answer.json() == {"error": {"status": 429, "message": "API rate limit exceeded"}}
    assert answer.headers["retry-after"] == "18"
    own.server.clock.now += 18
    assert own("search", q="x", type="track").status_code == 200


def test_beyond_the_quota_it_is_closed_until_the_next_day(own: WebApiClient) -> None:
    own.server.faults.quota_per_day = 1
    assert own("search", q="x", type="track").status_code == 200
    answer = own("search", q="x", type="track")
    assert answer.json()["error"] == {
        "status": 429,
        "message": "Too many requests",
        "reason": "QUOTA_EXCEEDED",
    }
    assert answer.headers["retry-after"] == "86400"
    own.server.clock.now += 86400
    own.login()
    assert own("search", q="x", type="track").status_code == 200


def test_faults_come_at_their_rate_and_the_same_for_a_seed(path: Path) -> None:
    def outcomes() -> list[int]:
        with running_server(path) as server:
            client = WebApiClient(server)
            server.sandbox.faults = Faults(broken_rate=0.3, broken=("502", "empty", "html", "503"), seed=7)
            answers = [client("search", q="x", type="track") for _ in range(60)]
            return [
                answer.status_code if answer.text[:1] == "{" else -answer.status_code for answer in answers
            ]

    first = outcomes()
    assert first == outcomes()
    assert 5 < sum(code != 200 for code in first) < 35


def test_a_cut_answer_is_cut(own: WebApiClient) -> None:
    own.server.faults.script.append(BROKEN["cut"])
    with pytest.raises(requests.RequestException):
        own("search", q="x", type="track")
    assert own("search", q="x", type="track").status_code == 200


def test_it_counts_requests(own: WebApiClient) -> None:
    own("search", q="x", type="track")
    own(f"tracks/{UNKNOWN}")
    root = own.server.settings.base_url.removesuffix("/v1/")
    assert own.session.get(f"{root}/sandbox/requests").json() == {"token": 1, "search": 1, "tracks": 1}
