"""A song's file tells whose it is by its name, and its Spotify ids by its tracks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.echonest.archive import song_id_of, spotify_tracks

A, B = "4uLU6hMCjMI75M1A2tKUQC", "7GhIk7Il098yCjg4BQjzvb"


def answer(*foreign_ids: Any) -> bytes:
    tracks = [{"catalog": "x", "foreign_id": foreign} for foreign in foreign_ids]
    return orjson.dumps({"response": {"status": {"code": 0}, "songs": [{"tracks": tracks}]}})


def test_ids_come_once_each_in_the_files_order() -> None:
    found = spotify_tracks(
        answer(f"spotify:track:{B}", "7digital-UK:track:3107215", f"spotify:track:{A}", f"spotify:track:{B}")
    )
    assert list(found) == [B, A]
    assert list(spotify_tracks(answer(f"spotify-WW:track:{A}"))) == [A]


@pytest.mark.parametrize(("name", "album"), [("Z", "Z"), (None, None), (7, None), (["Z"], None)])
def test_an_id_comes_with_the_album_that_is_named_with_it(name: Any, album: str | None) -> None:
    tracks = [{"foreign_id": f"spotify:track:{A}", "album_name": name}]
    assert spotify_tracks(orjson.dumps({"response": {"songs": [{"tracks": tracks}]}})) == {A: album}


@pytest.mark.parametrize(
    "foreign", [None, 7, "", "spotify:track:short", f"spotify:album:{A}", f"notspotify:track:{A}"]
)
def test_other_services_and_nonsense_are_not_ids(foreign: Any) -> None:
    assert spotify_tracks(answer(foreign)) == {}


@pytest.mark.parametrize("songs", [[], [{}], [None], [{"tracks": None}], [{"tracks": [None, 3]}]])
def test_a_song_nobody_knew_has_none(songs: Any) -> None:
    assert spotify_tracks(orjson.dumps({"response": {"songs": songs}})) == {}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"response": []}', b'{"response": {}}', b"\xff\xfe"]
)
def test_what_is_not_a_response_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        spotify_tracks(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_ids_or_an_error(content: bytes) -> None:
    try:
        ids = spotify_tracks(content)
    except ValueError:
        return
    assert isinstance(ids, dict)


@pytest.mark.parametrize(
    ("name", "song_id"),
    [
        ("millionsongdataset_echonest/CW/SOCWJDB12A58A776AF.json", "SOCWJDB12A58A776AF"),
        ("./CW/SOCWJDB12A58A776AF.json", "SOCWJDB12A58A776AF"),
        ("SOCWJDB12A58A776AF.json", "SOCWJDB12A58A776AF"),
        ("CW/._SOCWJDB12A58A776AF.json", None),
        ("CW/SOCWJDB12A58A776AF.json.bak", None),
        ("README", None),
    ],
)
def test_a_members_name_is_its_song(name: str, song_id: str | None) -> None:
    assert song_id_of(name) == song_id
