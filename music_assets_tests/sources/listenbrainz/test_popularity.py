"""Listens by MusicBrainz id: a thousand a request, renewed by the month, believed where they are counts."""

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
from music_assets.sources.ledger import Ledger
from music_assets.sources.listenbrainz import LISTENBRAINZ, REFRESH_DAYS, ListenBrainz
from music_assets.tables import STAGED, row_columns
from music_assets_tests.support.faults import ANSWERS, Raw
from music_assets_tests.support.sandbox import SandboxServer, songs_frame

FRAME = songs_frame(120)
INVENTED = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(2_500)]
Make = Callable[..., ListenBrainz]


@pytest.fixture(scope="module")
def songs() -> pd.DataFrame:
    return FRAME


@pytest.fixture
def brainz(server: SandboxServer, ledger: Ledger) -> Iterator[Make]:
    with contextlib.ExitStack() as opened:

        def make(**settings: Any) -> ListenBrainz:
            given = {
                "base_url": server.address.listenbrainz_url,
                "requests_per_second": None,
                "backoff": 0.001,
            }
            policy = replace(LISTENBRAINZ, **{**given, **settings})
            client = ListenBrainz(policy, ledger, clock=server.clock, sleep=server.clock.sleep)
            return opened.enter_context(client)

        yield make


@pytest.fixture
def recordings(songs_catalogue: Path) -> list[str]:
    with contextlib.closing(open_to_read(songs_catalogue)) as db:
        return [mbid for (mbid,) in db.execute("SELECT mbid FROM recordings ORDER BY mbid")]


def test_rows_are_those_of_the_staged_kind(brainz: Make, recordings: list[str]) -> None:
    found = brainz().popularity("recording", [*recordings, INVENTED[0]])
    assert found.rows and INVENTED[0] in found.not_found
    assert {row["mbid"] for row in found.rows} | {*found.not_found} == {*recordings, INVENTED[0]}
    for row in found.rows:
        assert list(row) == row_columns(STAGED["listenbrainz_popularity"])
        assert row["entity"] == "recording" and row["listen_count"] >= row["listener_count"] > 0


def test_a_thousand_ids_are_one_request_and_each_is_requested_once(
    brainz: Make, server: SandboxServer, recordings: list[str]
) -> None:
    opened = brainz()
    opened.popularity("recording", [*recordings, *INVENTED, *INVENTED])
    assert opened.requests == -(-(len(recordings) + len(INVENTED)) // 1000)
    again = brainz()
    again.popularity("recording", [*recordings, *INVENTED])
    assert again.requests == 0 and again.cache_hits == len(recordings) + len(INVENTED)


def test_what_is_no_mbid_is_not_sent(brainz: Make) -> None:
    opened = brainz()
    found = opened.popularity(
        "artist", ["", "none", "ABCDEF00-0000-4000-8000-000000000000", f"{INVENTED[0]}0"]
    )
    assert (opened.requests, found.rows, found.not_found) == (0, [], [])


def test_counts_are_renewed_after_their_days_and_given_as_they_were_where_that_fails(
    brainz: Make, server: SandboxServer, recordings: list[str]
) -> None:
    first = brainz().popularity("recording", recordings)
    server.clock.now += REFRESH_DAYS * 86_400
    server.other_faults.script.append(ANSWERS["wait_a_day"])
    late = brainz().popularity("recording", recordings)
    assert late.rows == first.rows and late.pending == recordings and late.until
    server.clock.now += 90_000
    renewed = brainz().popularity("recording", recordings)
    assert renewed.pending == [] and all(row["fetched_at"] > late.until for row in renewed.rows)


def test_without_fetch_nothing_is_requested(brainz: Make, recordings: list[str]) -> None:
    opened = brainz()
    found = opened.popularity("recording", recordings, fetch=False)
    assert (found.rows, found.not_found, found.pending, opened.requests) == ([], [], [], 0)


MBID, OTHER = INVENTED[:2]


@pytest.mark.parametrize(
    "body",
    [
        *(
            {},
            [],
            "text",
            None,
            [[]],
            [{"artist_mbid": [MBID]}],
            [{"artist_mbid": {}}, {"artist_mbid": None}],
        ),
        [{"artist_mbid": OTHER, "total_listen_count": 1, "total_user_count": 1}],
    ],
)
def test_a_response_about_something_else_is_not_believed(
    brainz: Make, server: SandboxServer, body: Any
) -> None:
    server.other_faults.script.append(Raw(200, orjson.dumps(body)))
    found = brainz().popularity("artist", [MBID])
    assert found.failed == [MBID] and found.reason and not found.rows
    assert brainz().popularity("artist", [MBID]).failed == []


@pytest.mark.parametrize("count", [None, "7", -1, 1.5, True])
def test_a_count_that_is_none_is_not_taken_for_one(brainz: Make, server: SandboxServer, count: Any) -> None:
    row = {"artist_mbid": MBID, "total_listen_count": count, "total_user_count": 3}
    server.other_faults.script.append(Raw(200, orjson.dumps([row])))
    assert brainz().popularity("artist", [MBID]).not_found == [MBID]


def test_rows_are_joined_by_id_whatever_their_order(brainz: Make, server: SandboxServer) -> None:
    rows = [
        {"artist_mbid": mbid, "total_listen_count": count, "total_user_count": 1}
        for mbid, count in ((OTHER, 2), (MBID, 1))
    ]
    server.other_faults.script.append(Raw(200, orjson.dumps(rows)))
    found = brainz().popularity("artist", [MBID, OTHER, INVENTED[2]])
    assert [(row["mbid"], row["listen_count"]) for row in found.rows] == [(MBID, 1), (OTHER, 2)]
    assert found.not_found == [INVENTED[2]]
