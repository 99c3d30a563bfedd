"""Spotify's objects become rows with the columns of the tables, whatever year they were recorded in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.spotify.rows import (
    artist_row,
    audio_features_row,
    release_rows,
    search_rows,
    track_row,
)
from music_assets.tables import STAGED, row_columns

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

TRACK = {
    "album": {
        "album_type": "ALBUM",
        "id": "6WcZTpAxpMYHAunYfI24X7",
        "name": "Miss Machine",
        "release_date": "2004-07-20",
        "total_tracks": 11,
    },
    "artists": [
        {"id": "7IGcjaMGAtsvKBLQX26W4i", "name": "The Band"},
        {"id": "3TVXtAsR1Inumwj472S9r4", "name": "A Guest"},
    ],
    "disc_number": 1,
    "duration_ms": 207773.0,
    "explicit": False,
    "external_ids": {"isrc": "US2640458708"},
    "external_urls": {"spotify": "https://open.spotify.com/track/2ZyNYdziwt0ZS9mxRiwnXM"},
    "id": "2ZyNYdziwt0ZS9mxRiwnXM",
    "name": "Sleeping Giants",
    "track_number": 8,
    "type": "track",
}


def made_of_nothing(make: Any) -> dict[str, Any]:
    return make({}, source="api", fetched_at=NOW)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (track_row, "spotify_tracks"),
        (artist_row, "spotify_artists"),
        (audio_features_row, "audio_features"),
    ],
)
def test_rows_have_exactly_the_columns_of_their_table(make: Any, kind: str) -> None:
    assert sorted(made_of_nothing(make)) == sorted(row_columns(STAGED[kind]))


def test_a_track_becomes_a_row() -> None:
    row = track_row(TRACK, source="api", fetched_at=NOW)
    assert row["spotify_track_id"] == "2ZyNYdziwt0ZS9mxRiwnXM"
    assert row["isrc"] == "US2640458708"
    assert row["duration_ms"] == 207773 and isinstance(row["duration_ms"], int)
    assert row["artists"] == [
        {"spotify_artist_id": "7IGcjaMGAtsvKBLQX26W4i", "name": "The Band"},
        {"spotify_artist_id": "3TVXtAsR1Inumwj472S9r4", "name": "A Guest"},
    ]
    assert (row["spotify_artist_id"], row["artist_name"]) == ("7IGcjaMGAtsvKBLQX26W4i", "The Band")
    assert (row["album_type"], row["release_date"], row["release_year"]) == ("album", "2004-07-20", 2004)
    assert (row["source"], row["fetched_at"]) == ("api", NOW)


def test_what_development_mode_lacks_is_null() -> None:
    row = track_row(TRACK, source="api", fetched_at=NOW)
    assert row["popularity"] is None and row["available_markets"] is None
    assert made_of_nothing(artist_row)["followers"] is None


def test_a_relinked_track_keeps_the_requested_id() -> None:
    track = {**TRACK, "linked_from": {"id": "6kLCHFM39wkFjOuyPGLGeQ"}}
    assert track_row(track, source="api", fetched_at=NOW)["spotify_track_id"] == "6kLCHFM39wkFjOuyPGLGeQ"


@pytest.mark.parametrize(
    ("date", "year"),
    [("1969", 1969), ("1969-07", 1969), ("0000", None), ("", None), (None, None), ("??", None)],
)
def test_the_year_of_a_release_date(date: str | None, year: int | None) -> None:
    track = {**TRACK, "album": {"release_date": date}}
    assert track_row(track, source="api", fetched_at=NOW)["release_year"] == year


def test_a_search_answer_leaves_out_entries_that_are_null() -> None:
    answer = {"tracks": {"items": [None, TRACK, {"name": "no id"}]}}
    assert [row["name"] for row in search_rows(answer, source="api", fetched_at=NOW)] == ["Sleeping Giants"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(TRACK)), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*TRACK, "followers", "popularity", "genres", "tempo", "key"]), JSON))
def test_no_object_however_odd_stops_the_others(odd: dict[str, Any]) -> None:
    for make in (track_row, artist_row, audio_features_row):
        row = make(odd, source="api", fetched_at=NOW)
        assert row.keys() == made_of_nothing(make).keys()
    assert isinstance(search_rows({"tracks": {"items": [odd]}}, source="api", fetched_at=NOW), list)


# -- real recordings


def recordings(shared: Path) -> Iterator[tuple[Path, Any]]:
    for path in sorted((shared / "spotify").glob("*/*")):
        yield path, json.loads(path.read_text())


def objects(value: Any, type_: str) -> Iterator[dict[str, Any]]:
    """Every object of this type in a recording, however deep."""
    if isinstance(value, dict):
        if value.get("type") == type_ and "id" in value:
            yield value
        for name, inner in value.items():
            if name != "linked_from":  # a link, no track
                yield from objects(inner, type_)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner, type_)


def test_every_recorded_track_parses(shared: Path) -> None:
    seen = 0
    for path, recording in recordings(shared):
        for track in objects(recording, "track"):
            row = track_row(track, source="api", fetched_at=NOW)
            seen += 1
            assert row["spotify_track_id"] and row["name"] and row["duration_ms"] > 0, path
            assert row["artists"] and row["artist_name"] == track["artists"][0]["name"], path
            assert row["url"].endswith(track["id"]), path
            if "album" in track and "release_date" in track["album"]:
                assert 1900 < row["release_year"] < 2027, path
    assert seen > 300


def test_every_recorded_artist_and_audio_features_parse(shared: Path) -> None:
    artists = features = 0
    for path, recording in recordings(shared):
        for artist in objects(recording, "artist"):
            row = artist_row(artist, source="api", fetched_at=NOW)
            artists += 1
            assert row["spotify_artist_id"] and row["name"], path
            if "followers" in artist:
                assert row["followers"] == int(artist["followers"]["total"]), path
        for each in objects(recording, "audio_features"):
            row = audio_features_row(each, source="api", fetched_at=NOW)
            features += 1
            assert 0 <= row["danceability"] <= 1 and row["tempo"] > 0 and row["key"] in range(-1, 12), path
    assert artists > 300 and features >= 5


def test_a_recorded_search_answer_gives_its_hits_in_order(shared: Path) -> None:
    recording = json.loads((shared / "spotify/music_etl/SongFetcher_search_one_0.json").read_text())
    rows = search_rows(recording["response"]["json"], source="api", fetched_at=NOW)
    assert [(row["spotify_track_id"], row["release_year"]) for row in rows] == [
        ("2ZyNYdziwt0ZS9mxRiwnXM", 2004)
    ]


def hits(*items: Any) -> list[dict[str, Any]]:
    return search_rows({"tracks": {"items": list(items)}}, source="api", fetched_at=NOW)


@pytest.mark.parametrize("name", ["", "  ", None, 7, [], {}])
def test_a_hit_without_a_name_is_none(name: Any) -> None:
    assert hits({**TRACK, "name": name}) == []


@pytest.mark.parametrize(
    "id_", ["", None, 7, "../../x", "2ZyNYdziwt0ZS9mxRiwnX", "2ZyNYdziwt0ZS9mxRiwnXM\n", "é" * 22]
)
def test_an_id_that_is_none_is_taken_nowhere(id_: Any) -> None:
    assert hits({**TRACK, "id": id_}) == []
    thing = {"id": id_, "name": "x"}
    (row,) = hits({**TRACK, "album": thing, "artists": [thing]})
    assert (row["spotify_album_id"], row["spotify_artist_id"]) == (None, None)
    assert release_rows("a" * 22, [thing], source="api", fetched_at=NOW) == []


@pytest.mark.parametrize(
    ("isrc", "row"),
    [
        ("us-rc1-76-07839", "USRC17607839"),
        ("US RC1 76 07839", "USRC17607839"),
        ("USRC1760783", None),
        (7, None),
    ],
)
def test_an_isrc_has_one_spelling(isrc: Any, row: str | None) -> None:
    assert hits({**TRACK, "external_ids": {"isrc": isrc}})[0]["isrc"] == row


@pytest.mark.parametrize("number", [10**400, -(10**30), float("inf"), float("nan"), "7", True])
def test_a_number_that_is_none_is_null(number: Any) -> None:
    (row,) = hits({**TRACK, "duration_ms": number, "popularity": number})
    assert (row["duration_ms"], row["popularity"]) == (None, None)
