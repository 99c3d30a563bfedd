"""Spotify ids by a song's names: requested in batches, each response cached by itself, never trusted here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from music_assets.sandbox.spotify.catalogue import open_to_read
from music_assets.sources.ledger import Key, Ledger
from music_assets.sources.listenbrainz import LABS, Labs, SongNames
from music_assets_tests.support.faults import ANSWERS, Raw
from music_assets_tests.support.sandbox import SandboxServer, songs_frame, truth

FRAME = songs_frame(120)
SONGS = [SongNames(row.track_id, row.title, row.artist_name, row.release) for row in FRAME.itertuples()]


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return FRAME


Make = Callable[..., Labs]


@pytest.fixture
def brainz(server: SandboxServer, ledger: Ledger) -> Iterator[Make]:
    with contextlib.ExitStack() as opened:

        def make(**settings: Any) -> Labs:
            given = {
                "base_url": server.address.labs_url,
                "requests_per_second": None,
                "backoff": 0.001,
            }
            policy = replace(LABS, **{**given, **settings})
            return opened.enter_context(Labs(policy, ledger, clock=server.clock, sleep=server.clock.sleep))

        yield make


def test_a_batch_of_songs_is_one_request(brainz: Make, server: SandboxServer) -> None:
    opened = brainz()
    ids, found = opened.spotify_ids(SONGS)
    assert opened.requests == 3 and server.sandbox.requests == {"labs": 3}
    assert ids.keys() | set(found.not_found) == {song.track_id for song in SONGS}
    assert (found.pending, found.failed, found.reason) == ([], [], None)


def test_most_of_what_it_finds_is_right_and_none_of_it_is_certain(
    brainz: Make, songs_catalogue: Path
) -> None:
    (found, _), right = brainz().spotify_ids(SONGS), truth(songs_catalogue)
    assert 0.4 < len(found) / len(SONGS) < 0.9
    hits = [bool(set(ids) & right[track_id]) for track_id, ids in found.items()]
    assert sum(hits) / len(hits) > 0.8
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        on_spotify = {id_ for (id_,) in db.execute("SELECT id FROM tracks")}
    assert {id_ for ids in found.values() for id_ in ids} - on_spotify  # some ids are given up


def test_looking_up_again_costs_nothing(brainz: Make) -> None:
    first = brainz().spotify_ids(SONGS)
    again = brainz()
    assert again.spotify_ids(SONGS) == first
    assert (again.requests, again.cache_hits) == (0, len(SONGS))


def test_each_response_is_cached_under_its_song(brainz: Make, ledger: Ledger) -> None:
    found, _ = brainz().spotify_ids(SONGS[:10])
    keys = [Key("track", song.track_id, "listenbrainz") for song in SONGS[:10]]
    cached = ledger.get_many(keys)
    assert list(cached) == keys
    for track_id, ids in found.items():
        answer = cached[Key("track", track_id, "listenbrainz")]
        assert answer.status == "answered" and answer.body["spotify_track_ids"] == ids
        assert answer.query and " / " in answer.query


def test_a_song_without_a_name_is_not_looked_up(brainz: Make) -> None:
    opened = brainz()
    _, found = opened.spotify_ids([SongNames("TR1", None, "Ana", "B"), SongNames("TR2", "Bam", "_", "B")])
    assert found.not_found == ["TR1", "TR2"] and opened.requests == 0


def test_when_it_wants_a_long_pause_the_rest_is_pending(brainz: Make, server: SandboxServer) -> None:
    opened = brainz()
    opened.spotify_ids(SONGS[:50])
    server.other_faults.script.append(ANSWERS["wait_a_day"])
    ids, found = opened.spotify_ids(SONGS)
    assert found.pending == [song.track_id for song in SONGS[50:]]
    assert found.until is not None and "ListenBrainz Labs gives no responses" in (found.reason or "")
    assert len(ids) + len(found.not_found) == 50
    server.clock.now += 86208
    assert opened.spotify_ids(SONGS)[1].pending == []


def test_an_outage_leaves_everything_pending(brainz: Make) -> None:
    _, found = brainz(base_url="http://127.0.0.1:9/", retries=1).spotify_ids(SONGS)
    assert len(found.pending) == len(SONGS) and found.until is not None


NAMES = {"artist_name": "y", "release_name": "z", "track_name": "x"}


@pytest.mark.parametrize(
    "body",
    [
        {"spotify_track_ids": []},
        [],
        [NAMES, NAMES],
        ["text"],
        [{**NAMES, "track_name": "another", "spotify_track_ids": []}],
    ],
)
def test_an_answer_about_something_else_is_not_believed(
    brainz: Make, server: SandboxServer, body: Any
) -> None:
    server.other_faults.script.append(Raw(200, orjson.dumps(body)))
    _, found = brainz().spotify_ids([SongNames("TR1", "x", "y", "z")])
    assert found.failed == ["TR1"] and found.reason
    assert brainz().spotify_ids([SongNames("TR1", "x", "y", "z")])[1].not_found == ["TR1"]


@pytest.mark.parametrize("ids", [None, "text", [None, 7, "short", "x" * 23]])
def test_what_is_not_an_id_is_left_out(brainz: Make, server: SandboxServer, ids: Any) -> None:
    server.other_faults.script.append(Raw(200, orjson.dumps([{**NAMES, "spotify_track_ids": ids}])))
    assert brainz().spotify_ids([SongNames("TR1", "x", "y", "z")])[1].not_found == ["TR1"]


def test_equal_songs_and_those_that_labs_take_for_equal_are_not_sent_together(
    brainz: Make, server: SandboxServer
) -> None:
    names = [
        ("Bam", "Ana", "One"),
        ("Bam", "Ana", "One"),  # the same
        ("bam!", "ANÁ", "One"),
        ("Bam", "Ana", "Two"),  # looked up without the release, too
        ("Bam (feat. Ben)", "Ana", "One"),  # and without guests
        ("Boo", "Ana", "One"),
    ]
    songs = [SongNames(f"TR{number}", *name) for number, name in enumerate(names)]
    sent: list[list[dict[str, str]]] = []

    class Echo(Labs):
        def post(self, path: str, body: Any) -> Any:
            sent.append(body)
            return [
                {**song, "spotify_track_ids": [f"{len(sent)}{n}".zfill(22)]} for n, song in enumerate(body)
            ]

    made = brainz()
    opened = Echo(made.policy, made._ledger)
    found, _ = opened.spotify_ids(songs)
    opened.close()
    assert found.keys() == {song.track_id for song in songs} and found["TR0"] == found["TR1"]
    assert [len(batch) for batch in sent] == [2, 1, 1, 1]


def test_a_song_without_a_release_is_looked_up_by_artist_and_title(
    brainz: Make, server: SandboxServer
) -> None:
    empty = {**NAMES, "release_name": "", "spotify_track_ids": ["1" * 22]}
    server.other_faults.script.append(Raw(200, orjson.dumps([empty])))
    assert brainz().spotify_ids([SongNames("TR1", "x", "y", None)])[0] == {"TR1": ["1" * 22]}
