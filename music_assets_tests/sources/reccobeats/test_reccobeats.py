"""Audio features without a key: requested in batches, joined back to Spotify's ids, each cached by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sandbox.spotify.responses import PAGES
from music_assets.sources.ledger import Key, Ledger, Response, open_ledger
from music_assets.sources.reccobeats import (
    RECCOBEATS,
    ReccoBeats,
    spotify_id_of,
    track_key,
    track_rows,
)
from music_assets.sources.spotify.rows import audio_features_row
from music_assets.tables import PUBLISHED, STAGED, row_columns
from music_assets_tests.support.faults import ANSWERS, Raw
from music_assets_tests.support.sandbox import SandboxServer

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UNKNOWN = "0" * 22


@pytest.fixture(scope="module")
def ids(songs_catalogue: Path) -> list[str]:
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        return [id_ for (id_,) in db.execute("SELECT id FROM tracks ORDER BY id LIMIT 100")]


@pytest.fixture(scope="module")
def isrcs(songs_catalogue: Path) -> dict[str, str]:
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        return dict(db.execute("SELECT id, isrc FROM tracks"))


@pytest.fixture
def recco(server: SandboxServer, ledger: Ledger) -> Iterator[Callable[..., ReccoBeats]]:
    with contextlib.ExitStack() as opened:

        def make(**settings: Any) -> ReccoBeats:
            given = {"base_url": server.address.reccobeats_url, "requests_per_second": None, "backoff": 0.001}
            policy = replace(RECCOBEATS, **{**given, **settings})
            return opened.enter_context(
                ReccoBeats(policy, ledger, source="sandbox", clock=server.clock, sleep=server.clock.sleep)
            )

        yield make


Make = Callable[..., ReccoBeats]


def test_a_hundred_ids_take_three_requests(recco: Make, server: SandboxServer, ids: list[str]) -> None:
    opened = recco()
    found = opened.audio_features(ids)
    assert opened.requests == 3 and server.sandbox.requests == {"reccobeats": 3}
    assert len(found.rows) + len(found.not_found) == len(ids)
    assert 70 < len(found.rows) < 98  # it does not know every track
    assert {row["spotify_track_id"] for row in found.rows} | set(found.not_found) == set(ids)
    assert (found.pending, found.failed, found.denied, found.reason) == ([], [], False, None)


def test_rows_are_those_of_the_table_and_say_who_gave_them(recco: Make, ids: list[str]) -> None:
    rows = recco().audio_features(ids).rows
    assert sorted(rows[0]) == sorted(row_columns(STAGED["audio_features"]))
    assert {row["source"] for row in rows} == {"sandbox"}
    assert all(row["tempo"] > 0 and 0 <= row["energy"] <= 1 and -1 <= row["key"] <= 11 for row in rows)
    assert {row["time_signature"] for row in rows} == {row["duration_ms"] for row in rows} == {None}


def test_looking_up_again_costs_nothing_even_for_what_it_does_not_know(recco: Make, ids: list[str]) -> None:
    first = recco().audio_features(ids)
    again = recco()
    assert again.audio_features(ids) == first
    assert (again.requests, again.cache_hits) == (0, len(ids))


def test_each_response_is_cached_as_it_came_under_its_own_id(
    recco: Make, ledger: Ledger, ids: list[str]
) -> None:
    found = recco().audio_features([*ids[:20], UNKNOWN])
    cached = ledger.get_many(Key("spotify_track", id_, "reccobeats") for id_ in [*ids[:20], UNKNOWN])
    assert len(cached) == 21
    assert cached[Key("spotify_track", UNKNOWN, "reccobeats")].status == "not_found"
    body = cached[Key("spotify_track", found.rows[0]["spotify_track_id"], "reccobeats")].body
    assert body["href"].endswith(found.rows[0]["spotify_track_id"]) and len(body["id"]) == 36


def test_an_id_it_does_not_know_is_looked_up_by_its_recording(
    recco: Make, ids: list[str], isrcs: dict[str, str]
) -> None:
    plain = recco().audio_features(ids)
    opened = recco()
    found = opened.audio_features(ids, isrcs=isrcs)
    assert opened.requests == 1  # only those that were not found are looked up again, all at once
    gained = {row["spotify_track_id"] for row in found.rows} - {row["spotify_track_id"] for row in plain.rows}
    assert gained and gained <= set(plain.not_found)
    assert set(found.not_found) == set(plain.not_found) - gained
    again = recco()
    assert again.audio_features(ids, isrcs=isrcs) == found and again.requests == 0


def test_of_several_tracks_of_one_recording_the_same_is_taken_each_time(
    recco: Make, server: SandboxServer
) -> None:
    def features(id_: str, tempo: float) -> dict[str, Any]:
        return {"href": f"https://open.spotify.com/track/{id_}", "isrc": "USUM72104140", "tempo": tempo}

    two = [features("B" * 22, 99.0), features("A" * 22, 120.0)]
    for content in (two, two[::-1]):
        server.other_faults.script.extend(
            [Raw(200, b'{"content": []}'), Raw(200, orjson.dumps({"content": content}))]
        )
    for id_ in (UNKNOWN, "1" * 22):
        (row,) = recco().audio_features([id_], isrcs={id_: "US-UM7-21-04140"}).rows
        assert (row["spotify_track_id"], row["tempo"]) == (id_, 120.0)


def test_what_is_not_an_id_fails_alone(recco: Make, ids: list[str]) -> None:
    found = recco().audio_features(["not an id", ids[0], "x,y"], isrcs={ids[0]: "no isrc"})
    assert found.failed == ["not an id", "x,y"] and "not a Spotify id" in (found.reason or "")
    assert len(found.rows) + len(found.not_found) == 1


def test_when_it_wants_a_long_pause_the_rest_is_pending(
    recco: Make, server: SandboxServer, ids: list[str]
) -> None:
    server.other_faults.script.extend([EMPTY, ANSWERS["wait_a_day"]])
    found = recco().audio_features(ids)
    assert found.pending == ids[40:] and found.not_found == ids[:40]
    assert found.until is not None and found.until.timestamp() == server.clock.now + 86207
    assert "ReccoBeats gives no responses for now" in (found.reason or "")
    later = recco()
    assert later.audio_features(ids).pending == ids[40:] and later.requests == 0
    server.clock.now += 86208
    done = later.audio_features(ids)
    assert done.pending == [] and later.requests == 2


EMPTY = Raw(200, b'{"content": []}', {"content-type": "application/json"})


def test_an_outage_leaves_everything_pending(recco: Make, ids: list[str]) -> None:
    found = recco(base_url="http://127.0.0.1:9/", retries=1).audio_features(ids)
    assert found.pending == ids and found.until is not None and "no response from" in (found.reason or "")


@pytest.mark.parametrize("body", [b"[]", b'{"content": null}', b'{"error": "no"}', b'"text"'])
def test_an_answer_of_another_shape_fails_its_batch_alone(
    recco: Make, server: SandboxServer, ids: list[str], body: bytes
) -> None:
    server.other_faults.script.append(Raw(200, body))
    found = recco().audio_features(ids)
    assert found.failed == ids[:40] and len(found.rows) + len(found.not_found) == 60


def test_entries_without_a_track_are_left_out(recco: Make, server: SandboxServer, ids: list[str]) -> None:
    content = [None, 7, {"href": None}, {"href": "https://example.org/"}, {"tempo": 1}]
    server.other_faults.script.append(Raw(200, orjson.dumps({"content": content})))
    assert recco().audio_features(ids[:2]).not_found == ids[:2]


@pytest.mark.parametrize("share", [0.1])
def test_faults_change_nothing_but_the_number_of_requests(
    recco: Make, server: SandboxServer, ids: list[str], isrcs: dict[str, str], tmp_path: Path, share: float
) -> None:
    server.other_faults.broken_rate = share
    server.other_faults.broken = ("500", "502", "empty", "html", "cut", "reset", "wait_0")
    found = recco(retries=10).audio_features(ids, isrcs=isrcs)
    server.reset()
    calm = open_ledger(tmp_path / "calm.sqlite", source="sandbox")
    given = replace(RECCOBEATS, base_url=server.address.reccobeats_url, requests_per_second=None)
    with ReccoBeats(given, calm, source="sandbox", clock=server.clock) as opened:
        expected = opened.audio_features(ids, isrcs=isrcs)
    calm.close()
    values = [{**row, "fetched_at": None} for row in found.rows]
    assert values == [{**row, "fetched_at": None} for row in expected.rows] and values
    assert found.not_found == expected.not_found


@pytest.mark.parametrize(
    ("href", "id_"),
    [
        ("https://open.spotify.com/track/00aqkszH1FdUiJJWvX6iEl", "00aqkszH1FdUiJJWvX6iEl"),
        ("https://open.spotify.com/track/00aqkszH1FdUiJJWvX6iEl?si=x", "00aqkszH1FdUiJJWvX6iEl"),
        ("spotify:track:00aqkszH1FdUiJJWvX6iEl", "00aqkszH1FdUiJJWvX6iEl"),
        ("https://open.spotify.com/album/00aqkszH1FdUiJJWvX6iEl", None),
        ("https://open.spotify.com/track/tooshort", None),
        (None, None),
    ],
)
def test_href_holds_the_spotify_id(href: Any, id_: str | None) -> None:
    assert spotify_id_of({"href": href}) == id_


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["id", "href", "key", "tempo", "mode", "energy", "isrc"]), JSON))
def test_any_object_becomes_a_row(features: dict[str, Any]) -> None:
    row = audio_features_row(features, source="reccobeats", fetched_at=NOW, requested_id=UNKNOWN)
    assert row["spotify_track_id"] == UNKNOWN
    assert row["key"] is None or isinstance(row["key"], int)
    assert spotify_id_of(features) is None or len(str(spotify_id_of(features))) == 22


# -- the catalogue


def track(id_: str, **more: Any) -> dict[str, Any]:
    """A track object of ReccoBeats."""
    item = {"id": "a-uuid", "trackTitle": "X", "durationMs": 201000, "isrc": "USXX10000001", "popularity": 41}
    artists = [{"id": "b", "name": "Y", "href": f"https://open.spotify.com/artist/{'A' * 22}"}]
    return item | {"artists": artists, "href": f"https://open.spotify.com/track/{id_}"} | more


def test_tracks_are_rows_of_the_table_without_an_album(recco: Make, ids: list[str]) -> None:
    opened = recco()
    rows, found = opened.tracks(ids)
    assert opened.requests == 3 and 70 < len(rows) < 98
    assert rows.keys() | {*found.not_found} == {*ids}
    for (row,) in rows.values():
        assert sorted(row) == sorted(row_columns(STAGED["spotify_tracks"]))
        assert row["name"] and row["artists"][0]["spotify_artist_id"] and row["duration_ms"] > 0
        assert row["isrc"] and 0 <= row["popularity"] <= 100 and row["source"] == "sandbox"
        assert row["album_name"] is row["spotify_album_id"] is row["release_date"] is None
        assert row["url"].startswith(f"{PAGES}/"), "no page of Spotify's has an invented track"
    again = recco()
    assert again.tracks(ids) == (rows, found) and again.requests == 0


def test_tracks_come_by_isrc_all_that_have_it_and_are_known_by_their_ids(
    recco: Make, isrcs: dict[str, str]
) -> None:
    by_isrc: dict[str, set[str]] = {}
    for id_, isrc in isrcs.items():
        by_isrc.setdefault(isrc, set()).add(id_)
    some = sorted(by_isrc, key=lambda isrc: -len(by_isrc[isrc]))[:40]
    opened = recco()
    rows, _ = opened.tracks(some)
    assert opened.requests == 1 and any(len(found) > 1 for found in rows.values())
    known = [row["spotify_track_id"] for found in rows.values() for row in found]
    for isrc, found in rows.items():
        assert {row["spotify_track_id"] for row in found} <= by_isrc[isrc]
    assert opened.tracks(known)[0].keys() == {*known} and opened.requests == 1


def test_tracks_are_joined_by_what_they_lead_to_in_any_order(recco: Make, server: SandboxServer) -> None:
    one, two, other = "1" * 22, "2" * 22, "3" * 22
    body = {"content": [track(two, trackTitle="Two"), track(other), {"href": None}, 7, track(one)]}
    server.other_faults.script.append(Raw(200, orjson.dumps(body)))
    rows, found = recco().tracks([one, two, UNKNOWN, "short", ""])
    assert {id_: row["name"] for id_, (row,) in rows.items()} == {one: "X", two: "Two"}
    assert found.not_found == [UNKNOWN]


@pytest.mark.parametrize(
    "odd",
    [
        {"trackTitle": None},
        {"trackTitle": ""},
        {"trackTitle": 7},
        {"href": "https://open.spotify.com/track/../../x"},
        {"href": f"https://open.spotify.com/album/{'1' * 22}"},
    ],
)
def test_a_track_that_names_nothing_is_none(recco: Make, server: SandboxServer, odd: dict[str, Any]) -> None:
    server.other_faults.script.append(Raw(200, orjson.dumps({"content": [track("1" * 22, **odd)]})))
    rows, found = recco().tracks(["1" * 22])
    assert (rows, found.not_found) == ({}, ["1" * 22])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=6,
)
FIELDS = ("trackTitle", "artists", "durationMs", "isrc", "popularity", "availableCountries")


def test_what_it_never_gives_is_said_where_it_is_null() -> None:
    """Of each column that a whole track of its own leaves empty, and of those of the wide table."""
    given = {"trackTitle": "x", "durationMs": 1, "isrc": "USABC1000001", "popularity": 1}
    whole = track("1" * 22, availableCountries="CA", **given)
    (row,) = track_rows(
        Response(track_key("1" * 22), "answered", "", NOW, "keyless", {"content": [whole]}), "api"
    )
    assert row["url"] == f"https://open.spotify.com/track/{'1' * 22}"
    of_the_id = ("relinked_to", "vanished_at")
    empty = {name for name, value in row.items() if value is None and name not in of_the_id}
    assert len(empty) > 8
    tracks, songs = PUBLISHED["spotify.tracks"].c, PUBLISHED["analytics.songs"].c
    columns = [tracks[name] for name in sorted(empty)]
    columns += [
        songs[name] for name in ("spotify_album_name", "spotify_release_date", "spotify_release_year")
    ]
    assert [str(one) for one in columns if "ReccoBeats" not in one.info["null"]] == []


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_any_values_of_a_track_are_a_row_or_none(odd: dict[str, Any]) -> None:
    key = track_key("1" * 22)
    answer = Response(key, "answered", "", NOW, "keyless", {"content": [track("1" * 22, **odd)]})
    for row in track_rows(answer, "api"):
        assert row["source"] == "reccobeats" and isinstance(row["name"], str) and row["name"]
        assert all(isinstance(artist["name"], str | None) for artist in row["artists"])
        assert row["popularity"] is None or 0 <= row["popularity"] <= 100
