"""A song's file tells whose it is by its name, and its Spotify ids by its tracks."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from music_assets.sources.echonest.archive import SongIds, ids_in, song_id_of

A, B = "4uLU6hMCjMI75M1A2tKUQC", "7GhIk7Il098yCjg4BQjzvb"


def answer(*foreign_ids: Any) -> bytes:
    tracks = [{"catalog": "x", "foreign_id": foreign} for foreign in foreign_ids]
    return orjson.dumps({"response": {"status": {"code": 0}, "songs": [{"tracks": tracks}]}})


def test_ids_come_once_each_in_the_files_order() -> None:
    found = ids_in(
        answer(f"spotify:track:{B}", "7digital-UK:track:3107215", f"spotify:track:{A}", f"spotify:track:{B}")
    )
    assert list(found.tracks) == [B, A]
    assert list(ids_in(answer(f"spotify-WW:track:{A}")).tracks) == [A]


@pytest.mark.parametrize(("name", "album"), [("Z", "Z"), (None, None), (7, None), (["Z"], None)])
def test_an_id_comes_with_the_album_that_is_named_with_it(name: Any, album: str | None) -> None:
    tracks = [{"foreign_id": f"spotify:track:{A}", "album_name": name}]
    assert ids_in(orjson.dumps({"response": {"songs": [{"tracks": tracks}]}})).tracks == {A: album}


def test_a_track_has_its_album_and_a_recording_is_musicbrainz() -> None:
    mbid = "0f1c2d3e-4b5a-4678-9abc-def012345678"
    tracks = [
        {"foreign_id": f"spotify:track:{A}", "foreign_release_id": f"spotify-WW:album:{B}"},
        {"foreign_id": f"spotify:track:{B}", "foreign_release_id": "musicbrainz:album:x"},
        {"foreign_id": f"musicbrainz:track:{mbid.upper()}"},
        {"foreign_id": f"musicbrainz:track:{mbid}"},
        {"foreign_id": "musicbrainz:track:not an id"},
    ]
    found = ids_in(orjson.dumps({"response": {"songs": [{"tracks": tracks}]}}))
    assert (list(found.tracks), found.albums, found.recordings) == ([A, B], {A: B}, [mbid])


@pytest.mark.parametrize(
    "foreign", [None, 7, "", "spotify:track:short", f"spotify:album:{A}", f"notspotify:track:{A}"]
)
def test_other_services_and_nonsense_are_not_ids(foreign: Any) -> None:
    assert not any(ids_in(answer(foreign)))


@pytest.mark.parametrize("songs", [[], [{}], [None], [{"tracks": None}], [{"tracks": [None, 3]}]])
def test_a_song_nobody_knew_has_none(songs: Any) -> None:
    assert not any(ids_in(orjson.dumps({"response": {"songs": songs}})))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"response": []}', b'{"response": {}}', b"\xff\xfe"]
)
def test_what_is_not_a_response_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        ids_in(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_ids_or_an_error(content: bytes) -> None:
    try:
        ids = ids_in(content)
    except ValueError:
        return
    assert isinstance(ids, SongIds)


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
